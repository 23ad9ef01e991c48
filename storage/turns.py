"""The line of those who wait for a place: whose turn it is, and what is taken."""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from handlers.decision import Load, Rules
from handlers.task import Task
from storage.times import to_text


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


def in_line(db: Database, rules: Rules, now: datetime) -> tuple[str, ...]:
    """The ids of the queued tasks that no limit holds back, in the order of their turns.

    Repositories take turns; within one, first come first served. The decision looks at the limits
    again: this spares it a thousand tasks that wait behind a few.
    """
    rows = db.conn.execute(
        "SELECT id FROM tasks AS t LEFT JOIN turns USING (repository_id) "
        "WHERE status = 'queued' AND (due_at IS NULL OR due_at <= :now) "
        "AND (SELECT count(*) FROM tasks AS b WHERE b.status IN ('starting', 'running') "
        "AND b.repository_id = t.repository_id) "
        "< min(:per_repository, coalesce(t.doc ->> '$.wish.concurrency', :per_repository)) "
        "AND (SELECT count(*) FROM tasks AS b WHERE b.status IN ('starting', 'running') "
        "AND b.owner_id = t.owner_id) < :per_owner "
        "AND (SELECT count(*) FROM tasks WHERE status IN ('starting', 'running')) < :total "
        "AND NOT EXISTS (SELECT 1 FROM tasks AS b WHERE b.status IN ('starting', 'running') "
        "AND b.repository_id = t.repository_id AND b.branch = t.branch) "
        "ORDER BY row_number() OVER (PARTITION BY repository_id ORDER BY queued_at, id), "
        "coalesce(last_turn, 0), queued_at, id",
        {
            "now": to_text(now),
            "per_repository": rules.max_running_per_repository,
            "per_owner": rules.max_running_per_owner,
            "total": rules.max_running,
        },
    )
    return tuple(task_id for (task_id,) in rows.fetchall())


def any_to_launch_again(db: Database, now: datetime) -> bool:
    """Whether the wait of a task whose launch failed is over."""
    row = db.conn.execute(
        "SELECT 1 FROM tasks WHERE due_at <= ? AND status = 'queued' LIMIT 1", (to_text(now),)
    ).fetchone()
    return row is not None


def take_turn(db: Database, task_id: str) -> None:
    """A task was given a place: the other repositories come first now."""
    db.conn.execute(
        "INSERT INTO turns (repository_id, last_turn) "
        "SELECT repository_id, (SELECT coalesce(max(last_turn), 0) + 1 FROM turns) "
        "FROM tasks WHERE id = ? "
        "ON CONFLICT (repository_id) DO UPDATE SET last_turn = excluded.last_turn",
        (task_id,),
    )


def queue(db: Database, limit: int = -1) -> tuple[str, ...]:
    """The ids of the tasks that wait, in the order of their turns, whatever holds them back."""
    rows = db.conn.execute(
        "SELECT id FROM tasks LEFT JOIN turns USING (repository_id) WHERE status = 'queued' "
        "ORDER BY row_number() OVER (PARTITION BY repository_id ORDER BY queued_at, id), "
        "coalesce(last_turn, 0), queued_at, id LIMIT ?",
        (limit,),
    )
    return tuple(task_id for (task_id,) in rows)
