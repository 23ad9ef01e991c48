"""The API for programs and people, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web
from uuid_utils import uuid7

from bot.doctor import examine
from bot.facts import Facts
from bot.github.client import GitHub
from bot.http import openapi, pages, reference
from bot.http.access import Doorman
from bot.http.keys import KeyRoutes
from bot.http.limiting import Limits, RateLimiter, tell
from bot.http.metrics import MetricsRoute
from bot.http.operations import OperationsRoutes
from bot.http.task_sight import TaskSight
from bot.http.tasks import TaskDesks
from bot.http.webhook_secrets import WebhookSecretRoutes
from bot.key_desk import KeyDesk
from bot.meters import Meters
from bot.operators import Operators
from bot.roles import Roles
from bot.settings import Settings
from bot.vault import Vault
from storage import Store


@dataclass(frozen=True, slots=True)
class Api:
    """What the API needs."""

    settings: Settings
    store: Store
    github: GitHub
    vault: Vault
    clock: Callable[[], datetime]
    limits: Limits = field(default_factory=Limits)
    meters: Meters = field(default_factory=Meters)
    ready: Callable[[], bool] = field(default=lambda: False)

    def register(self, app: web.Application) -> None:
        """Serve it all."""
        doorman = self._doorman()
        self._add_tasks(app, doorman)
        self._add_keys(app, doorman)
        self._add_operations(app, doorman)
        openapi.add_openapi(app)
        pages.add_pages(app)
        reference.add_reference(app)
        app.on_response_prepare.append(tell)

    def _doorman(self) -> Doorman:
        operators = Operators(self.store, self.github, self.settings.admins)
        limiter = RateLimiter(self.limits)
        url = self.settings.public_url
        return Doorman(self.store.people, operators, self.clock, url, limiter)

    def _add_tasks(self, app: web.Application, doorman: Doorman) -> None:
        sight = TaskSight(self.store, doorman, Roles(self.github, self.clock))
        TaskDesks(
            sight=sight,
            facts=Facts(self.github, self.store),
            check_url=_https_only,
            clock=self.clock,
            new_id=lambda: str(uuid7()),
            web_url=self.settings.github_url,
        ).register(app)

    def _add_keys(self, app: web.Application, doorman: Doorman) -> None:
        people = self.store.people
        desk = KeyDesk(people, self.vault, self.clock)
        KeyRoutes(doorman, people, desk, self.clock).register(app)
        WebhookSecretRoutes(doorman, people, desk).register(app)

    def _add_operations(self, app: web.Application, doorman: Doorman) -> None:
        token = self.settings.metrics_token
        MetricsRoute(
            doorman=doorman,
            token=token.get_secret_value() if token else "",
            meters=self.meters,
            store=self.store,
            github=self.github,
            ready=self.ready,
            folder=self.settings.data,
            clock=self.clock,
        ).register(app)
        OperationsRoutes(doorman, self.github, lambda: examine(self.settings), self.clock).register(
            app
        )


async def _https_only(url: str) -> str | None:
    return None if url.startswith("https://") else "Give an https:// URL."
