"""GitHub tokens that workers hold, as ciphertext: the key stays outside the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from handlers.task import Task
from storage.times import from_text, to_text


@dataclass(frozen=True, slots=True)
class SealedToken:
    """One token, encrypted."""

    id: int
    attempt: int
    launch: int
    secret: bytes
    expires_at: datetime


def keep(db: Database, task: Task, secret: bytes, expires_at: datetime) -> int:
    """Remember a token of a task's launch before anybody gets it, so that it can be revoked.

    Returns:
        The token's number.
    """
    row = db.conn.execute(
        "INSERT INTO tokens (task_id, attempt, launch, secret, expires_at) VALUES (?, ?, ?, ?, ?) "
        "RETURNING id",
        (task.id, task.attempt, task.launch, secret, to_text(expires_at)),
    ).fetchone()
    return int(row[0])


def of_task(db: Database, task_id: str, attempt: int, launch: int) -> tuple[SealedToken, ...]:
    """The tokens of a task's launches up to this one, newest first."""
    rows = db.conn.execute(
        "SELECT id, attempt, launch, secret, expires_at FROM tokens "
        "WHERE task_id = ? AND (attempt, launch) <= (?, ?) ORDER BY id DESC",
        (task_id, attempt, launch),
    )
    return tuple(
        SealedToken(number, of_attempt, of_launch, secret, from_text(at))
        for number, of_attempt, of_launch, secret, at in rows
    )


def remove(db: Database, token_id: int) -> None:
    """Forget a token that is revoked."""
    db.conn.execute("DELETE FROM tokens WHERE id = ?", (token_id,))


def forget_expired(db: Database, now: datetime) -> None:
    """Forget the tokens that no longer open anything."""
    db.conn.execute("DELETE FROM tokens WHERE expires_at < ?", (to_text(now),))
