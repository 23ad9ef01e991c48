"""The composition root: the only place that knows everybody."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web
from aiohttp.abc import AbstractResolver
from pydantic import SecretStr
from uuid_utils import uuid7

from bot import identity as who
from bot import trail
from bot.agent_keys import AgentKeys
from bot.api import Api
from bot.effects.hands import Hands, backoff
from bot.effects.perform import Performer
from bot.effects.sending import Courier
from bot.facts import Facts
from bot.github.app import AppIdentity
from bot.github.client import GitHub
from bot.github.clock import Clock, SystemClock
from bot.github.comments import OurMark
from bot.github.errors import GitHubError
from bot.http import ops, problems, webhooks
from bot.http.callbacks import CallbackDesk
from bot.http.event_stream import Pace
from bot.http.git import GitGate
from bot.http.limiting import Limits
from bot.identity import Identity
from bot.intake import Intake
from bot.look_ups import SystemResolver
from bot.losses import tell_if_lost
from bot.meters import Meters
from bot.outbound_guard import Policy, guarded_session
from bot.pump import Keep, Pump
from bot.push_desk import TaskPushDesk
from bot.restored import Return
from bot.roles import Roles
from bot.rotation import vault_with_history
from bot.runners.base import Exit, Runner
from bot.runners.process import ProcessRunner
from bot.secret_key import secret_key, settle_key
from bot.settings import Settings
from bot.startup import private_key
from bot.token_desk import TokenDesk
from bot.validation import Validator
from bot.vault import Vault
from bot.webhook_audience import Audience
from bot.worker_tokens import WorkerTokens
from handlers.events import WorkerExited
from storage import FolderLock, StorageFailed, Store

_log = structlog.stdlib.get_logger(__name__)

USER_AGENT = "bellhop"
PATIENCE = 6.0
"""Seconds that a start waits for GitHub to say which App this is."""
PASSABLE = 0o711
"""Mode of folders that workers of another user pass through without seeing what is in them."""


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Tempo:
    """Time as Bellhop lives it; tests go faster.

    `backoff_unit` stretches the waits between tries, `settle` is how many seconds to wait before
    looking for what a cut connection may have written, `clock` tells the time in UTC, and
    `github_clock` is the one by which GitHub's limits are kept, `limits` are those of callers, and
    `pace` is that of event streams.
    """

    backoff_unit: float = 1.0
    settle: float = 2.0
    clock: Callable[[], datetime] = now
    github_clock: Clock = field(default_factory=SystemClock)
    limits: Limits = field(default_factory=Limits)
    pace: Pace = field(default_factory=Pace)

    def backoff(self, tries: int) -> float:
        """Seconds before the next try."""
        return backoff(tries) * self.backoff_unit


@dataclass(slots=True)
class Bellhop:
    """A running Bellhop: made by `opened`, which also ends it."""

    settings: Settings
    store: Store
    github: GitHub
    runners: dict[str, Runner]
    vault: Vault
    session: aiohttp.ClientSession
    tempo: Tempo
    policy: Policy
    outbound: aiohttp.ClientSession
    """The session for URLs that people give; it keeps to the policy."""
    roles: Roles
    identity: Identity | None = None
    pump: Pump | None = None
    meters: Meters = field(default_factory=Meters)
    provider_bases: Mapping[str, str] = field(default_factory=dict[str, str])
    """Other addresses of providers, by the address that they stand for."""
    agent_keys: AgentKeys = field(init=False)
    _pumping: asyncio.Task[None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Have one desk of keys: it knows which ones were handed out."""
        self.agent_keys = AgentKeys(self.store, self.vault)

    @property
    def app_name(self) -> str:
        """The App's slug, by which people address it; until it is known, the product's name."""
        return self.identity.slug if self.identity else "bellhop"

    @property
    def ready(self) -> bool:
        """Whether work goes on: Bellhop knows who it is and the loop runs."""
        return self._pumping is not None and not self._pumping.done() and self.pump is not None

    def who(self) -> Identity:
        """Who Bellhop is.

        Raises:
            Problem: GitHub has not told yet; the caller tries again.
        """
        if self.identity is None:
            raise problems.Problem(
                503, "Bellhop is starting and does not know its App yet.", code="starting"
            )
        return self.identity

    async def introduce(self) -> None:
        """Learn who Bellhop is before anybody can speak to it by that name, if GitHub answers.

        Without an answer the name is the product's own until the next start; the work begins as
        soon as GitHub answers.
        """
        with contextlib.suppress(TimeoutError, GitHubError):
            async with asyncio.timeout(PATIENCE):
                self.identity = self.identity or await who.learn(self.github, self.store)

    def application(self) -> web.Application:
        """The web application, without the loop that does the work."""
        app = web.Application()
        problems.install(app)
        tokens = self.worker_tokens()
        secret = self.settings.webhook_secret
        door = webhooks.WebhookDoor(
            secret=secret.get_secret_value().encode() if secret else b"",
            app_id=self.settings.app_id,
            app_name=lambda: self.app_name,
            inbox=self.store.inbox,
            notify=self.store.changed.set,
            clock=self.tempo.clock,
            new_id=lambda: str(uuid7()),
            meters=self.meters,
        )
        webhooks.add_webhooks(app, door)
        CallbackDesk(
            store=self.store,
            tokens=tokens,
            github_tokens=self.token_desk(),
            agent_keys=self.agent_keys,
            identity=self.who,
            clock=self.tempo.clock,
            worker_url=self.settings.workers_url,
            github_url=self.settings.github_url,
            agent_command=self.settings.agent_command,
        ).register(app)
        desk = TaskPushDesk(
            self.store, self.github, tokens, self.settings.github_url, self.tempo.clock
        )
        GitGate(desk, self.session).register(app)
        Api(
            self.settings,
            self.store,
            self.github,
            self.vault,
            self.policy,
            self.roles,
            Validator(self.session, self.provider_bases),
            self.tempo.clock,
            self.tempo.limits,
            self.tempo.pace,
            self.meters,
            lambda: self.ready,
            lambda: self.app_name,
        ).register(app)
        ops.add_health(app, lambda: self.ready, lambda: self.store.failing)
        return app

    def worker_tokens(self) -> WorkerTokens:
        """By which workers are known."""
        vault = self.vault
        return WorkerTokens(vault.worker_key, vault.former_worker_keys, self.tempo.clock)

    def token_desk(self) -> TokenDesk:
        """Where workers' GitHub tokens come from."""
        return TokenDesk(self.store, self.github.tokens, self.vault, self.tempo.clock)

    def courier(self) -> Courier:
        """Who sends webhooks to programs."""
        return Courier(
            self.store,
            self.outbound,
            self.policy.rules,
            self.webhook_secrets,
            Audience(self.roles, self.store.people).may_know,
            self.tempo.clock,
            self.tempo.backoff,
        )

    async def webhook_secrets(self, owner_id: int) -> tuple[str, ...]:
        """The secrets of a person that are valid now.

        Raises:
            WrongKey: they were sealed with another key.
        """
        sealed = await self.store.people.webhook_secrets_of(owner_id)
        return tuple(self.vault.unseal(one.secret) for one in sealed)

    async def start(self) -> None:
        """Begin to work: let nobody be silent for the time Bellhop was away, then go on."""
        if self.store.held is None:
            await self.store.restarted(self.tempo.clock())
        else:
            _log.warning("started from a backup", made_at=self.store.held.isoformat())
            await self.store.hold()
        for runner in self.runners.values():
            await runner.open(self._exited)
        self._pumping = asyncio.create_task(self._pump())
        self._pumping.add_done_callback(_tell_if_it_died)

    async def stop(self) -> None:
        """Stop working; workers go on and are found again."""
        if self._pumping is not None:
            self._pumping.cancel()
            await asyncio.gather(self._pumping, return_exceptions=True)
        for runner in self.runners.values():
            await runner.close()

    async def _exited(self, exit_: Exit) -> None:
        key = exit_.key
        event = WorkerExited(key.task_id, key.attempt, key.launch, exit_.code, exit_.detail)
        trail.of_worker(key.task_id)
        scrub = await self.agent_keys.scrub(key)  # which knows the keys of a launch while it counts
        decision = await self.store.apply(event, self.tempo.clock())
        tell_if_lost(decision, code=exit_.code, last=scrub(exit_.detail))

    async def _pump(self) -> None:
        identity = self.identity = await self._learn()
        rules = self.store.rules = self.settings.rules(identity.slug)
        facts = Facts(self.github, self.store)
        hands = Hands(
            store=self.store,
            github=self.github,
            runners=self.runners,
            identity=identity,
            vault=self.vault,
            tokens=self.worker_tokens(),
            github_tokens=self.token_desk(),
            rules=rules,
            worker_url=self.settings.workers_url,
            clock=self.tempo.clock,
            backoff=self.tempo.backoff,
            settle=self.tempo.settle,
            meters=self.meters,
        )
        keep = Keep(
            timedelta(days=self.settings.keep_payloads),
            timedelta(days=self.settings.keep_logs),
            timedelta(days=self.settings.keep_tombstones),
        )
        intake = Intake(self.store, facts, identity.app_id, identity.slug, self.tempo.clock)
        self.pump = Pump(
            self.store,
            intake,
            Performer(hands),
            self.courier(),
            self.tempo.clock,
            self.tempo.backoff,
            keep,
        )
        await self._return_from_backup(identity)
        _log.info("ready", app=identity.slug)
        await self.pump.run()

    async def _return_from_backup(self, identity: Identity) -> None:
        """Hold what a restored database owes until GitHub has said what it knows."""
        vault = self.vault
        mark = OurMark(vault.sign, identity.app_id, identity.bot_id, vault.signed_before)
        back = Return(self.store, self.github, mark, self.tempo.clock)
        tries = 0
        looking = self.store.held is not None
        while looking:
            try:
                await back.look()
                looking = False
            except (GitHubError, StorageFailed) as error:
                tries += 1
                _log.warning("GitHub does not say what it knows yet", problem=str(error))
                await asyncio.sleep(self.tempo.backoff(tries))

    async def _learn(self) -> Identity:
        """Who Bellhop is: remembered, or asked for until GitHub says."""
        tries = 0
        while self.identity is None:
            try:
                self.identity = await who.learn(self.github, self.store)
            except (GitHubError, StorageFailed) as error:
                tries += 1
                _log.warning("GitHub does not say which App this is", problem=str(error))
                await asyncio.sleep(self.tempo.backoff(tries))
        return self.identity


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    tempo: Tempo | None = None,
    resolver: AbstractResolver | None = None,
    trust: ssl.SSLContext | None = None,
    provider_bases: Mapping[str, str] | None = None,
) -> AsyncGenerator[Bellhop]:
    """Open everything that these settings name, and close it again.

    `resolver` looks up the hosts of webhooks to programs, and `trust` says whose certificates count
    of them, instead of the system. `provider_bases` are other addresses of providers of models, by
    the address that they stand for.

    Raises:
        FolderInUse: another Bellhop uses the data folder.
        StorageFailed: the database cannot be used.
        OSError: a file or the data folder cannot be read or made.
        ValueError: the private key is none.
    """
    tempo = tempo or Tempo()
    make_folder(settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(FolderLock(settings.data))
        settle_key(settings)
        key = secret_key(settings)
        timeout = aiohttp.ClientTimeout(total=None, connect=10)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout)
        )
        resolver = resolver or SystemResolver()
        stack.push_async_callback(resolver.close)
        policy = Policy(settings.webhook_urls, resolver)
        outbound = await stack.enter_async_context(guarded_session(policy, trust))
        store = await Store.open(settings.data / settings.database, settings.rules("bellhop"))
        stack.push_async_callback(store.close)
        vault = await vault_with_history(key, store)
        app_id = settings.app_id or 0
        app = AppIdentity(app_id, settings.client_id, SecretStr(private_key(settings)))
        github = GitHub(
            session,
            app,
            api_url=settings.github_api_url,
            requester=USER_AGENT,
            clock=tempo.github_clock,
        )
        runners = _runners(settings)
        known = await who.recall(store, app_id)
        bellhop = Bellhop(
            settings,
            store,
            github,
            runners,
            vault,
            session,
            tempo,
            policy,
            outbound,
            Roles(github, tempo.clock),
            known,
            provider_bases=provider_bases or {},
        )
        store.on_move = bellhop.meters.moved
        yield bellhop


def _tell_if_it_died(pumping: asyncio.Task[None]) -> None:
    """The loop ends by being cancelled; any other end must not go unseen."""
    if not pumping.cancelled() and (error := pumping.exception()) is not None:
        _log.critical("the work has stopped; start Bellhop again", exc_info=error)


def make_folder(settings: Settings) -> None:
    """The data folder is the bot's own; workers of another user may only pass through it."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings.worker_user is not None:
        workers = settings.data / "workers"
        workers.mkdir(exist_ok=True)
        for folder in (settings.data, workers):
            folder.chmod(PASSABLE)


def _runners(settings: Settings) -> dict[str, Runner]:
    folder: Path = settings.data.resolve() / "workers"
    return {"process": ProcessRunner(folder, user=settings.worker_user)}
