"""Finding tasks by words: FTS5 narrows, the rows of `listed` decide.

https://sqlite.org/fts5.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlite_utils import Database

from storage import shelves
from storage.listing import agent_mark, owner_mark, repository_mark, status_marks
from storage.shelves import LAST, Row

if TYPE_CHECKING:
    from storage.lists import Query, Scope

FEW = 4
"""Repositories whose marks always narrow a search: each costs a look into the index."""
MOST_MARKS = 200
"""Repositories that a search is narrowed to by their marks; of more, each task is looked at."""
RARE = 600
"""Tasks with the words that are sooner looked at than narrowed by the marks of many places."""
MERGED = 200
"""Pages of some 4 kB that are merged in one transaction, so that decisions do not wait for it."""

_FOUND = """
    SELECT seq AS at, seq FROM words CROSS JOIN listed ON seq = words.rowid
    WHERE words MATCH :match AND words.rowid < :before
    AND (:owner IS NULL OR owner_id = :owner)
    AND (:repository IS NULL OR repository_id = :repository)
    AND (:statuses = '[]' OR status IN (SELECT value FROM json_each(:statuses)))
    AND (:agent IS NULL OR agent = :agent)
    AND (:everything OR repository_id IN (SELECT value FROM json_each(:writable))
        OR (owner_id = :person AND repository_id IN (SELECT value FROM json_each(:readable))))
    ORDER BY words.rowid DESC LIMIT :limit
"""


def page(db: Database, scope: Scope, query: Query, limit: int, before: int) -> list[Row]:
    """The tasks with all of the words, made before a number, newest first."""
    values = _values(db, scope, query, limit, before)
    return [] if values is None else shelves.rows(db, shelves.as_json(_FOUND), values)


def count(db: Database, scope: Scope, query: Query, most: int) -> int:
    """How many tasks have all of the words; counting stops at `most`."""
    values = _values(db, scope, query, most, LAST)
    if values is None:
        return 0
    return int(db.conn.execute(f"SELECT count(*) FROM ({_FOUND})", values).fetchone()[0])  # noqa: S608 - our own words


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
    wide = match_of(query)
    if wide is None or not (scope.everything or scope.readable or scope.writable):
        return None
    match = wide
    if _narrows(db, scope, query, wide):
        places = sorted(scope.readable | scope.writable)
        match = f"{wide} AND {_any(repository_mark(one) for one in places)}"
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


def _narrows(db: Database, scope: Scope, query: Query, wide: str) -> bool:
    """Whether the marks of the places that may be seen spare more work than they make."""
    places = len(scope.readable | scope.writable)
    if scope.everything or query.repository_id is not None or places > MOST_MARKS:
        return False
    if places <= FEW:
        return True
    if query.owner_id is not None:  # whose tasks are mostly where they may be seen
        return False
    (found,) = db.conn.execute(
        "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)", (wide, RARE)
    ).fetchone()
    return found == RARE


def match_of(query: Query) -> str | None:
    """The search in FTS5's own language; None where nothing can be found.

    Words stand in quotes, so nothing in them means anything to FTS5. The marks only spare work.
    """
    if not all(any(char.isalnum() for char in word) for word in query.words):
        return None
    parts = [f"text : {_quoted(word)}" for word in query.words]
    if query.owner_id is not None:
        parts.append(_any((owner_mark(query.owner_id),)))
    if query.repository_id is not None:
        parts.append(_any((repository_mark(query.repository_id),)))
    if query.agent is not None:
        parts.append(_any((agent_mark(query.agent),)))
    if query.statuses:
        parts.append(_any(sorted(status_marks(query.statuses))))
    return " AND ".join(parts)


def _any(marks: Iterable[str]) -> str:
    return f"marks : ({' OR '.join(marks)})"


def _quoted(word: str) -> str:
    """A word as an FTS5 string, in which only its quotes mean anything.

    A NUL would end the whole search, and half of a surrogate pair is no text for SQLite.
    """
    clean = word.replace("\0", " ").encode("utf-8", "replace").decode().replace('"', '""')
    return f'"{clean}"'
