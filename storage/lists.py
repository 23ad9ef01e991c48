"""Lists of tasks: what somebody may see, page by page, newest first.

A page over several repositories is the merge of one short walk through an index for each of them:
no list is ever sorted, and none is read further than the page needs.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from pydantic import TypeAdapter
from sqlite_utils import Database

from handlers.task import Status, Task
from storage.sqlite import Engine
from storage.strands import Strand, strands, words_match
from storage.times import to_text

_TASK = TypeAdapter(Task)

MOST_COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """A repository that has tasks."""

    repository_id: int
    installation_id: int
    full_name: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a person sees: repositories they can read, and those they can push to, by id."""

    person_id: int
    everything: bool = False
    readable: frozenset[int] = frozenset()
    writable: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; None and empty: everything."""

    owner_id: int | None = None
    repository_id: int | None = None
    statuses: frozenset[Status] = frozenset()
    agent: str | None = None
    words: tuple[str, ...] = ()


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

    async def totals(self, scope: Scope, query: Query, since: date) -> tuple[DayTotal, ...]:
        """What became of attempts day by day, oldest first; whoever owned them."""
        return await self._engine.read(lambda db: _totals(db, scope, query, since))


def _places(db: Database, owner_id: int | None, repository: str | None) -> tuple[Place, ...]:
    where, values = ["true"], list[object]()
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
    found = list(islice(_numbers(db, scope, query, limit + 1, before), limit + 1))
    tasks = _load(db, found[:limit])
    return Listed(tasks, found[limit - 1] if len(found) > limit else None)


def _numbers(
    db: Database, scope: Scope, query: Query, limit: int, before: int | None
) -> Iterator[int]:
    """The numbers of the tasks, highest first."""
    below = (1 << 62) if before is None else before
    if query.words:
        return _with_words(db, scope, query, limit, below)
    walks = [_walk(db, one, limit, below) for one in _strands(db, scope, query)]
    return heapq.merge(*walks, reverse=True)


def _walk(db: Database, strand: Strand, limit: int, below: int) -> list[int]:
    rows = db.conn.execute(
        f"SELECT seq FROM tasks INDEXED BY {strand.index} "  # noqa: S608 - our own words
        f"WHERE gone = 0 AND {strand.where} AND seq < ? ORDER BY seq DESC LIMIT ?",
        (*strand.values, below, limit),
    )
    return [seq for (seq,) in rows.fetchall()]


def _with_words(db: Database, scope: Scope, query: Query, limit: int, below: int) -> Iterator[int]:
    match = words_match(scope, query)
    if match is None:
        return
    rows = db.conn.execute(
        "SELECT words.rowid FROM words JOIN tasks ON seq = words.rowid WHERE words MATCH ? "
        "AND words.rowid < ? AND gone = 0 ORDER BY words.rowid DESC LIMIT ?",
        (match, below, limit),
    )
    for (seq,) in rows:
        yield seq


def _count(db: Database, scope: Scope, query: Query) -> tuple[int, bool]:
    left = MOST_COUNTED + 1
    if query.words:
        left -= sum(1 for _ in _with_words(db, scope, query, left, 1 << 62))
    else:
        for strand in _strands(db, scope, query):
            row = db.conn.execute(
                f"SELECT count(*) FROM (SELECT 1 FROM tasks INDEXED BY {strand.index} "  # noqa: S608 - our own words
                f"WHERE gone = 0 AND {strand.where} LIMIT ?)",
                (*strand.values, left),
            ).fetchone()
            left -= int(row[0])
            if not left:
                break
    found = MOST_COUNTED + 1 - left
    return min(found, MOST_COUNTED), found <= MOST_COUNTED


def _history(
    db: Database,
    scope: Scope,
    query: Query,
    limit: int,
    before: tuple[datetime, int] | None,
) -> Finished:
    below = ("9", 0) if before is None else (to_text(before[0]), before[1])
    walks = [
        _walk_back(db, one, limit + 1, below) for one in _strands(db, scope, query, ended=True)
    ]
    found = list(islice(heapq.merge(*walks, reverse=True), limit + 1))
    tasks = _load(db, [seq for _, seq in found[:limit]])
    if len(found) <= limit:
        return Finished(tasks, None)
    last = tasks[-1]
    return Finished(tasks, (last.completed_at or last.updated_at, found[limit - 1][1]))


def _walk_back(
    db: Database, strand: Strand, limit: int, below: tuple[str, int]
) -> list[tuple[str, int]]:
    rows = db.conn.execute(
        f"SELECT completed_at, seq FROM tasks INDEXED BY {strand.index} "  # noqa: S608 - our own words
        f"WHERE gone = 0 AND completed_at IS NOT NULL AND {strand.where} "
        "AND (completed_at, seq) < (?, ?) ORDER BY completed_at DESC, seq DESC LIMIT ?",
        (*strand.values, *below, limit),
    )
    return [(at, seq) for at, seq in rows.fetchall()]


def _strands(db: Database, scope: Scope, query: Query, *, ended: bool = False) -> Sequence[Strand]:
    own: frozenset[int] = frozenset()
    if scope.everything and query.owner_id is not None:
        rows = db.conn.execute(
            "SELECT repository_id FROM place_owners WHERE owner_id = ?", (query.owner_id,)
        )
        own = frozenset(one for (one,) in rows.fetchall())
    return strands(scope, query, own, ended=ended)


def _totals(db: Database, scope: Scope, query: Query, since: date) -> tuple[DayTotal, ...]:
    everywhere = "true" if scope.everything else "false"
    rows = db.conn.execute(
        "SELECT day, repository_id, full_name, outcome, sum(attempts), sum(seconds), "  # noqa: S608 - our own words
        "sum(cost_usd), sum(pulls) FROM totals JOIN places USING (repository_id) "
        "WHERE day >= :since AND (:owner IS NULL OR owner_id = :owner) "
        "AND (:repository IS NULL OR repository_id = :repository) "
        f"AND ({everywhere} OR repository_id IN (SELECT value FROM json_each(:writable)) "
        "OR (owner_id = :person AND repository_id IN (SELECT value FROM json_each(:readable)))) "
        "GROUP BY day, repository_id, outcome ORDER BY day, repository_id, outcome",
        {
            "since": since.isoformat(),
            "owner": query.owner_id,
            "repository": query.repository_id,
            "person": scope.person_id,
            "writable": str(sorted(scope.writable)),
            "readable": str(sorted(scope.readable)),
        },
    )
    return tuple(DayTotal(date.fromisoformat(row[0]), *row[1:]) for row in rows.fetchall())


def _load(db: Database, numbers: Sequence[int]) -> tuple[Task, ...]:
    marks = ", ".join("?" * len(numbers))
    rows = db.conn.execute(
        f"SELECT seq, doc FROM tasks WHERE seq IN ({marks})",  # noqa: S608 - our own words
        list(numbers),
    )
    docs = dict(rows.fetchall())
    return tuple(_TASK.validate_json(docs[number]) for number in numbers)
