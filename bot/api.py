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
from bot.github.as_user import AsUser
from bot.github.client import GitHub
from bot.github.oauth import OAuthClient
from bot.http import openapi, page_sign_in, pages, reference
from bot.http.access import Doorman
from bot.http.config import ConfigRoutes
from bot.http.deliveries import DeliveriesDesk
from bot.http.event_stream import Pace
from bot.http.events import EventDesk
from bot.http.forms import Forms
from bot.http.github_data import GitHubDesk
from bot.http.github_links import GitHubLinks
from bot.http.installed import InstalledRoute
from bot.http.keys import KeyRoutes
from bot.http.limiting import Limits, RateLimiter, tell
from bot.http.metrics import MetricsRoute
from bot.http.operations import OperationsRoutes
from bot.http.page_deliveries import DeliveryPages
from bot.http.page_feed import FeedPage
from bot.http.page_installations import InstallationsPage
from bot.http.page_new_task import NewTaskPage
from bot.http.page_plots import PlotsPage
from bot.http.page_settings import SettingsPages
from bot.http.page_task import TaskPage
from bot.http.page_task_forms import TaskForms
from bot.http.sessions import SessionRoutes
from bot.http.sign_in import SignInRoutes
from bot.http.sign_in_check import SignInCheck
from bot.http.sign_in_cookies import SignInCookies
from bot.http.task_sight import TaskSight
from bot.http.tasks import TaskDesks
from bot.http.webhook_secrets import WebhookSecretRoutes
from bot.key_desk import KeyDesk
from bot.meters import Meters
from bot.operators import Operators
from bot.outbound_guard import Policy, why_not_called
from bot.preferences import Preferences
from bot.roles import Roles
from bot.settings import Settings
from bot.triggers import Triggers
from bot.user_tokens import UserTokens
from bot.validation import Validator
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
    roles: Roles
    triggers: Triggers
    validator: Validator
    clock: Callable[[], datetime]
    limits: Limits = field(default_factory=Limits)
    pace: Pace = field(default_factory=Pace)
    meters: Meters = field(default_factory=Meters)
    ready: Callable[[], bool] = field(default=lambda: False)
    app_name: Callable[[], str] = field(default=lambda: "bellhop")

    def register(self, app: web.Application) -> None:
        """Serve it all."""
        operators = Operators(self.store, self.github, self.settings.admins)
        doorman = self._doorman(operators)
        pages.add_pages(app, doorman)
        sight = TaskSight(self.store, doorman, self.roles)
        desks = self._add_tasks(app, sight)
        self._add_keys(app, doorman)
        tokens = self._add_sign_in(app, doorman)
        self._add_operations(app, doorman)
        openapi.add_openapi(app)
        self._add_pages(app, sight, desks)
        self._add_github(app, sight, desks, tokens)
        reference.add_reference(app)
        app.on_response_prepare.append(tell)
        app.cleanup_ctx.append(partial(_pinning, operators))
        app.cleanup_ctx.append(partial(_settling, tokens))

    def _add_sign_in(self, app: web.Application, doorman: Doorman) -> UserTokens:
        settings, people, clock = self.settings, self.store.people, self.clock
        client = OAuthClient(settings.client_id, settings.client_secret)
        oauth = self.github.oauth(client, settings.github_url)
        tokens = UserTokens(people, self.vault, oauth, clock)
        cookies = SignInCookies(doorman.cookie, self.vault, clock)
        url = settings.public_url
        sign_in = SignInRoutes(doorman, people, tokens, oauth, cookies, url, clock)
        sign_in.register(app)
        InstalledRoute(doorman, tokens, oauth, sign_in).register(app)
        SignInCheck(doorman, oauth, cookies, sign_in, url, clock).register(app)
        SessionRoutes(doorman, people, tokens, cookies, clock).register(app)
        return tokens

    def _doorman(self, operators: Operators) -> Doorman:
        limiter = RateLimiter(self.limits, self.settings.client_address_header)
        url = self.settings.public_url
        forms = Forms(self.vault)
        return Doorman(self.store.people, operators, self.clock, url, forms, limiter)

    def _add_tasks(self, app: web.Application, sight: TaskSight) -> TaskDesks:
        events = EventDesk(sight, self.pace)
        events.register(app)  # before `/tasks/{task_id}`
        self.meters.streams = events.open_streams
        desks = TaskDesks(
            sight=sight,
            facts=Facts(self.github, self.store, self.triggers),
            check_url=partial(why_not_called, policy=self.policy),
            clock=self.clock,
            new_id=lambda: str(uuid7()),
            web_url=self.settings.github_url,
        )
        desks.register(app)
        deliveries = DeliveriesDesk(self.store, sight.doorman, sight.roles, self.clock)
        deliveries.register(app)
        DeliveryPages(deliveries, sight.doorman.forms).register(app)
        return desks

    def _add_pages(self, app: web.Application, sight: TaskSight, desks: TaskDesks) -> None:
        """What people look at."""
        page_sign_in.add_sign_in(app)
        FeedPage(sight, self.clock, self.settings.github_url).register(app)
        PlotsPage(sight, self.clock).register(app)
        page = TaskPage(sight, self.clock, self.settings.github_url)
        page.register(app)
        TaskForms(page, desks.acts).register(app)

    def _add_github(
        self,
        app: web.Application,
        sight: TaskSight,
        desks: TaskDesks,
        tokens: UserTokens,
    ) -> None:
        """What people see of GitHub, and the pages that are made of it."""
        as_user = AsUser(self.github.new_api, tokens, self.github.clock)
        tokens.on_end = as_user.forget
        preferences = self._preferences(as_user)
        ConfigRoutes(sight.doorman, preferences).register(app)
        people = self.store.people
        SettingsPages(sight.doorman, people, self._key_desk(), preferences).register(app)
        links = GitHubLinks(self.settings.github_url, self.settings.github_api_url, self.app_name)
        GitHubDesk(sight, as_user, links.install, self.settings.github_url).register(app)
        InstallationsPage(as_user, links).register(app)
        NewTaskPage(
            sight.doorman,
            as_user,
            desks.maker,
            links,
            self.settings.rules("").agents,
            self.settings.time_limit,
        ).register(app)

    def _preferences(self, as_user: AsUser) -> Preferences:
        """The desk of defaults and of keys of providers."""
        return Preferences(
            scopes=self.store.scopes,
            vault=self.vault,
            as_user=as_user,
            validator=self.validator,
            rules=lambda: self.store.rules,
            clock=self.clock,
        )

    def _add_keys(self, app: web.Application, doorman: Doorman) -> None:
        people = self.store.people
        desk = self._key_desk()
        KeyRoutes(doorman, people, desk).register(app)
        WebhookSecretRoutes(doorman, people, desk).register(app)

    def _key_desk(self) -> KeyDesk:
        return KeyDesk(self.store.people, self.vault, self.clock)

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


async def _settling(tokens: UserTokens, app: web.Application) -> AsyncGenerator[None]:
    """Let what GitHub grants be stored before the database is closed."""
    del app
    yield
    await tokens.settled()


async def _pinning(operators: Operators, app: web.Application) -> AsyncGenerator[None]:
    """Look up the operators while Bellhop starts, without keeping anybody waiting."""
    del app
    pinning = asyncio.create_task(operators.pin())
    yield
    pinning.cancel()
    await asyncio.gather(pinning, return_exceptions=True)
