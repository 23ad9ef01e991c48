"""Time as Bellhop lives it: the real one, or a test's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.effects.hands import backoff
from bot.github.clock import Clock, SystemClock
from bot.http.event_stream import Pace
from bot.http.limiting import Limits


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Tempo:
    """Time as Bellhop lives it; tests go faster.

    `backoff_unit` stretches the waits between tries, `settle` is how many seconds to wait before
    looking for what a cut connection may have written, `clock` tells the time in UTC, and
    `github_clock` is the one by which GitHub's limits are kept, `limits` are those of callers, and
    `pace` is that of event streams. `redelivery` is how many seconds a delivery may take to come
    after GitHub was asked for it again.
    """

    backoff_unit: float = 1.0
    settle: float = 2.0
    redelivery: float = 10.0
    clock: Callable[[], datetime] = now
    github_clock: Clock = field(default_factory=SystemClock)
    limits: Limits = field(default_factory=Limits)
    pace: Pace = field(default_factory=Pace)

    def backoff(self, tries: int) -> float:
        """Seconds before the next try."""
        return backoff(tries) * self.backoff_unit
