"""What operators ask: whether all is set up well, and how much GitHub still takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from aiohttp import web

from bot.doctor import Finding
from bot.github.client import GitHub
from bot.github.heard import RateLimit
from bot.github.pace import Spent
from bot.http.access import Doorman
from bot.http.answers import json_answer
from bot.http.bodies import Body
from bot.http.routes import add_route
from bot.redact import redact

BELIEVED = timedelta(seconds=10)
"""How long findings are told again: each look asks GitHub twice."""


class Check(Body):
    """One thing that was looked at; a problem has a remedy."""

    subject: str
    state: Literal["ok", "warning", "problem", "unchecked"]
    detail: str
    remedy: str


class StartupCheck(Body):
    """All that must be right; `ok` if nothing has a problem."""

    ok: bool
    checked_at: datetime
    checks: list[Check]


class LimitTold(Body):
    """A limit of GitHub's, as an answer told it last."""

    resource: str
    limit: int
    remaining: int
    resets_at: datetime
    heard_at: datetime


class WindowSpent(Body):
    """What was written within a time, and how much may be."""

    used: int
    limit: int


class PaceTold(Body):
    """Bellhop's own budget for writing; `resting` is how many seconds GitHub asked to wait."""

    minute: WindowSpent
    hour: WindowSpent
    waiting: int
    resting: float


class InstallationLimits(Body):
    """One installation's."""

    installation_id: int
    limits: list[LimitTold]
    pace: PaceTold


class RateLimits(Body):
    """Of every installation that was asked anything since Bellhop began."""

    installations: list[InstallationLimits]


@dataclass(slots=True)
class OperationsRoutes:
    """What the routes need; `examine` looks at everything that must be right."""

    doorman: Doorman
    github: GitHub
    examine: Callable[[], Awaitable[tuple[Finding, ...]]]
    clock: Callable[[], datetime]
    _look: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _found: StartupCheck | None = field(default=None, init=False)

    def register(self, app: web.Application) -> None:
        """Serve them."""
        add_route(app, "GET", "/startup/check", self._check)
        add_route(app, "GET", "/rate-limit", self._rate_limit)

    async def _check(self, request: web.Request) -> web.Response:
        await self.doorman.caller(request, "operator")
        async with self._look:  # who asks meanwhile is told the same
            if self._found is None or self.clock() - self._found.checked_at >= BELIEVED:
                self._found = await self._examined()
        return json_answer(self._found)

    async def _examined(self) -> StartupCheck:
        found = await self.examine()
        checks = [check_told(one) for one in found]
        fine = all(one.state != "problem" for one in found)
        return StartupCheck(ok=fine, checked_at=self.clock(), checks=checks)

    async def _rate_limit(self, request: web.Request) -> web.Response:
        await self.doorman.caller(request, "operator")
        limits, spent = self.github.heard.limits(), self.github.pace.spent()
        told = [
            InstallationLimits(
                installation_id=number,
                limits=[_limit(one) for one in limits.get(number, ())],
                pace=self._pace(spent.get(number, Spent(0, 0, 0, 0.0))),
            )
            for number in sorted(limits.keys() | spent.keys())
        ]
        return json_answer(RateLimits(installations=told))

    def _pace(self, spent: Spent) -> PaceTold:
        minute, hour = self.github.pace.allowed
        return PaceTold(
            minute=WindowSpent(used=spent.minute, limit=minute),
            hour=WindowSpent(used=spent.hour, limit=hour),
            waiting=spent.waiting,
            resting=spent.resting,
        )


def check_told(found: Finding) -> Check:
    """A finding on the wire, without a secret."""
    return Check(
        subject=found.subject,
        state=found.state,
        detail=redact(found.detail),
        remedy=redact(found.remedy),
    )


def _limit(told: RateLimit) -> LimitTold:
    return LimitTold(
        resource=told.resource,
        limit=told.limit,
        remaining=told.remaining,
        resets_at=datetime.fromtimestamp(told.resets_at, UTC),
        heard_at=datetime.fromtimestamp(told.heard_at, UTC),
    )
