"""How long pull requests took, counted in classes: rows that grow as pull requests are opened."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date

from sqlite_utils import Database

from handlers.task import Task
from storage.times import to_text

BOUNDS = (60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 86_400)
"""The classes: seconds within which a pull request came, counted from when it was asked for."""
LONGER = 0
"""The class of those that took longer than any of them."""


@dataclass(frozen=True, slots=True)
class PullTimes:
    """How many pull requests are in a class; `within` is its bound in seconds, or `LONGER`."""

    within: int
    pulls: int


NONE = tuple(PullTimes(within, 0) for within in (*BOUNDS, LONGER))
"""Every class, the quickest first, where there are no pull requests."""


def class_of(seconds: float) -> int:
    """The class of a time."""
    place = bisect_left(BOUNDS, seconds)
    return BOUNDS[place] if place < len(BOUNDS) else LONGER


def count(db: Database, task: Task) -> None:
    """Count the pull request that an attempt ends with, for its owner and for everybody (0)."""
    ended = task.completed_at or task.updated_at
    within = class_of((ended - task.queued_at).total_seconds())
    place, day = task.where.repository_id, to_text(ended)[:10]
    db.conn.execute(
        "INSERT INTO pull_times (repository_id, owner_id, day, within, pulls) "
        "VALUES (?1, ?2, ?3, ?4, 1), (?1, 0, ?3, ?4, 1) "
        "ON CONFLICT DO UPDATE SET pulls = pulls + 1",
        (place, task.owner.id, day, within),
    )


def since(db: Database, parts: str, first: date) -> tuple[PullTimes, ...]:
    """Every class with what is in it from a day on, the quickest first.

    Args:
        db: The database.
        parts: JSON pairs of an owner's id (0: whoever) and a repository's.
        first: The first day, in UTC.
    """
    rows = db.conn.execute(
        "SELECT within, sum(pulls) FROM json_each(?) AS part CROSS JOIN pull_times "
        "ON pull_times.owner_id = part.value ->> 0 AND pull_times.repository_id = part.value ->> 1 "
        "WHERE day >= ? GROUP BY within",
        (parts, first.isoformat()),
    )
    found = dict(rows.fetchall())
    return tuple(PullTimes(one.within, int(found.get(one.within, 0))) for one in NONE)
