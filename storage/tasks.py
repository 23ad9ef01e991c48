"""Tasks: rows <-> values."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from sqlite_utils import Database

from handlers.decision import Brief
from handlers.names import short_name
from handlers.task import Status, Task
from storage import attempts, idempotency, listing, tombstones, totals, turns
from storage.times import maybe_text, to_text

_TASK = TypeAdapter(Task)


class Overtaken(Exception):  # noqa: N818 - the name says what happened
    """Somebody else changed the task since it was read; nothing was changed here."""


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
    """The tasks of an issue, newest first, without the rejected ones.

    Those of a pull request are also the ones that it came of.
    """
    rows = db.conn.execute(
        "SELECT doc FROM tasks WHERE status != 'rejected' AND id IN ("
        "SELECT id FROM tasks WHERE repository_id = ?1 AND number = ?2 UNION "
        "SELECT id FROM tasks WHERE repository_id = ?1 AND pull_number = ?2) "
        "ORDER BY id DESC LIMIT ?3",
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
    if not task.awaiting:  # there is no attempt yet, nor anybody whose it would be
        attempts.save(db, task, brief)
    attempts.close_earlier(db, task)
    listing.keep(db, task)
    turns.keep(db, task)
    return _TASK.validate_json(text)


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


def opened(db: Database, repository_id: int, number: int) -> Task | None:
    """The newest task that a pull request came of, if one did: not one that was asked for on it."""
    return _one(
        db,
        "repository_id = ?1 AND pull_number = ?2 AND number IS NOT ?2 ORDER BY id DESC LIMIT 1",
        (repository_id, number),
    )


def owned(db: Database, which: Owned, after: str, limit: int) -> tuple[str, ...]:
    """The ids above `after` of such tasks that are not about to be removed, oldest first."""
    rows = db.conn.execute(
        "SELECT id FROM tasks WHERE owner_id = ? AND status = ? AND id > ? "
        "AND repository_id IN (SELECT value FROM json_each(?)) "
        "AND NOT coalesce(doc ->> '$.deleting', 0) ORDER BY id LIMIT ?",
        (which.owner_id, which.status.value, after, json.dumps(sorted(which.places)), limit),
    )
    return tuple(task_id for (task_id,) in rows)


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
        tombstones.put(db, task_id, now)
        idempotency.empty(db, task_id)
    return bool(gone)


_TEXT: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])


def _one(db: Database, where: str, values: Sequence[object]) -> Task | None:
    row = db.conn.execute(f"SELECT doc FROM tasks WHERE {where}", values).fetchone()  # noqa: S608 - the condition is our own text
    return None if row is None else _TASK.validate_json(row[0])
