"""How often programs and people may ask, told in `RateLimit` headers.

See https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from dataclasses import dataclass, field

from aiohttp import web

from bot.http.problems import Problem
from bot.http.windows import WINDOW, Windows, home_of


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests in a minute."""

    key: int = 300
    """Of one key, or one session."""
    person: int = 600
    """Of all keys and sessions of a person."""
    creations: int = 60
    """New tasks, messages and retries of a person, and checks of keys and replays."""
    failures: int = 60
    """Wrong credentials from one address; of IPv6, from one network of 64 bits."""
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
    """Counts requests in memory: after a restart everybody begins anew.

    Each kind of limit is counted by itself, so that many addresses push no key out.
    """

    limits: Limits = field(default_factory=Limits)
    address_header: str = ""
    """By which a proxy in front says whose request it is; empty where it is not believed."""
    _windows: defaultdict[str, Windows] = field(
        default_factory=lambda: defaultdict[str, Windows](Windows), init=False
    )

    def count(self, request: web.Request, name: str, who: str, limit: int) -> None:
        """Count one request; the answer will tell of the limit of which least is left.

        Raises:
            Problem: 429, there were too many.
        """
        hit = self._windows[name].hit(who, limit)
        told = Left(name, limit, hit.left, hit.reset)
        before = request.get(LEFT)
        if before is None or told.left < before.left:
            request[LEFT] = told
        if not hit.allowed:
            raise _too_many(told)

    def count_place(self, request: web.Request, name: str, limit: int) -> None:
        """Count one request of somebody who is known by nothing but where they are.

        Raises:
            Problem: 429, there were too many.
        """
        self.count(request, name, home_of(self.address(request)), limit)

    def address(self, request: web.Request) -> str:
        """Where a request comes from: what the proxy says, or else who is connected."""
        return self.address_told(request) or request.remote or ""

    def address_told(self, request: web.Request) -> str | None:
        """What the proxy in front says; None where it says nothing, or is not believed.

        Of several addresses the last counts, which the nearest proxy has put there: those before
        it are what the client said.
        """
        told = ",".join(request.headers.getall(self.address_header, ()))
        last = told.rpartition(",")[2].strip()
        try:
            return str(ipaddress.ip_address(last))
        except ValueError:
            return None

    def refuse_guessing(self, address: str) -> None:
        """Count wrong credentials from an address.

        Good ones are never refused for it: behind a proxy that is not believed everybody has one.

        Raises:
            Problem: 429, there were too many.
        """
        limit = self.limits.failures
        if not self._windows["failures"].hit(home_of(address), limit).allowed:
            raise _too_many(Left("failures", limit, 0, WINDOW))


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
