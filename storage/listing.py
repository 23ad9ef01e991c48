"""What lists are read from, kept up to date in the transaction that saves a task."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from sqlite_utils import Database

from handlers.task import UNFINISHED, Status, Task
from storage.times import to_micros

MOST_TEXT = 4_000
"""Characters of a prompt or a summary that can be searched for."""

WORKED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
"""How work ends; what was rejected was none."""


def keep(db: Database, task: Task) -> None:
    """Bring everything up to date that lists are read from; the task's own row is saved."""
    seq, *before = db.conn.execute(
        "SELECT tasks.seq, listed.owner_id, listed.repository_id, listed.status, agent, ended_at, "
        "digest FROM tasks LEFT JOIN listed USING (seq) WHERE id = ?",
        (task.id,),
    ).fetchone()
    if task.deleting and task.ended:
        db.conn.execute("DELETE FROM listed WHERE seq = ?", (seq,))
        db.conn.execute("DELETE FROM words WHERE rowid = ?", (seq,))
        return
    text, marked = text_of(task), " ".join(marks_of(task))
    now = (*_looked_for_by(task), _digest(text, marked, task.owner.login))
    if tuple(before) == now:
        return
    db.conn.execute(
        "INSERT INTO listed (seq, owner_id, repository_id, status, agent, ended_at, digest) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (seq) DO UPDATE SET "
        "owner_id = excluded.owner_id, repository_id = excluded.repository_id, "
        "status = excluded.status, agent = excluded.agent, ended_at = excluded.ended_at, "
        "digest = excluded.digest",
        (seq, *now),
    )
    if before[-1] != now[-1]:
        _keep_words(db, seq, text, marked)
        _keep_place(db, task)


def marks_of(task: Task) -> tuple[str, ...]:
    """By which a search is narrowed before its words are looked at: each is one word."""
    return (
        *part_marks(task.owner.id, task.where.repository_id),
        agent_mark(task.wish.agent),
        *status_marks((task.status,)),
    )


def part_marks(owner_id: int, repository_id: int) -> tuple[str, ...]:
    """The marks of the parts of all tasks that a task is in: its owner's, its repository's, both's.

    What both have is less than either, and all that somebody sees who may only read a repository.
    """
    parts = (owner_id, 0), (0, repository_id), (owner_id, repository_id)
    return tuple(part_mark(*part) for part in parts)


def part_mark(owner_id: int, repository_id: int) -> str:
    """The mark of all tasks of an owner in a repository, by their ids (0: any)."""
    return f"o{owner_id or ''}r{repository_id or ''}"


def agent_mark(agent: str) -> str:
    """The mark of all tasks with an agent, whose name may hold what ends a word."""
    return f"a{agent.encode().hex()}"


def status_marks(statuses: Iterable[Status]) -> frozenset[str]:
    """The marks of all tasks in some statuses, and of more.

    Words are costly to write: a task that goes from one status to the next before it ends, of
    which there are never many, keeps its mark.
    """
    return frozenset("sopen" if one in UNFINISHED else f"s{one.value}" for one in statuses)


def text_of(task: Task) -> str:
    """What words are looked for in."""
    prompt, summary = task.wish.prompt[:MOST_TEXT], (task.summary or "")[:MOST_TEXT]
    where = task.where
    return f"{task.name}\n{where.repository}\n{where.title}\n{prompt}\n{summary}"


def _looked_for_by(task: Task) -> tuple[object, ...]:
    ended = task.completed_at if task.status in WORKED else None
    return (
        task.owner.id,
        task.where.repository_id,
        task.status.value,
        task.wish.agent,
        None if ended is None else to_micros(ended),
    )


def _digest(*parts: str) -> int:
    """Tells whether words are as they were, without reading them."""
    whole = "\0".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(whole, digest_size=8).digest(), signed=True)


def _keep_place(db: Database, task: Task) -> None:
    where = task.where
    db.conn.execute(
        "INSERT INTO places (repository_id, installation_id, full_name) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET installation_id = excluded.installation_id, "
        "full_name = excluded.full_name WHERE installation_id != excluded.installation_id "
        "OR full_name != excluded.full_name",
        (where.repository_id, where.installation_id, where.repository),
    )
    db.conn.execute(
        "INSERT INTO place_owners (owner_id, repository_id, login) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET login = excluded.login WHERE login != excluded.login",
        (task.owner.id, where.repository_id, task.owner.login),
    )


def _keep_words(db: Database, seq: int, text: str, marked: str) -> None:
    db.conn.execute(
        "INSERT OR REPLACE INTO words (rowid, text, marks) VALUES (?, ?, ?)", (seq, text, marked)
    )
