"""How often programs and people may ask, told in `RateLimit` headers.

See https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from aiohttp import web
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from bot.http.problems import Problem

WINDOW = 60
"""Seconds that a limit looks back."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests in a minute."""

    key: int = 300
    """Of one key, or one session."""
    person: int = 600
    """Of all keys and sessions of a person."""
    creations: int = 60
    """New tasks, messages and retries of a person."""
    failures: int = 60
    """Wrong credentials from one address."""
    sign_ins: int = 60
    """People who come back from GitHub, from one address; and looks at what is wrong with that."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a caller may still ask: `reset` is in seconds."""

    name: str
    limit: int
    left: int
    reset: int


LEFT = web.RequestKey("rate_limit_left", Left)


@dataclass(slots=True)
class RateLimiter:
    """Counts requests in memory: after a restart everybody begins anew."""

    limits: Limits = field(default_factory=Limits)
    _window: MovingWindowRateLimiter = field(
        default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()), init=False
    )

    async def count(self, request: web.Request, name: str, who: str, limit: int) -> None:
        """Count one request; the answer will tell of the limit of which least is left.

        Raises:
            Problem: 429, there were too many.
        """
        item = RateLimitItemPerMinute(limit)
        allowed = await self._window.hit(item, name, who)
        stats = await self._window.get_window_stats(item, name, who)
        reset = max(1, math.ceil(stats.reset_time - time.time()))
        told = Left(name, limit, stats.remaining, reset)
        before = request.get(LEFT)
        if before is None or told.left < before.left:
            request[LEFT] = told
        if not allowed:
            raise _too_many(told)

    async def refuse_guessing(self, address: str) -> None:
        """Count wrong credentials from an address.

        Good ones are never refused for it: behind a reverse proxy everybody has one address.

        Raises:
            Problem: 429, there were too many.
        """
        item = RateLimitItemPerMinute(self.limits.failures)
        if not await self._window.hit(item, "failures", address):
            raise _too_many(Left("failures", self.limits.failures, 0, WINDOW))


async def tell(request: web.Request, response: web.StreamResponse) -> None:
    """Put into an answer what was counted for it."""
    left = request.get(LEFT)
    if left is not None:
        response.headers["RateLimit-Policy"] = f'"{left.name}";q={left.limit};w={WINDOW}'
        response.headers["RateLimit"] = f'"{left.name}";r={left.left};t={left.reset}'


def _too_many(left: Left) -> Problem:
    return Problem(
        429,
        f"There were more than {left.limit} such requests in a minute. "
        f"Wait {left.reset} seconds; an event stream needs no polling.",
        code="too_many",
        headers={"Retry-After": str(left.reset)},
    )
