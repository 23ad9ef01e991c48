"""How much there is of everything, counted for those who watch over Bellhop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from storage.times import from_text


@dataclass(frozen=True, slots=True)
class Owing:
    """The effects of one kind that wait, and how many of them have failed at least once."""

    waiting: int
    failing: int


@dataclass(frozen=True, slots=True)
class Census:
    """One look at the main database."""

    tasks: Mapping[str, int]
    """How many tasks have a status."""
    in_line: int
    """How many tasks wait for a place."""
    oldest_queued: datetime | None
    """Since when the task waits that has waited longest."""
    deliveries: int
    """How many deliveries are not dealt with."""
    missed: int
    """How many deliveries that GitHub could not bring are not dealt with."""
    effects: Mapping[str, Owing]
    """What is owed, by kind."""


MISSED = """
    SELECT (SELECT count(*) FROM missed WHERE outcome IS NULL AND written_at IS NULL)
        + (SELECT count(*) FROM missed WHERE outcome IS NULL AND written_at IS NOT NULL)
"""


def take(db: Database) -> Census:
    """Count. Each number comes from an index; of the effects, only those that wait are read."""
    line = db.conn.execute("SELECT count(*), min(queued_at) FROM tasks WHERE in_line").fetchone()
    waiting = db.conn.execute("SELECT count(*) FROM deliveries WHERE state = 'open'").fetchone()
    missed = db.conn.execute(MISSED).fetchone()
    return Census(
        dict(db.conn.execute("SELECT status, count(*) FROM tasks GROUP BY status").fetchall()),
        int(line[0]),
        None if line[1] is None else from_text(line[1]),
        int(waiting[0]),
        int(missed[0]),
        {
            kind: Owing(count, failing)
            for kind, count, failing in db.conn.execute(
                "SELECT kind, count(*), count(error) FROM effects WHERE state = 'waiting' "
                "GROUP BY kind"
            )
        },
    )
