"""What became of attempts day by day: rows that grow as attempts end, whatever is deleted later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import TypeAdapter
from sqlite_utils import Database

from handlers.task import Task
from handlers.values import Usage
from storage import pull_times
from storage.listing import WORKED
from storage.times import from_text, to_text

LOST = "lost"
"""The outcome of an attempt whose worker was lost, and that another one took the place of."""

_USAGE = TypeAdapter(Usage)


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What became of a repository's attempts on a day; seconds and US dollars in all."""

    day: date
    repository_id: int
    repository: str
    outcome: str
    attempts: int
    seconds: float
    cost_usd: float
    pulls: int


@dataclass(frozen=True, slots=True)
class _Attempt:
    ended_at: datetime
    outcome: str
    seconds: float
    cost_usd: float
    pulls: int = 0


def count(db: Database, task: Task) -> None:
    """Add an attempt that ends, once; neither the task's row nor its attempt's is saved yet."""
    if task.status not in WORKED or task.completed_at is None:
        return
    row = db.conn.execute(
        "SELECT tasks.pull_number, attempts.completed_at FROM tasks LEFT JOIN attempts "
        "ON task_id = id AND attempt = ? WHERE id = ?",
        (task.attempt, task.id),
    ).fetchone()
    pull_before, ended_before = (None, None) if row is None else row
    if ended_before is not None:
        return
    began = task.started_at or task.completed_at
    seconds = (task.completed_at - began).total_seconds()
    opened = int(_is_new_pull(task, pull_before))
    cost = task.usage.cost_usd
    _add(db, task, _Attempt(task.completed_at, task.status.value, seconds, cost, opened))
    if opened:
        pull_times.count(db, task)


def count_lost(db: Database, task: Task, started_at: str | None, usage: str) -> None:
    """Add an attempt that its worker was lost in; the task goes on with the next one."""
    began = task.queued_at if started_at is None else from_text(started_at)
    seconds = (task.queued_at - began).total_seconds()
    cost = _USAGE.validate_json(usage).cost_usd
    _add(db, task, _Attempt(task.queued_at, LOST, seconds, cost))


def since(db: Database, parts: str, first: date) -> tuple[DayTotal, ...]:
    """The totals from a day on, oldest first.

    Args:
        db: The database.
        parts: JSON pairs of an owner's id (0: whoever) and a repository's.
        first: The first day, in UTC.
    """
    rows = db.conn.execute(
        "SELECT day, repository_id, full_name, outcome, sum(attempts), sum(seconds), "
        "sum(cost_usd), sum(pulls) FROM json_each(?) AS part CROSS JOIN totals "
        "ON totals.owner_id = part.value ->> 0 AND totals.repository_id = part.value ->> 1 "
        "JOIN places USING (repository_id) WHERE day >= ? "
        "GROUP BY day, repository_id, outcome ORDER BY day, repository_id, outcome",
        (parts, first.isoformat()),
    )
    return tuple(_total(row) for row in rows.fetchall())


def _total(row: Sequence[object]) -> DayTotal:
    day, *rest = row
    return DayTotal(date.fromisoformat(str(day)), *rest)  # pyright: ignore[reportArgumentType]  the query says the types


def _is_new_pull(task: Task, before: int | None) -> bool:
    """Whether a pull request came with this attempt, beyond the one that it was asked for on."""
    if task.pull is None or task.pull.number == before:
        return False
    return not task.where.is_pull_request or task.pull.number != task.where.number


def _add(db: Database, task: Task, ended: _Attempt) -> None:
    """Add to what its owner has there, and to what everybody has there (owner 0)."""
    row = (to_text(ended.ended_at)[:10], ended.outcome, ended.seconds, ended.cost_usd, ended.pulls)
    place = task.where.repository_id
    db.conn.execute(
        "INSERT INTO totals (repository_id, owner_id, day, outcome, attempts, seconds, cost_usd, "
        "pulls) VALUES (?, ?, ?, ?, 1, ?, ?, ?), (?, 0, ?, ?, 1, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET attempts = attempts + 1, seconds = seconds + excluded.seconds, "
        "cost_usd = cost_usd + excluded.cost_usd, pulls = pulls + excluded.pulls",
        (place, task.owner.id, *row, place, *row),
    )
