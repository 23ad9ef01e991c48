"""Tasks and attempts: rows <-> values."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from sqlite_utils import Database

from handlers.decision import Brief, Load
from handlers.names import short_name
from handlers.task import Status, Task
from handlers.values import Person, Usage
from storage import idempotency, listing, totals, turns
from storage.times import from_text, maybe_text, to_text

_TASK = TypeAdapter(Task)
_USAGE = TypeAdapter(Usage)


class Overtaken(Exception):  # noqa: N818 - the name says what happened
    """Somebody else changed the task since it was read; nothing was changed here."""


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


@dataclass(frozen=True, slots=True)
class Owned:
    """Somebody's tasks of one status in some repositories, by their ids."""

    owner_id: int
    status: Status
    places: Collection[int]


def load(db: Database, task_id: str) -> Task | None:
    """The task of an id."""
    return _one(db, "id = ?", (task_id,))


def named(db: Database, repository_id: int, name: str) -> Task | None:
    """The task of a repository by its short name or its id."""
    return _one(db, "repository_id = ? AND (name = ? OR id = ?)", (repository_id, name, name))


def of_issue(db: Database, repository_id: int, number: int, limit: int = 50) -> tuple[Task, ...]:
    """The tasks of an issue, newest first, without the rejected ones."""
    rows = db.conn.execute(
        "SELECT doc FROM tasks WHERE repository_id = ? AND number = ? AND status != 'rejected' "
        "ORDER BY id DESC LIMIT ?",
        (repository_id, number, limit),
    )
    return tuple(_TASK.validate_json(doc) for (doc,) in rows)


def save(db: Database, task: Task, brief: Brief | None) -> Task:
    """Write a new or changed task, guarded by the version that was read.

    Raises:
        Overtaken: the row has another version by now.
    """
    version = task.version
    doc = _TASK.dump_python(task, mode="json") | {"version": version + 1}
    text = _TEXT.dump_json(doc).decode()
    due = maybe_text(None if task.ended else task.clocks.next())
    times = (to_text(task.queued_at), maybe_text(task.completed_at), due)
    totals.count(db, task)
    if version == 0:
        db.conn.execute(
            "INSERT INTO tasks (id, version, doc, queued_at, completed_at, due_at) "
            "VALUES (?, 1, ?, ?, ?, ?)",
            (task.id, text, *times),
        )
    else:
        changed = db.conn.execute(
            "UPDATE tasks SET version = ?, doc = ?, queued_at = ?, completed_at = ?, due_at = ? "
            "WHERE id = ? AND version = ?",
            (version + 1, text, *times, task.id, version),
        ).rowcount
        if changed != 1:
            raise Overtaken(task.id)
    _save_attempt(db, task, brief)
    _close_earlier(db, task)
    listing.keep(db, task)
    turns.keep(db, task)
    return _TASK.validate_json(text)


def attempts(db: Database, task_id: str) -> tuple[Attempt, ...]:
    """The attempts of a task, oldest first."""
    rows = db.conn.execute(
        "SELECT attempt, requester_id, requester_login, prompt, context, status, summary, usage, "
        "queued_at, started_at, completed_at FROM attempts WHERE task_id = ? ORDER BY attempt",
        (task_id,),
    )
    return tuple(_attempt(row) for row in rows)


def free_name(db: Database, repository_id: int, task_id: str) -> str:
    """A short name that no task of the repository has."""
    salt = 0
    while True:
        name = short_name(task_id, salt)
        if _one(db, "repository_id = ? AND name = ?", (repository_id, name)) is None:
            return name
        salt += 1


def unfinished(db: Database, where: str, values: Sequence[object]) -> tuple[str, ...]:
    """The ids of the unfinished tasks of a place."""
    rows = db.conn.execute(
        f"SELECT id FROM tasks WHERE status IN ('queued', 'starting', 'running') AND {where} "  # noqa: S608 - the condition is our own text
        "ORDER BY id",
        values,
    )
    return tuple(task_id for (task_id,) in rows)


def of_repository(db: Database, repository_id: int) -> tuple[str, ...]:
    """The ids of all tasks of a repository."""
    rows = db.conn.execute("SELECT id FROM tasks WHERE repository_id = ?", (repository_id,))
    return tuple(task_id for (task_id,) in rows.fetchall())


