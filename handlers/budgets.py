"""What may be spent on a day: on a repository, and by a person. Days are those of UTC."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal

Whose = Literal["repository", "owner"]


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit in US dollars, and what was spent of it today.

    `spent` is what the attempts cost that ended today, and those that are at work so far;
    `promised` what the latter may spend beyond that, where a limit of their own says so.
    """

    whose: Whose
    limit: float
    spent: float
    promised: float = 0.0

    @property
    def used_up(self) -> bool:
        """Whether nothing is left: then no more is admitted."""
        return self.spent >= self.limit

    @property
    def taken(self) -> bool:
        """Whether nothing is left that is not promised to others: then nothing more begins."""
        return self.spent + self.promised >= self.limit


def day_end(now: datetime) -> datetime:
    """When the day is over whose budgets count at a time."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time.min, UTC)


def seconds_left(now: datetime) -> int:
    """How long that is from then, in whole seconds: never too few, and at least one."""
    return math.ceil((day_end(now) - now).total_seconds())
