"""What became of tasks in the last days: what the API tells of it, and what the plots draw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from bot.http.task_narrowing import Narrowed
from storage.lists import Lists
from storage.pull_times import NONE, PullTimes
from storage.totals import DayTotal


@dataclass(frozen=True, slots=True)
class Totals:
    """Attempts by day and outcome; pull requests by how long they took, every class of it."""

    days: tuple[DayTotal, ...] = ()
    times: tuple[PullTimes, ...] = NONE


async def totals_of(lists: Lists, narrowed: Narrowed | None, days: int, today: date) -> Totals:
    """The totals of the last `days`, today's included; `narrowed` is None where nothing can be."""
    if narrowed is None:
        return Totals()
    scope, query = narrowed.scope, narrowed.query
    first = today - timedelta(days=days - 1)
    return Totals(
        await lists.totals(scope, query, first), await lists.pull_times(scope, query, first)
    )
