"""Finding tasks by words: FTS5 narrows, the rows of `listed` decide.

https://sqlite.org/fts5.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sqlite_utils import Database

from handlers.task import UNFINISHED
from storage import shelves
from storage.listing import agent_mark, part_mark, status_marks
from storage.scopes import EVERYTHING, Part, parts_of
from storage.shelves import LAST, Row

if TYPE_CHECKING:
    from storage.scopes import Query, Scope

FEW = 4
"""Repositories whose marks always narrow a search: each costs a look into the index."""
MOST_MARKS = 200
"""Repositories that a search is narrowed to by their marks; of more, each task is looked at."""
RARE = 600
"""Tasks with the words that are sooner looked at than narrowed by the marks of many places."""
MANY = 3_000
"""Tasks in all that are narrowed by the marks of their agent and status, too."""
MERGED = 800
"""Pages of some 1 kB that are merged in one transaction, so that decisions do not wait for it."""

_FOUND = """
    FROM words CROSS JOIN listed ON seq = words.rowid
    WHERE words MATCH :match AND words.rowid < :before
    AND (:owner IS NULL OR owner_id = :owner)
    AND (:repository IS NULL OR repository_id = :repository)
    AND (:statuses = '[]' OR status IN (SELECT value FROM json_each(:statuses)))
    AND (:agent IS NULL OR agent = :agent)
    AND (:everything OR repository_id IN (SELECT value FROM json_each(:writable))
        OR (owner_id = :person AND repository_id IN (SELECT value FROM json_each(:readable))))
"""
_PAGE = f"SELECT seq AS at, seq {_FOUND} ORDER BY words.rowid DESC LIMIT :limit"
# In no order: FTS5 goes forward, which takes it less.
_COUNT = f"SELECT count(*) FROM (SELECT 1 {_FOUND} LIMIT :limit)"  # noqa: S608 - our own words


def page(db: Database, scope: Scope, query: Query, limit: int, before: int) -> list[Row]:
    """The tasks with all of the words, made before a number, newest first."""
    values = _values(db, scope, query, limit, before)
    return [] if values is None else shelves.rows(db, shelves.as_json(_PAGE), values)


def count(db: Database, scope: Scope, query: Query, most: int) -> int:
    """How many tasks have all of the words; counting stops at `most`."""
    values = _values(db, scope, query, most, LAST)
    if values is None:
        return 0
    return int(db.conn.execute(_COUNT, values).fetchone()[0])


def tidy(db: Database, *, first: bool) -> bool:
    """Merge a part of the pieces that the index is written in; whether more is left.

    Each piece is looked into for each word and mark.
    """
    before = db.conn.total_changes
    pages = -MERGED if first else MERGED
    db.conn.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
    return db.conn.total_changes - before > 1  # as FTS5's page says of "merge"


def _values(
    db: Database, scope: Scope, query: Query, limit: int, before: int
) -> dict[str, object] | None:
    match = match_of(db, scope, query)
    if match is None:
        return None
    return {
        "match": match,
        "before": before,
        "limit": limit,
        "owner": query.owner_id,
        "repository": query.repository_id,
        "statuses": json.dumps(sorted(query.statuses)),
        "agent": query.agent,
        "everything": scope.everything,
        "person": scope.person_id,
        "writable": json.dumps(sorted(scope.writable)),
        "readable": json.dumps(sorted(scope.readable)),
    }


def match_of(db: Database, scope: Scope, query: Query) -> str | None:
    """The search in FTS5's own language; None where nothing can be found.

    Words stand in quotes, so nothing in them means anything to FTS5. The marks only spare work:
    FTS5 goes from one task with the first to the next, so what few have stands first, and of tasks
    that are few all the same it is cheaper to look at what they are than at another mark.
    """
    parts = parts_of(db, scope, query)
    spoken = all(any(char.isalnum() for char in word) for word in query.words)
    if not spoken or not parts:
        return None
    words = [f"text : {_quoted(word)}" for word in query.words]
    if query.statuses and query.statuses <= UNFINISHED:
        words.insert(0, _any(sorted(status_marks(query.statuses))))
    less = tuple(_less(query))
    if parts == [EVERYTHING]:
        return _all(*words, *less)
    seen = _seen(scope, query, parts)
    if len(seen) <= FEW:
        return _all(_any(seen), *words, *(less if less and _are_many(db, parts) else ()))
    owner = [] if query.owner_id is None else [_any((part_mark(query.owner_id, 0),))]
    wide = _all(*owner, *words, *less)
    if len(seen) > MOST_MARKS or _are_rare(db, wide):
        return wide
    return _all(wide, _any(seen))


def _seen(scope: Scope, query: Query, parts: list[Part]) -> list[str]:
    """The marks of what may be seen; of somebody's tasks in many places, the one of all of them.

    Who asks for their own sees nearly all of them, and who sees everything sees all.
    """
    owner = query.owner_id if scope.everything else scope.person_id
    theirs = [part for part in parts if part[0] == owner]
    if owner is not None and len(theirs) > FEW:
        parts = [(owner, 0), *(part for part in parts if part[0] != owner)]
    return [part_mark(*part) for part in parts]


def _less(query: Query) -> Iterator[str]:
    """The marks that many tasks have."""
    if query.agent is not None:
        yield _any((agent_mark(query.agent),))
    if not query.statuses <= UNFINISHED:
        yield _any(sorted(status_marks(query.statuses)))


def _are_many(db: Database, parts: list[Part]) -> bool:
    return shelves.count(db, shelves.Which("made", json.dumps(parts), "[]", None)) > MANY


def _are_rare(db: Database, match: str) -> bool:
    (found,) = db.conn.execute(
        "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)", (match, RARE)
    ).fetchone()
    return found < RARE


def _all(*parts: str) -> str:
    return " AND ".join(parts)


def _any(marks: Iterable[str]) -> str:
    return f"marks : ({' OR '.join(marks)})"


def _quoted(word: str) -> str:
    """A word as an FTS5 string, in which only its quotes mean anything.

    A NUL would end the whole search, and half of a surrogate pair is no text for SQLite.
    """
    clean = word.replace("\0", " ").encode("utf-8", "replace").decode().replace('"', '""')
    return f'"{clean}"'
