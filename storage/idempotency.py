"""What was answered to requests that carry an `Idempotency-Key`: rows <-> values.

The rows know no tasks: they outlive them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from storage.times import to_text

KEEP = timedelta(hours=24)
"""How long the same key means the same request."""

AT_ONCE = 100
"""Answers forgotten in one transaction, so that nobody's work waits for it."""


@dataclass(frozen=True, slots=True)
class OnceKey:
    """Whose request it is, the key it carries, and the SHA-256 of what it asks for, in hex."""

    owner_id: int
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What was answered the first time, and the digest of what was asked for then."""

    digest: str
    location: str
    body: str


def recall(db: Database, once: OnceKey, now: datetime) -> FirstAnswer | None:
    """What was answered to this key within a day, whatever was asked for."""
    row = db.conn.execute(
        "SELECT digest, location, body FROM idempotency "
        "WHERE owner_id = ? AND key = ? AND answered_at > ?",
        (once.owner_id, once.key, to_text(now - KEEP)),
    ).fetchone()
    return None if row is None else FirstAnswer(*row)


def keep(db: Database, once: OnceKey, answer: FirstAnswer, now: datetime) -> None:
    """Remember an answer; one to the same key of more than a day ago gives way."""
    db.conn.execute(
        "INSERT OR REPLACE INTO idempotency (owner_id, key, digest, location, body, answered_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (once.owner_id, once.key, once.digest, answer.location, answer.body, to_text(now)),
    )


def empty(db: Database, task_id: str) -> None:
    """A task was removed: of what was answered about it, nothing that people wrote stays."""
    db.conn.execute(
        "UPDATE idempotency SET body = CASE WHEN json_valid(body) THEN json_set(body, "
        "'$.prompt', '', '$.metadata', json('{}'), '$.webhookUrl', NULL) ELSE '' END "
        "WHERE task_id = ?",
        (task_id,),
    )


def forget(db: Database, now: datetime) -> int:
    """Remove a portion of what means nothing any more; returns how much, 0 when nothing is left."""
    return db.conn.execute(
        "DELETE FROM idempotency WHERE rowid IN "
        "(SELECT rowid FROM idempotency WHERE answered_at <= ? ORDER BY answered_at LIMIT ?)",
        (to_text(now - KEEP), AT_ONCE),
    ).rowcount
