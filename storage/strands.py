"""The walks through indexes that a list is merged of, and the same in the words of a search."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.lists import Query, Scope

_FINAL = "status IN ('completed', 'failed', 'cancelled')"


@dataclass(frozen=True, slots=True)
class Strand:
    """One walk: an index, the condition that begins it, and its values."""

    index: str
    where: str
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Tasks of a repository (None: of all), and of an owner where one is meant."""

    repository_id: int | None
    owner_id: int | None


def strands(scope: Scope, query: Query, own: Collection[int], *, ended: bool) -> Sequence[Strand]:
    """The walks that give all that is looked for and may be seen, and nothing else.

    `own` are the repositories of the owner that is looked for, where everything may be seen.
    """
    make = _of_ended if ended else _of_all
    return [one for stretch in _stretches(scope, query, own) for one in make(stretch, query)]


def _stretches(scope: Scope, query: Query, own: Collection[int]) -> Iterator[_Stretch]:
    if scope.everything:
        yield from _of_everything(query, own)
        return
    for repository in sorted(_within(scope.writable, query)):
        yield _Stretch(repository, query.owner_id)
    if query.owner_id in {None, scope.person_id}:
        for repository in sorted(_within(scope.readable - scope.writable, query)):
            yield _Stretch(repository, scope.person_id)


def _of_everything(query: Query, own: Collection[int]) -> Iterator[_Stretch]:
    if query.owner_id is None:
        yield _Stretch(query.repository_id, None)
    else:
        for repository in sorted(_within(own, query)):
            yield _Stretch(repository, query.owner_id)


def _within(repositories: Collection[int], query: Query) -> set[int]:
    one = query.repository_id
    return set(repositories) if one is None else set(repositories) & {one}


def _begin(stretch: _Stretch) -> tuple[str, list[str], list[object]]:
    """The first part of an index's name, with the condition on what it begins with."""
    if stretch.repository_id is None:
        return "", [], []
    if stretch.owner_id is None:
        return "repository", ["repository_id = ?"], [stretch.repository_id]
    condition = ["owner_id = ?", "repository_id = ?"]
    return "own", condition, [stretch.owner_id, stretch.repository_id]


def _of_all(stretch: _Stretch, query: Query) -> Iterator[Strand]:
    name, where, values = _begin(stretch)
    agent = [] if query.agent is None else ["agent = ?"]
    agents = [] if query.agent is None else [query.agent]
    if query.statuses:
        index = "_".join(part for part in ("lists", name, "status") if part)
        for status in sorted(query.statuses):
            condition = " AND ".join([*where, "status = ?", *agent])
            yield Strand(index, condition, (*values, status.value, *agents))
    else:
        kind = "agent" if agent else ("" if name else "all")
        index = "_".join(part for part in ("lists", name, kind) if part)
        yield Strand(index, " AND ".join([*where, *agent]) or "true", (*values, *agents))


def _of_ended(stretch: _Stretch, query: Query) -> Iterator[Strand]:
    name, where, values = _begin(stretch)
    conditions = [*where, _FINAL]
    if query.statuses:
        conditions.append(f"status IN ({', '.join('?' * len(query.statuses))})")
        values.extend(sorted(one.value for one in query.statuses))
    if query.agent is not None:
        conditions.append("agent = ?")
        values.append(query.agent)
    yield Strand(f"ended_{name or 'all'}", " AND ".join(conditions), tuple(values))


def words_match(scope: Scope, query: Query) -> str | None:
    """The search in FTS5's own language; None where nothing can be found."""
    parts = [f"text : {_quoted(word)}" for word in query.words]
    if query.owner_id is not None:
        parts.append(f'marks : "o{query.owner_id}"')
    if query.repository_id is not None:
        parts.append(f'marks : "r{query.repository_id}"')
    if query.statuses:
        parts.append(_any(f'"s{status.value}"' for status in sorted(query.statuses)))
    if query.agent is not None:
        parts.append(f'marks : "a{query.agent.encode().hex()}"')
    if not scope.everything:
        seen = _seen(scope)
        if seen is None:
            return None
        parts.append(seen)
    return " AND ".join(parts)


def _seen(scope: Scope) -> str | None:
    readable = scope.readable - scope.writable
    ways: list[str] = []
    if scope.writable:
        ways.append(_any(f'"r{one}"' for one in sorted(scope.writable)))
    if readable:
        mine = f'marks : "o{scope.person_id}"'
        there = _any(f'"r{one}"' for one in sorted(readable))
        ways.append(f"({mine} AND {there})")
    return f"({' OR '.join(ways)})" if ways else None


def _any(marks: Iterator[str]) -> str:
    return f"marks : ({' OR '.join(marks)})"


def _quoted(word: str) -> str:
    """A word as an FTS5 string, in which nothing but its quotes means anything."""
    clean = word.replace("\0", " ").replace('"', '""')
    return f'"{clean}"'
