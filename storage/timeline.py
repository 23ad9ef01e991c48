"""What happened to a task: rows <-> values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlite_utils import Database

from handlers.decision import Entry
from handlers.task import Task
from storage.numbers import Book, highest
from storage.times import from_text, to_text

_DATA: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of a task, as programs see it."""

    id: int
    task_id: str
    attempt: int
    timestamp: datetime
    type: str
    message: str
    data: Mapping[str, Any]


def append(
    db: Database,
    numbers: Book,
    task: Task,
    entries: Sequence[Entry],
    now: datetime,
) -> None:
    """Add entries in their order."""
    first = numbers.take(len(entries))
    for place, entry in enumerate(entries):
        db.conn.execute(
            "INSERT INTO timeline (id, task_id, attempt, at, type, message, data) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                first + place,
                task.id,
                task.attempt,
                to_text(now),
                entry.type,
                entry.message,
                _DATA.dump_json(dict(entry.data)).decode(),
            ),
        )


def of_task(db: Database, task_id: str, after: int = 0, limit: int = 1000) -> tuple[Happened, ...]:
    """The events of a task with a number above `after`, oldest first."""
    rows = db.conn.execute(
        "SELECT id, attempt, at, type, message, data FROM timeline "
        "WHERE task_id = ? AND id > ? ORDER BY id LIMIT ?",
        (task_id, after, limit),
    )
    return tuple([_happened(task_id, row) for row in rows])


MOST_STATES = 500
"""Changes of status and state that are read of one task."""


def states(db: Database, task_id: str) -> tuple[Happened, ...]:
    """The changes of a task's status and state, the last `MOST_STATES` of them, oldest first."""
    rows = db.conn.execute(
        "SELECT id, attempt, at, type, message, data FROM timeline WHERE task_id = ? "
        "AND (data ->> '$.status' IS NOT NULL OR data ->> '$.state' IS NOT NULL) "
        "ORDER BY id DESC LIMIT ?",
        (task_id, MOST_STATES),
    )
    return tuple(reversed([_happened(task_id, row) for row in rows]))


def talk(db: Database, task_id: str) -> tuple[Happened, ...]:
    """The messages to a task, and what became of them, oldest first."""
    rows = db.conn.execute(
        "SELECT id, attempt, at, type, message, data FROM timeline WHERE task_id = ? "
        "AND (type = 'message' OR data ->> '$.acknowledged' IS NOT NULL "
        "OR data ->> '$.answers' IS NOT NULL) ORDER BY id",
        (task_id,),
    )
    return tuple([_happened(task_id, row) for row in rows])


def last_number(db: Database) -> int:
    """The highest number that the timeline holds or held."""
    return highest(db, "timeline")


def _happened(task_id: str, row: Sequence[object]) -> Happened:
    number, attempt, at, kind, message, data = row
    return Happened(
        int(str(number)),
        task_id,
        int(str(attempt)),
        from_text(str(at)),
        str(kind),
        str(message),
        _DATA.validate_json(str(data)),
    )
