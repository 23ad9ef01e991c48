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

MOST_MARKS = 200
"""Repositories that a search is narrowed to by their marks; of more, each task is looked at."""

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
    values = _values(scope, query, limit, before)
    return [] if values is None else shelves.rows(db, shelves.as_json(_FOUND), values)


def count(db: Database, scope: Scope, query: Query, most: int) -> int:
    """How many tasks have all of the words; counting stops at `most`."""
    values = _values(scope, query, most, LAST)
    if values is None:
        return 0
    return int(db.conn.execute(f"SELECT count(*) FROM ({_FOUND})", values).fetchone()[0])  # noqa: S608 - our own words


def _values(scope: Scope, query: Query, limit: int, before: int) -> dict[str, object] | None:
    match = match_of(scope, query)
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


def match_of(scope: Scope, query: Query) -> str | None:
    """The search in FTS5's own language; None where nothing can be found.

    Words stand in quotes, so nothing in them means anything to FTS5. The marks only spare work.
    """
    if not all(any(char.isalnum() for char in word) for word in query.words):
        return None
    parts = [f"text : {_quoted(word)}" for word in query.words]
    if query.owner_id is not None:
        parts.append(_any((owner_mark(query.owner_id),)))
    if query.agent is not None:
        parts.append(_any((agent_mark(query.agent),)))
    if query.statuses:
        parts.append(_any(sorted(status_marks(query.statuses))))
    places = scope.readable | scope.writable
    if query.repository_id is not None:
        parts.append(_any((repository_mark(query.repository_id),)))
    elif not scope.everything:
        if not places:
            return None
        if len(places) <= MOST_MARKS:
            parts.append(_any(repository_mark(one) for one in sorted(places)))
    return " AND ".join(parts)


def _any(marks: Iterable[str]) -> str:
    return f"marks : ({' OR '.join(marks)})"


def _quoted(word: str) -> str:
    """A word as an FTS5 string, in which only its quotes mean anything.

    A NUL would end the whole search, and half of a surrogate pair is no text for SQLite.
    """
    clean = word.replace("\0", " ").encode("utf-8", "replace").decode().replace('"', '""')
    return f'"{clean}"'
