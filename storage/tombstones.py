"""What stays of a deleted task, so that a redelivery of its command does not make it again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlite_utils import Database

from storage.times import to_text


def put(db: Database, task_id: str, now: datetime) -> None:
    """A task was deleted."""
    db.conn.execute(
        "INSERT OR REPLACE INTO tombstones (task_id, deleted_at) VALUES (?, ?)",
        (task_id, to_text(now)),
    )


def is_deleted(db: Database, task_id: str) -> bool:
    """Whether a task of this id was deleted lately."""
    row = db.conn.execute("SELECT 1 FROM tombstones WHERE task_id = ?", (task_id,)).fetchone()
    return row is not None


def forget(db: Database, now: datetime, keep: timedelta) -> None:
    """Remove tombstones that are older than any redelivery can be."""
    db.conn.execute("DELETE FROM tombstones WHERE deleted_at < ?", (to_text(now - keep),))
