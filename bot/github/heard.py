"""What GitHub's answers tell beside what was asked: how it goes, and how much may still be asked.

See GitHub's "Rate limits for the REST API": each answer carries the limit that it counted for.
"""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cachetools import LRUCache

from storage.timings import CALLS, Timings

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 2_000
"""Limits that are remembered; each installation has a few."""

LATEST = 32_503_680_000.0
"""The year 3000: what a server says of later times is no date."""

SILENT = "none"
"""The status class of a call that was never answered."""

ASKING: ContextVar[int | None] = ContextVar("asking", default=None)
"""The installation in whose name a call is made: it is its limit that the answer tells of."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A limit as an answer told it; times are in seconds since the epoch."""

    resource: str
    limit: int
    remaining: int
    resets_at: float
    heard_at: float


class Heard:
    """Listens to every answer."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.seconds = Timings(CALLS)
        self._limits: LRUCache[tuple[int, str], RateLimit] = LRUCache(MOST)

    def answer(self, status: int, headers: Mapping[str, str], seconds: float, now: float) -> None:
        """Take in one answer, however it is."""
        self.calls[f"{status // 100}xx"] += 1
        self.seconds.add(seconds)
        installation = ASKING.get()
        if installation is not None and (told := _limit(headers, now)) is not None:
            self._limits[installation, told.resource] = told

    def silence(self, seconds: float) -> None:
        """A call was not answered."""
        self.calls[SILENT] += 1
        self.seconds.add(seconds)

    def limits(self) -> dict[int, tuple[RateLimit, ...]]:
        """What was heard last, by installation."""
        found: dict[int, tuple[RateLimit, ...]] = {}
        for (installation, _), told in sorted(self._limits.items()):
            found[installation] = (*found.get(installation, ()), told)
        return found


def _limit(headers: Mapping[str, str], now: float) -> RateLimit | None:
    limit, remaining, reset = (
        headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")
    )
    if not (limit.isdecimal() and remaining.isdecimal() and reset.isdecimal()):
        return None
    resource = headers.get("x-ratelimit-resource", "core")
    return RateLimit(resource[:40], int(limit), int(remaining), min(float(reset), LATEST), now)
