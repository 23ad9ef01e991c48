"""What was spent today, of how much.

It is read from the totals of the attempts that have ended, and from the tasks that are at work:
nothing is kept twice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlite_utils import Database

from handlers.budgets import Budget, Whose
from handlers.decision import Rules
from storage.times import to_text

AT_ONCE = 20
"""How many of those who wait for a budget are told so in one transaction."""
_AT_WORK = """
    SELECT repository_id, owner_id, doc ->> '$.usage.cost_usd', doc ->> '$.wish.max_cost'
    FROM tasks WHERE status IN ('starting', 'running')
"""
ENDED: dict[Whose, str] = {
    "repository": "SELECT coalesce(sum(cost_usd), 0) FROM totals "
    "WHERE repository_id = wanted.id AND owner_id = 0 AND day = :day",
    "owner": "SELECT coalesce(sum(cost_usd), 0) FROM totals "
    "WHERE owner_id = wanted.id AND day = :day",
}
UNTOLD = """
    SELECT tasks.id FROM waiting
    CROSS JOIN tasks INDEXED BY tasks_waiting USING (repository_id, owner_id)
    WHERE in_line AND (due_at IS NULL OR due_at <= :now)
    AND (repository_id IN (SELECT value FROM json_each(:repositories))
        OR owner_id IN (SELECT value FROM json_each(:owners)))
    ORDER BY queued_at LIMIT :limit
"""
TOLD = """
    SELECT id FROM tasks WHERE due_at <= :now AND +in_line
    AND doc ->> '$.clocks.budget_at' IS NOT NULL ORDER BY due_at LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Held:
    """Those of whom something waits that may not begin today, for lack of money."""

    repositories: frozenset[int] = field(default_factory=frozenset[int])
    owners: frozenset[int] = field(default_factory=frozenset[int])


def of_place(
    db: Database, rules: Rules, repository_id: int, owner_id: int, now: datetime
) -> tuple[Budget, ...]:
    """The budgets that an attempt of somebody in a repository is counted on."""
    wanted: dict[Whose, int] = {"repository": repository_id, "owner": owner_id}
    limits = _limits(rules)
    if not limits:
        return ()
    today = _Today.of(db, now)
    found = (today.budgets(whose, limits[whose], (wanted[whose],)) for whose in limits)
    return tuple(budget for one in found for budget in one.values())


def held(db: Database, rules: Rules, now: datetime) -> Held:
    """Whose tasks wait for a budget and not for a place."""
    limits = _limits(rules)
    if not limits:
        return Held()
    today = _Today.of(db, now)
    taken: dict[Whose, frozenset[int]] = {}
    for whose, limit in limits.items():
        rows = db.conn.execute(f"SELECT DISTINCT {whose}_id FROM waiting").fetchall()  # noqa: S608 - our own words
        found = today.budgets(whose, limit, [one for (one,) in rows])
        taken[whose] = frozenset(one for one, budget in found.items() if budget.taken)
    return Held(taken.get("repository", frozenset()), taken.get("owner", frozenset()))


def to_tell(db: Database, rules: Rules, now: datetime) -> tuple[str, ...]:
    """The ids of tasks that wait for a budget and do not say so, or say so since another day."""
    short = held(db, rules, now)
    known = {"now": to_text(now), "limit": AT_ONCE}
    rows = db.conn.execute(TOLD, known).fetchall()
    if short.repositories or short.owners:
        those = {
            "repositories": json.dumps(list(short.repositories)),
            "owners": json.dumps(list(short.owners)),
        }
        rows += db.conn.execute(UNTOLD, known | those).fetchall()
    return tuple(dict.fromkeys(task_id for (task_id,) in rows))


def _limits(rules: Rules) -> dict[Whose, float]:
    limits: dict[Whose, float | None] = {
        "repository": rules.daily_cost_per_repository,
        "owner": rules.daily_cost_per_owner,
    }
    return {whose: limit for whose, limit in limits.items() if limit is not None}


class _AtWork(NamedTuple):
    repository: int
    owner: int
    spent: float
    promised: float


@dataclass(frozen=True, slots=True)
class _Today:
    """What is known of a day; what is at work is counted on the day on which it is looked at."""

    db: Database
    day: str
    at_work: tuple[_AtWork, ...]

    @classmethod
    def of(cls, db: Database, now: datetime) -> _Today:
        rows = db.conn.execute(_AT_WORK).fetchall()
        work = (
            _AtWork(repository, owner, spent, max(0.0, (most or 0.0) - spent))
            for repository, owner, spent, most in rows
        )
        return cls(db, to_text(now)[:10], tuple(work))

    def budgets(self, whose: Whose, limit: float, ids: Sequence[int]) -> dict[int, Budget]:
        """The budget of each repository, or owner; sums are exact to a millionth of a dollar."""
        rows = self.db.conn.execute(
            f"SELECT id, ({ENDED[whose]}) "  # noqa: S608 - our own words
            "FROM (SELECT value AS id FROM json_each(:ids)) AS wanted",
            {"ids": json.dumps(ids), "day": self.day},
        )
        found: dict[int, Budget] = {}
        for one, ended in rows.fetchall():
            mine = [work for work in self.at_work if one == getattr(work, whose)]
            spent = round(ended + sum(work.spent for work in mine), 6)
            found[one] = Budget(whose, limit, spent, round(sum(w.promised for w in mine), 6))
        return found
