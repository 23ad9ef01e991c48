"""How many commands of Apps were answered on an issue within a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlite_utils import Database

from handlers.events import CommandGiven
from handlers.values import Where
from storage.times import to_text

DAY = timedelta(days=1)


def count(db: Database, where: Where, now: datetime) -> int:
    """How many were answered there in the last 24 hours."""
    row = db.conn.execute(
        "SELECT count(*) FROM app_commands WHERE repository_id = ? AND number = ? AND at > ?",
        (where.repository_id, where.number, to_text(now - DAY)),
    ).fetchone()
    return int(row[0])


def remember(db: Database, event: CommandGiven, now: datetime) -> None:
    """One more was answered."""
    where = event.where
    db.conn.execute(
        "INSERT INTO app_commands (repository_id, number, at, task_id) VALUES (?, ?, ?, ?)",
        (where.repository_id, where.number, to_text(now), event.task_id),
    )


def forget(db: Database, now: datetime) -> None:
    """Remove what counts no more."""
    db.conn.execute("DELETE FROM app_commands WHERE at <= ?", (to_text(now - DAY),))
