"""Whose turn it is among the tasks that wait for a place.

`waiting` has a row for each owner in each repository of whom something waits, with the time of the
first of it: so what is looked at does not grow with how much of it there is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlite_utils import Database

from handlers.decision import Load, Rules
from handlers.task import Task
from storage import budgets
from storage.times import to_text

_KEEP = """
    INSERT OR REPLACE INTO waiting (repository_id, owner_id, first_at)
    SELECT ?1, ?2, queued_at FROM tasks
    WHERE repository_id = ?1 AND owner_id = ?2 AND in_line ORDER BY queued_at LIMIT 1
"""
_DROP = """
    DELETE FROM waiting WHERE repository_id = ?1 AND owner_id = ?2 AND NOT EXISTS (
        SELECT 1 FROM tasks WHERE repository_id = ?1 AND owner_id = ?2 AND in_line
    )
"""
_LANES = """
    SELECT repository_id, owner_id FROM (
        SELECT repository_id, owner_id, coalesce(last_turn, 0) AS turn,
            min(first_at) OVER (PARTITION BY repository_id) AS first
        FROM waiting LEFT JOIN turns USING (repository_id)
        WHERE repository_id NOT IN (SELECT value FROM json_each(:repositories))
        AND owner_id NOT IN (SELECT value FROM json_each(:owners))
    ) ORDER BY turn, first, repository_id
"""
_HEAD = """
    SELECT queued_at, id FROM tasks
    WHERE repository_id = :repository AND owner_id = :owner AND in_line
    AND (due_at IS NULL OR due_at <= :now OR doc ->> '$.clocks.budget_at' IS NOT NULL)
    AND coalesce(concurrency, :running + 1) > :running
    AND (branch IS NULL OR branch NOT IN (SELECT value FROM json_each(:branches)))
    ORDER BY queued_at, id LIMIT 1
"""
_LINE = """
    SELECT id FROM tasks LEFT JOIN turns USING (repository_id) WHERE in_line
    ORDER BY row_number() OVER (PARTITION BY repository_id ORDER BY queued_at, id),
    coalesce(last_turn, 0), queued_at, id
"""
_NEXT = """
    SELECT tasks.id FROM (SELECT DISTINCT repository_id FROM waiting) AS place
    JOIN tasks ON tasks.id IN (
        SELECT id FROM tasks WHERE repository_id = place.repository_id AND in_line
        ORDER BY queued_at, id LIMIT :limit
    )
    LEFT JOIN turns ON turns.repository_id = place.repository_id
    ORDER BY row_number() OVER (PARTITION BY place.repository_id ORDER BY queued_at, tasks.id),
    coalesce(last_turn, 0), queued_at, tasks.id LIMIT :limit
"""


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


def keep(db: Database, task: Task) -> None:
    """A task was saved: it waits, or does so no longer."""
    lane = (task.where.repository_id, task.owner.id)
    db.conn.execute(_KEEP, lane)
    db.conn.execute(_DROP, lane)


def next_up(db: Database, rules: Rules, now: datetime) -> str | None:
    """The id of the queued task whose turn it is; None where limits hold back all that wait.

    Repositories take turns; within one, first come first served. The decision looks at the limits
    again: this spares it a thousand tasks that wait behind a few.
    """
    busy = _Busy.of(db)
    if busy.total >= rules.max_running:
        return None
    held = budgets.held(db, rules, now)
    limits = {
        "repositories": _full(
            busy.repositories, rules.max_running_per_repository, held.repositories
        ),
        "owners": _full(busy.owners, rules.max_running_per_owner, held.owners),
    }
    lanes = db.conn.execute(_LANES, limits).fetchall()
    for repository, owners in groupby(lanes, key=lambda lane: lane[0]):
        heads = (_head(db, repository, owner, busy, now) for _, owner in owners)
        if found := min((head for head in heads if head is not None), default=None):
            return found[1]
    return None


def any_to_launch_again(db: Database, now: datetime) -> bool:
    """Whether the wait of a task whose launch failed is over."""
    row = db.conn.execute(
        "SELECT 1 FROM tasks WHERE due_at <= ? AND in_line LIMIT 1",
        (to_text(now),),
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


def line(db: Database) -> tuple[str, ...]:
    """The ids of the tasks that wait, in the order of their turns, whatever holds them back."""
    return tuple(task_id for (task_id,) in db.conn.execute(_LINE))


def front(db: Database, limit: int) -> tuple[str, ...]:
    """The same of the first few, without a look at those behind them."""
    return tuple(task_id for (task_id,) in db.conn.execute(_NEXT, {"limit": limit}))


def waiting_of(db: Database, owner_id: int, limit: int) -> int:
    """How many tasks of an owner wait, counted up to a limit."""
    row = db.conn.execute(
        "SELECT count(*) FROM (SELECT 1 FROM tasks WHERE owner_id = ? AND in_line LIMIT ?)",
        (owner_id, limit),
    ).fetchone()
    return int(row[0])


@dataclass(frozen=True, slots=True)
class _Busy:
    """Who has places, and the branches that are worked on."""

    total: int
    repositories: Counter[int]
    owners: Counter[int]
    branches: frozenset[tuple[int, str]]

    @classmethod
    def of(cls, db: Database) -> _Busy:
        rows = db.conn.execute(
            "SELECT repository_id, owner_id, branch FROM tasks "
            "WHERE status IN ('starting', 'running')"
        ).fetchall()
        return cls(
            len(rows),
            Counter(row[0] for row in rows),
            Counter(row[1] for row in rows),
            frozenset((row[0], row[2]) for row in rows if row[2] is not None),
        )


def _full(taken: Counter[int], limit: int, held: frozenset[int]) -> str:
    return json.dumps([*(one for one, many in taken.items() if many >= limit), *held])


def _head(
    db: Database, repository_id: int, owner_id: int, busy: _Busy, now: datetime
) -> tuple[str, str] | None:
    """When the first task of an owner in a repository that may start began to wait, and its id."""
    branches: Iterable[str] = (name for place, name in busy.branches if place == repository_id)
    return db.conn.execute(
        _HEAD,
        {
            "repository": repository_id,
            "owner": owner_id,
            "now": to_text(now),
            "running": busy.repositories[repository_id],
            "branches": json.dumps(list(branches)),
        },
    ).fetchone()
