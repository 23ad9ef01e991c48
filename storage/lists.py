"""Lists of tasks: what somebody may see, page by page, newest first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime

from sqlite_utils import Database

from handlers.task import Task
from storage import shelves, totals, words
from storage.scopes import EVERYTHING, Query, Scope, parts_of
from storage.shelves import LAST, Sorted, Which
from storage.sqlite import Engine
from storage.times import from_micros, to_micros
from storage.totals import DayTotal

MOST_COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """A repository that has tasks."""

    repository_id: int
    installation_id: int
    full_name: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A page; `next` is where the following one begins, None at the end."""

    tasks: tuple[Task, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Finished:
    """A page of what has ended, the newest end first."""

    tasks: tuple[Task, ...]
    next: tuple[datetime, int] | None


class Lists:
    """The lists of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def places(
        self, owner_id: int | None = None, repository: str | None = None
    ) -> tuple[Place, ...]:
        """The repositories that have tasks: somebody's or all, or the one of a name."""
        return await self._engine.read(lambda db: _places(db, owner_id, repository))

    async def owner_called(self, login: str) -> int | None:
        """The id of an owner of tasks, by a login in any case; None: there is none."""
        return await self._engine.read(lambda db: _owner_called(db, login))

    async def page(
        self, scope: Scope, query: Query, limit: int, before: int | None = None
    ) -> Listed:
        """The newest tasks, or those made before the one with the number `before`."""
        return await self._engine.read(lambda db: _page(db, scope, query, limit, before))

    async def count(self, scope: Scope, query: Query) -> tuple[int, bool]:
        """How many there are, and whether that is exact: counting stops at 1,000."""
        return await self._engine.read(lambda db: _count(db, scope, query))

    async def history(
        self,
        scope: Scope,
        query: Query,
        limit: int,
        before: tuple[datetime, int] | None = None,
    ) -> Finished:
        """What has ended, the newest end first; words are not looked for."""
        return await self._engine.read(lambda db: _history(db, scope, query, limit, before))

    async def tidy(self) -> None:
        """Merge what searches look into, a little at a time."""
        more = await self._engine.write(lambda db: words.tidy(db, first=True))
        while more:
            more = await self._engine.write(lambda db: words.tidy(db, first=False))

    async def totals(self, scope: Scope, query: Query, since: date) -> tuple[DayTotal, ...]:
        """What became of attempts day by day, oldest first; whoever owned them."""
        return await self._engine.read(lambda db: _totals(db, scope, query, since))


# Where all tasks were deleted the place stays, for the totals; but nobody need ask who sees it.
_HAS_TASKS = (
    "EXISTS (SELECT 1 FROM shelves WHERE sorted = 'made' AND owner_id = ? "
    "AND shelves.repository_id = places.repository_id AND status = '' AND agent = '')"
)


def _places(db: Database, owner_id: int | None, repository: str | None) -> tuple[Place, ...]:
    where = [_HAS_TASKS]
    values: list[object] = [owner_id or 0]
    if owner_id is not None:
        where.append("repository_id IN (SELECT repository_id FROM place_owners WHERE owner_id = ?)")
        values.append(owner_id)
    if repository is not None:
        where.append("full_name = ? COLLATE NOCASE")
        values.append(repository)
    rows = db.conn.execute(
        "SELECT repository_id, installation_id, full_name FROM places "  # noqa: S608 - our own words
        f"WHERE {' AND '.join(where)} ORDER BY repository_id",
        values,
    )
    return tuple(Place(*row) for row in rows.fetchall())


def _owner_called(db: Database, login: str) -> int | None:
    row = db.conn.execute(
        "SELECT owner_id FROM place_owners WHERE login = ? COLLATE NOCASE LIMIT 1", (login,)
    ).fetchone()
    return None if row is None else int(row[0])


def _page(db: Database, scope: Scope, query: Query, limit: int, before: int | None) -> Listed:
    below = LAST if before is None else before
    if query.words:
        found = words.page(db, scope, query, limit + 1, below)
    else:
        found = shelves.page(db, _which(db, scope, query, "made"), limit + 1, (below, below))
    tasks = tuple([task for _, _, task in found[:limit]])
    return Listed(tasks, found[limit - 1][1] if len(found) > limit else None)


def _count(db: Database, scope: Scope, query: Query) -> tuple[int, bool]:
    if query.words:
        found = words.count(db, scope, query, MOST_COUNTED + 1)
    else:
        found = shelves.count(db, _which(db, scope, query, "made"))
    return min(found, MOST_COUNTED), found <= MOST_COUNTED


def _history(
    db: Database,
    scope: Scope,
    query: Query,
    limit: int,
    before: tuple[datetime, int] | None,
) -> Finished:
    below = (LAST, LAST) if before is None else (to_micros(before[0]), before[1])
    found = shelves.page(db, _which(db, scope, query, "ended"), limit + 1, below)
    tasks = tuple([task for _, _, task in found[:limit]])
    if len(found) <= limit:
        return Finished(tasks, None)
    at, seq, _ = found[limit - 1]
    return Finished(tasks, (from_micros(at), seq))


def _totals(db: Database, scope: Scope, query: Query, since: date) -> tuple[DayTotal, ...]:
    parts = parts_of(db, scope, query)
    if parts == [EVERYTHING]:
        rows = db.conn.execute("SELECT repository_id FROM places")
        parts = [(0, one) for (one,) in rows.fetchall()]
    return totals.since(db, json.dumps(parts), since)


def _which(db: Database, scope: Scope, query: Query, by: Sorted) -> Which:
    parts = json.dumps(parts_of(db, scope, query))
    return Which(by, parts, json.dumps(sorted(query.statuses)), query.agent)
