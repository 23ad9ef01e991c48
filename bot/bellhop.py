"""A Bellhop that runs: what it serves, and the work that it does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import aiohttp
import structlog
from aiohttp import web
from uuid_utils import uuid7

from bot import identity as who
from bot import trail
from bot.agent_keys import AgentKeys
from bot.api import Api
from bot.catch_up.look import CatchUp
from bot.catch_up.tools import Tools
from bot.effects.hands import Hands
from bot.effects.perform import Performer
from bot.effects.sending import Courier
from bot.facts import Facts
from bot.github.client import GitHub
from bot.github.comments import OurMark
from bot.github.errors import GitHubError
from bot.http import ops, problems, webhooks
from bot.http.callbacks import CallbackDesk
from bot.http.git import GitGate
from bot.identity import Identity
from bot.intake import Intake
from bot.losses import tell_if_lost
from bot.meters import Meters
from bot.outbound_guard import Policy
from bot.pump import Keep, Pump
from bot.push_desk import TaskPushDesk
from bot.restored import Return
from bot.roles import Roles
from bot.runners.base import Exit, Runner
from bot.settings import Settings
from bot.tempo import Tempo
from bot.token_desk import TokenDesk
from bot.triggers import Triggers
from bot.validation import Validator
from bot.vault import Vault
from bot.webhook_audience import Audience
from bot.worker_tokens import WorkerTokens
from handlers.events import WorkerExited
from storage import Store

_log = structlog.stdlib.get_logger(__name__)


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
    triggers: Triggers = field(init=False)
    door: webhooks.WebhookDoor = field(init=False)
    """Where GitHub delivers, and by which it is told what its log has."""
    _stored: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Set when a delivery was stored."""
    _pumping: asyncio.Task[None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Have one desk of keys, which knows those handed out, one of triggers, and one door."""
        self.agent_keys = AgentKeys(self.store, self.vault)
        self.triggers = Triggers(self.store, self.tempo.clock)
        secret = self.settings.webhook_secret
        self.door = webhooks.WebhookDoor(
            secret=secret.get_secret_value().encode() if secret else b"",
            app_id=self.settings.app_id,
            app_name=lambda: self.app_name,
            inbox=self.store.inbox,
            notify=self._delivered,
            clock=self.tempo.clock,
            new_id=lambda: str(uuid7()),
            meters=self.meters,
            own=lambda: self.triggers.names,
            may_ask=self.triggers.may_ask,
        )

    def _delivered(self) -> None:
        self.store.changed.set()
        self._stored.set()

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
            async with asyncio.timeout(who.PATIENCE):
                self.identity = self.identity or await who.learn(self.github, self.store)

    def application(self) -> web.Application:
        """The web application, without the loop that does the work."""
        app = web.Application()
        problems.install(app)
        tokens = self.worker_tokens()
        webhooks.add_webhooks(app, self.door)
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
            self.triggers,
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

    def catch_up(self) -> CatchUp:
        """Who looks for deliveries that were missed."""
        tools = Tools(
            self.store,
            self.github,
            partial(webhooks.from_log, self.door),
            self._stored,
            self.tempo.clock,
            self.tempo.backoff,
            self.tempo.redelivery,
            self.meters,
        )
        return CatchUp(tools)

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
        if self.identity is None:
            self.identity = await who.insist(self.github, self.store, self.tempo.backoff)
        identity = self.identity
        rules = self.store.rules = self.settings.rules(identity.slug)
        facts = Facts(self.github, self.store, self.triggers)
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
            self.catch_up(),
            self.tempo.clock,
            self.tempo.backoff,
            keep,
        )
        if self.store.held is not None:
            await self._restored(identity).settle(self.tempo.backoff)
        _log.info("ready", app=identity.slug)
        await self.pump.run()

    def _restored(self, identity: Identity) -> Return:
        """What holds back what a restored database owes, until GitHub has said what it knows."""
        vault = self.vault
        mark = OurMark(vault.sign, identity.app_id, identity.bot_id, vault.signed_before)
        return Return(self.store, self.github, mark, self.tempo.clock)


def _tell_if_it_died(pumping: asyncio.Task[None]) -> None:
    """The loop ends by being cancelled; any other end must not go unseen."""
    if not pumping.cancelled() and (error := pumping.exception()) is not None:
        _log.critical("the work has stopped; start Bellhop again", exc_info=error)
