"""The clocks of tasks: which have run out, and when the next one does."""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from storage.times import from_text, to_text


def due(db: Database, now: datetime, limit: int = 100) -> tuple[str, ...]:
    """The ids of tasks of which a clock has run out; a queued one is offered a place instead."""
    rows = db.conn.execute(
        "SELECT id FROM tasks WHERE due_at <= ? AND NOT in_line ORDER BY due_at LIMIT ?",
        (to_text(now), limit),
    )
    return tuple(task_id for (task_id,) in rows)


def postpone(db: Database, task_id: str, until: datetime) -> None:
    """Let the clocks of a task run out later; what is saved next sets the time anew."""
    db.conn.execute("UPDATE tasks SET due_at = ? WHERE id = ?", (to_text(until), task_id))


def next_due(db: Database, now: datetime) -> datetime | None:
    """When the next clock runs out."""
    row = db.conn.execute(
        "SELECT min(due_at) FROM tasks WHERE due_at IS NOT NULL AND (due_at > ? OR NOT in_line)",
        (to_text(now),),
    ).fetchone()
    return None if row[0] is None else from_text(row[0])