def of_pull(db: Database, repository_id: int, number: int) -> tuple[str, ...]:
    """The ids of the tasks that a pull request belongs to."""
    rows = db.conn.execute(
        "SELECT id FROM tasks WHERE repository_id = ? AND pull_number = ?",
        (repository_id, number),
    )
    return tuple(task_id for (task_id,) in rows.fetchall())


def owned(db: Database, which: Owned, after: str, limit: int) -> tuple[str, ...]:
    """The ids above `after` of such tasks that are not about to be removed, oldest first."""
    rows = db.conn.execute(
        "SELECT id FROM tasks WHERE owner_id = ? AND status = ? AND id > ? "
        "AND repository_id IN (SELECT value FROM json_each(?)) "
        "AND NOT coalesce(doc ->> '$.deleting', 0) ORDER BY id LIMIT ?",
        (which.owner_id, which.status.value, after, json.dumps(sorted(which.places)), limit),
    )
    return tuple(task_id for (task_id,) in rows)


def due(db: Database, now: datetime, limit: int = 100) -> tuple[str, ...]:
    """The ids of tasks of which a clock has run out; a queued one is offered a place instead."""
    rows = db.conn.execute(
        "SELECT id FROM tasks WHERE due_at <= ? AND status != 'queued' ORDER BY due_at LIMIT ?",
        (to_text(now), limit),
    )
    return tuple(task_id for (task_id,) in rows)


def postpone(db: Database, task_id: str, until: datetime) -> None:
    """Let the clocks of a task run out later; what is saved next sets the time anew."""
    db.conn.execute("UPDATE tasks SET due_at = ? WHERE id = ?", (to_text(until), task_id))


def next_due(db: Database, now: datetime) -> datetime | None:
    """When the next clock runs out."""
    row = db.conn.execute(
        "SELECT min(due_at) FROM tasks "
        "WHERE due_at IS NOT NULL AND (due_at > ? OR status != 'queued')",
        (to_text(now),),
    ).fetchone()
    return None if row[0] is None else from_text(row[0])


def load_of(db: Database, task: Task) -> Load:
    """How many places are taken, beside the task itself."""
    row = db.conn.execute(
        "SELECT count(*), coalesce(sum(repository_id = :repository), 0), "
        "coalesce(sum(owner_id = :owner), 0), "
        "coalesce(max(repository_id = :repository AND branch = :branch), 0) "
        "FROM tasks WHERE status IN ('starting', 'running') AND id != :id",
        {
            "repository": task.where.repository_id,
            "owner": task.owner.id,
            "branch": task.branches.name,
            "id": task.id,
        },
    ).fetchone()
    return Load(row[0], row[1], row[2], bool(row[3]))


def delete(db: Database, task_id: str, now: datetime) -> bool:
    """Delete a task that has ended, with its attempts and timeline; False where there is none.

    A tombstone stays, so that a redelivery of its command does not make it again, and the answer to
    the request that made it, without what people wrote.
    """
    gone = db.conn.execute(
        "DELETE FROM tasks WHERE id = ? AND status NOT IN ('queued', 'starting', 'running')",
        (task_id,),
    ).rowcount
    if gone:
        db.conn.execute(
            "INSERT OR REPLACE INTO tombstones (task_id, deleted_at) VALUES (?, ?)",
            (task_id, to_text(now)),
        )
        idempotency.empty(db, task_id)
    return bool(gone)


def is_deleted(db: Database, task_id: str) -> bool:
    """Whether a task of this id was deleted lately."""
    row = db.conn.execute("SELECT 1 FROM tombstones WHERE task_id = ?", (task_id,)).fetchone()
    return row is not None


def forget_tombstones(db: Database, now: datetime, keep: timedelta) -> None:
    """Remove tombstones that are older than any redelivery can be."""
    db.conn.execute("DELETE FROM tombstones WHERE deleted_at < ?", (to_text(now - keep),))


_TEXT: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])


def _one(db: Database, where: str, values: Sequence[object]) -> Task | None:
    row = db.conn.execute(f"SELECT doc FROM tasks WHERE {where}", values).fetchone()  # noqa: S608 - the condition is our own text
    return None if row is None else _TASK.validate_json(row[0])


def _save_attempt(db: Database, task: Task, brief: Brief | None) -> None:
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


def _close_earlier(db: Database, task: Task) -> None:
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
