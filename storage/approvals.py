"""What waits for approval, and how much of it there is."""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from handlers.approval import CROWD_OF, MOST
from handlers.decision import Crowd
from handlers.task import Task
from handlers.values import Person, Where
from storage import tasks
from storage.times import to_text


def of_issue(db: Database, repository_id: int, number: int) -> tuple[Task, ...]:
    """The tasks of an issue that wait for approval, oldest first."""
    rows = db.conn.execute(
        "SELECT id FROM tasks WHERE repository_id = ? AND number = ? AND awaiting ORDER BY id",
        (repository_id, number),
    )
    found = (tasks.load(db, task_id) for (task_id,) in rows.fetchall())
    return tuple(task for task in found if task is not None)


def crowd_of(db: Database, where: Where, person: Person, now: datetime) -> Crowd:
    """How many commands wait beside one of somebody's, each counted up to its bound."""
    place = where.repository_id
    return Crowd(
        person=_count(
            db,
            "asker_id = ?2 AND queued_at > ?3",
            (place, person.id, to_text(now - CROWD_OF)),
            MOST.person,
        ),
        issue=_count(db, "number = ?2 AND awaiting", (place, where.number), MOST.issue),
        repository=_count(db, "awaiting", (place,), MOST.repository),
    )


def _count(db: Database, which: str, values: tuple[object, ...], most: int) -> int:
    row = db.conn.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM tasks WHERE repository_id = ?1 AND {which} "  # noqa: S608 - our own words
        f"LIMIT {most})",
        values,
    ).fetchone()
    return int(row[0])
