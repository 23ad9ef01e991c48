"""What lists are read from, kept up to date in the transaction that saves a task."""

from __future__ import annotations

from sqlite_utils import Database

from handlers.task import Status, Task
from storage.times import to_text

MOST_TEXT = 4_000
"""Characters of a prompt or a summary that can be searched for."""

_FINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})


def keep(db: Database, task: Task) -> None:
    """Bring repositories and words up to date; the task's own row is saved."""
    _keep_place(db, task)
    _keep_words(db, task)


def forget(db: Database, seq: int) -> None:
    """Forget the words of a task that is deleted; what it cost stays in the totals."""
    db.conn.execute("DELETE FROM words WHERE rowid = ?", (seq,))


def count(db: Database, task: Task) -> None:
    """Add an attempt that has ended to the totals, once; its own row is not saved yet."""
    if task.status not in _FINAL or task.completed_at is None:
        return
    row = db.conn.execute(
        "SELECT completed_at FROM attempts WHERE task_id = ? AND attempt = ?",
        (task.id, task.attempt),
    ).fetchone()
    if row is not None and row[0] is not None:
        return
    began = task.started_at or task.completed_at
    db.conn.execute(
        "INSERT INTO totals (repository_id, owner_id, day, outcome, attempts, seconds, cost_usd, "
        "pulls) VALUES (?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "attempts = attempts + 1, seconds = seconds + excluded.seconds, "
        "cost_usd = cost_usd + excluded.cost_usd, pulls = pulls + excluded.pulls",
        (
            *(task.where.repository_id, task.owner.id, to_text(task.completed_at)[:10]),
            *(task.status.value, (task.completed_at - began).total_seconds()),
            *(task.usage.cost_usd, int(task.pull is not None and task.branches.pushed)),
        ),
    )


def marks_of(task: Task) -> str:
    """By which a search is narrowed: who, where, what became of it, with what."""
    return marks(task.owner.id, task.where.repository_id, task.status.value, task.wish.agent)


def marks(owner_id: int, repository_id: int, status: str, agent: str) -> str:
    """The same from its parts; each is one word that no text is looked for in."""
    return f"o{owner_id} r{repository_id} s{status} a{agent.encode().hex()}"


def text_of(task: Task) -> str:
    """What words are looked for in."""
    prompt, summary = task.wish.prompt[:MOST_TEXT], (task.summary or "")[:MOST_TEXT]
    where = task.where
    return f"{task.name}\n{where.repository}\n{where.title}\n{prompt}\n{summary}"


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


def _keep_words(db: Database, task: Task) -> None:
    text, marked = text_of(task), marks_of(task)
    seq, before, marked_before = db.conn.execute(
        "SELECT seq, text, marks FROM tasks LEFT JOIN words ON words.rowid = seq WHERE id = ?",
        (task.id,),
    ).fetchone()
    if before is None:
        db.conn.execute(
            "INSERT INTO words (rowid, text, marks) VALUES (?, ?, ?)", (seq, text, marked)
        )
    elif (before, marked_before) != (text, marked):
        db.conn.execute("UPDATE words SET text = ?, marks = ? WHERE rowid = ?", (text, marked, seq))
