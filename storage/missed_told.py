"""How it goes with missed deliveries, for those who watch over Bellhop."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from storage.connections import open_beside
from storage.missed import LOOKED_AT, PROBLEM
from storage.times import from_text, to_text


@dataclass(frozen=True, slots=True)
class MissedTold:
    """The last look at GitHub's log of deliveries, and what was found of late.

    Attributes:
        looked_at: When a look came to its end last; None: never.
        problem: Why the one after that did not; empty where there was none.
        waiting: How many that were found are not dealt with.
        outcomes: What became of how many.
    """

    looked_at: datetime | None
    problem: str
    waiting: int
    outcomes: Mapping[str, int]


def told(db: Database, since: datetime) -> MissedTold:
    """How it goes; what was found before a time is not counted."""
    known = dict(
        db.conn.execute("SELECT key, value FROM meta WHERE key IN (?, ?)", (LOOKED_AT, PROBLEM))
    )
    outcomes: dict[str | None, int] = dict(
        db.conn.execute(
            "SELECT outcome, count(*) FROM missed WHERE found_at >= ? GROUP BY outcome",
            (to_text(since),),
        )
    )
    waiting = outcomes.pop(None, 0)
    looked = known.get(LOOKED_AT)
    return MissedTold(
        from_text(looked) if looked else None,
        known.get(PROBLEM, ""),
        waiting,
        {outcome: count for outcome, count in outcomes.items() if outcome},
    )


def look(path: Path, since: datetime) -> MissedTold | None:
    """The same, of a database that nobody has to have open; None: it is not there, or older.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    if not path.exists():
        return None
    with closing(open_beside(path)) as db:
        return told(db, since) if db["missed"].exists() else None
