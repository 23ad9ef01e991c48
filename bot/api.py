"""The API for programs and people, put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from aiohttp import web
from uuid_utils import uuid7

from bot.doctor import examine
from bot.facts import Facts
from bot.github.client import GitHub
from bot.http import openapi, page_sign_in, pages, reference
from bot.http.access import Doorman
from bot.http.deliveries import DeliveriesDesk
from bot.http.event_stream import Pace
from bot.http.events import EventDesk
from bot.http.forms import Forms
from bot.http.keys import KeyRoutes
from bot.http.limiting import Limits, RateLimiter, tell
from bot.http.metrics import MetricsRoute
from bot.http.operations import OperationsRoutes
from bot.http.page_feed import FeedPage
from bot.http.task_sight import TaskSight
from bot.http.tasks import TaskDesks
from bot.http.webhook_secrets import WebhookSecretRoutes
from bot.key_desk import KeyDesk
from bot.meters import Meters
from bot.operators import Operators
from bot.outbound_guard import Policy, why_not_called
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
    policy: Policy
    clock: Callable[[], datetime]
    limits: Limits = field(default_factory=Limits)
    pace: Pace = field(default_factory=Pace)
    meters: Meters = field(default_factory=Meters)
    ready: Callable[[], bool] = field(default=lambda: False)

    def register(self, app: web.Application) -> None:
        """Serve it all."""
        operators = Operators(self.store, self.github, self.settings.admins)
        doorman = self._doorman(operators)
        pages.add_pages(app, doorman)
        page_sign_in.add_sign_in(app)
        self._add_tasks(app, doorman)
        self._add_keys(app, doorman)
        self._add_operations(app, doorman)
        openapi.add_openapi(app)
        reference.add_reference(app)
        app.on_response_prepare.append(tell)
        app.cleanup_ctx.append(partial(_pinning, operators))

    def _doorman(self, operators: Operators) -> Doorman:
        limiter = RateLimiter(self.limits)
        url = self.settings.public_url
        forms = Forms(self.vault)
        return Doorman(self.store.people, operators, self.clock, url, forms, limiter)

    def _add_tasks(self, app: web.Application, doorman: Doorman) -> None:
        roles = Roles(self.github, self.clock)
        sight = TaskSight(self.store, doorman, roles)
        events = EventDesk(sight, self.pace)
        events.register(app)  # before `/tasks/{task_id}`
        self.meters.streams = events.open_streams
        TaskDesks(
            sight=sight,
            facts=Facts(self.github, self.store),
            check_url=partial(why_not_called, policy=self.policy),
            clock=self.clock,
            new_id=lambda: str(uuid7()),
            web_url=self.settings.github_url,
        ).register(app)
        FeedPage(sight, self.clock, self.settings.github_url).register(app)
        DeliveriesDesk(self.store, doorman, roles, self.clock).register(app)

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


async def _pinning(operators: Operators, app: web.Application) -> AsyncGenerator[None]:
    """Look up the operators while Bellhop starts, without keeping anybody waiting."""
    del app
    pinning = asyncio.create_task(operators.pin())
    yield
    pinning.cancel()
    await asyncio.gather(pinning, return_exceptions=True)
