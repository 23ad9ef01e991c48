"""Lines of deliveries that may be commands, and what became of each: rows <-> values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from storage.times import to_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlite_utils import Database

BECAME_TASK = "task"
"""The state of a candidate that became a task; its row is kept as long as the task may be."""


class Candidate(NamedTuple):
    """A line that may be a command; `task_id` is its task's id if it becomes one."""

    task_id: str
    source_kind: str
    source_id: int
    position: int


def open_of(
    db: Database, delivery: int, source_id: int | None, source_kind: str | None
) -> tuple[Candidate, ...]:
    """The candidates of a delivery that wait for a decision, as they stand in its source."""
    rows: Iterable[tuple[Any, ...]] = db.conn.execute(
        "SELECT task_id, source_kind, source_id, position FROM candidates"
        " WHERE source_id = ? AND source_kind = ? AND delivery = ? AND state = 'new'"
        " ORDER BY position",
        (source_id, source_kind, delivery),
    )
    return tuple(Candidate(*row) for row in rows)


def is_open(db: Database, task_id: str) -> bool:
    """Whether a candidate waits for a decision; to be asked inside the transaction that decides."""
    row = db.conn.execute(
        "SELECT 1 FROM candidates WHERE task_id = ? AND state = 'new'", (task_id,)
    ).fetchone()
    return row is not None


def decided(db: Database, task_id: str, state: str, now: datetime) -> None:
    """Record what became of a candidate; with its last one the delivery is dealt with.

    Runs inside the transaction that decides. A candidate that is decided already stays as it is.

    Args:
        db: The writer's database.
        task_id: The candidate.
        state: `BECAME_TASK`, or in a word why it did not; never `new`.
        now: When.
    """
    row = db.conn.execute(
        "UPDATE candidates SET state = ?, decided_at = ? WHERE task_id = ? AND state = 'new'"
        " RETURNING delivery, source_id, source_kind",
        (state, to_text(now), task_id),
    ).fetchone()
    if row is not None:
        db.conn.execute(
            "UPDATE deliveries SET state = 'done', done_at = ?1 WHERE number = ?2 AND NOT EXISTS"
            " (SELECT 1 FROM candidates WHERE source_id = ?3 AND source_kind = ?4"
            " AND delivery = ?2 AND state = 'new')",
            (to_text(now), *row),
        )
