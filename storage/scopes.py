"""What somebody sees and looks for, and the parts of all tasks that it comes to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlite_utils import Database

from handlers.task import Status

Part = tuple[int, int]
"""The tasks of an owner in a repository, by both ids (0: any)."""

EVERYTHING: Part = (0, 0)


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


def parts_of(db: Database, scope: Scope, query: Query) -> list[Part]:
    """What is looked for and may be seen, in pairs of an owner and a repository (0: any).

    No task is in two of them.
    """
    return list(_parts(db, scope, query))


def _parts(db: Database, scope: Scope, query: Query) -> Iterator[Part]:
    owner, one = query.owner_id, query.repository_id
    if not scope.everything:
        yield from _seen(scope, owner, one)
    elif owner is None:
        yield (0, one or 0)
    else:
        for place in _within(_of_owner(db, owner), one):
            yield (owner, place)


def _seen(scope: Scope, owner: int | None, one: int | None) -> Iterator[Part]:
    for place in _within(scope.writable, one):
        yield (owner or 0, place)
    if owner in {None, scope.person_id}:
        for place in _within(scope.readable - scope.writable, one):
            yield (scope.person_id, place)


def _within(places: Collection[int], one: int | None) -> list[int]:
    return sorted(places) if one is None else [one] if one in places else []


def _of_owner(db: Database, owner_id: int) -> frozenset[int]:
    rows = db.conn.execute("SELECT repository_id FROM place_owners WHERE owner_id = ?", (owner_id,))
    return frozenset([place for (place,) in rows.fetchall()])
