"""Attempts: one row for each run of a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from sqlite_utils import Database

from handlers.decision import Brief
from handlers.task import Task
from handlers.values import Person, Usage
from storage import totals
from storage.times import from_text, maybe_text, to_text

_USAGE = TypeAdapter(Usage)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a worker for a task."""

    attempt: int
    requester: Person
    prompt: str
    context: str
    status: str
    summary: str | None
    usage: Usage
    queued_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


def of_task(db: Database, task_id: str) -> tuple[Attempt, ...]:
    """The attempts of a task, oldest first."""
    rows = db.conn.execute(
        "SELECT attempt, requester_id, requester_login, prompt, context, status, summary, usage, "
        "queued_at, started_at, completed_at FROM attempts WHERE task_id = ? ORDER BY attempt",
        (task_id,),
    )
    return tuple(_attempt(row) for row in rows)


def save(db: Database, task: Task, brief: Brief | None) -> None:
    """The attempt's row follows its task; the brief of the first row is kept for a lost worker."""
    db.conn.execute(
        "INSERT INTO attempts (task_id, attempt, requester_id, requester_login, prompt, context, "
        "launch, status, summary, usage, queued_at, started_at, completed_at) "
        "VALUES (:id, :attempt, :person, :login, "
        "coalesce(:prompt, (SELECT prompt FROM attempts WHERE task_id = :id AND attempt < :attempt "
        "ORDER BY attempt DESC LIMIT 1), ''), "
        "coalesce(:context, (SELECT context FROM attempts WHERE task_id = :id "
        "AND attempt < :attempt ORDER BY attempt DESC LIMIT 1), ''), "
        ":launch, :status, :summary, :usage, :queued, :started, :completed) "
        "ON CONFLICT (task_id, attempt) DO UPDATE SET launch = excluded.launch, "
        "status = excluded.status, summary = excluded.summary, usage = excluded.usage, "
        "started_at = excluded.started_at, completed_at = excluded.completed_at",
        {
            "id": task.id,
            "attempt": task.attempt,
            "person": task.requester.id,
            "login": task.requester.login,
            "prompt": brief.prompt if brief else None,
            "context": brief.context if brief else None,
            "launch": task.launch,
            "status": task.status.value,
            "summary": task.summary,
            "usage": _USAGE.dump_json(task.usage).decode(),
            "queued": to_text(task.queued_at),
            "started": maybe_text(task.started_at),
            "completed": maybe_text(task.completed_at),
        },
    )


def close_earlier(db: Database, task: Task) -> None:
    """An attempt whose worker was lost never ends by itself: the next one ends it."""
    lost = db.conn.execute(
        "UPDATE attempts SET status = 'failed', completed_at = ? "
        "WHERE task_id = ? AND attempt < ? AND completed_at IS NULL RETURNING started_at, usage",
        (to_text(task.queued_at), task.id, task.attempt),
    )
    for started_at, usage in lost.fetchall():
        totals.count_lost(db, task, started_at, usage)


def _attempt(row: Sequence[object]) -> Attempt:
    number, person, login, prompt, context, status, summary, usage, queued, started, ended = row
    return Attempt(
        int(str(number)),
        Person(int(str(person)), str(login)),
        str(prompt),
        str(context),
        str(status),
        None if summary is None else str(summary),
        _USAGE.validate_json(str(usage)),
        from_text(str(queued)),
        None if started is None else from_text(str(started)),
        None if ended is None else from_text(str(ended)),
    )
