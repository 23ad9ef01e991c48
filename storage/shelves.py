"""A page of a list: the tops of a few shelves of tasks, merged by the database itself.

Each statement that Python steps through gives the interpreter to another thread and must win it
back, so a page is one statement and one row of JSON, and its merge is a recursive query: SQLite
keeps the next task of each shelf in order and takes the first, as often as the page is long
(https://sqlite.org/lang_with.html, "Controlling Depth-First Versus Breadth-First Search").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter
from sqlite_utils import Database

from handlers.task import Task

Sorted = Literal["made", "ended"]

LAST = (1 << 63) - 1
"""Higher than any number or time: where the first page begins."""

Row = tuple[int, int, Task]
"""Where a task stands, its number, and itself."""

_ROWS: TypeAdapter[list[Row]] = TypeAdapter(list[Row])


@dataclass(frozen=True, slots=True)
class Which:
    """Some shelves.

    `parts` are JSON pairs of an owner's id and a repository's (0: any), `statuses` is a JSON list,
    empty for all.
    """

    sorted: Sorted
    parts: str
    statuses: str
    agent: str | None

    @property
    def all(self) -> bool:
        """Whether it does not matter what is in them."""
        return self.agent is None and self.statuses == "[]"


_SHELVES = """
    json_each(:parts) AS part CROSS JOIN shelves AS s
    ON s.sorted = :sorted AND s.owner_id = part.value ->> 0 AND s.repository_id = part.value ->> 1
"""
_OF_ALL = f"{_SHELVES} AND s.status = '' AND s.agent = ''"
_OF_SOME = f"""{_SHELVES} AND s.status > ''
    AND (:statuses = '[]' OR s.status IN (SELECT value FROM json_each(:statuses)))
    AND (:agent IS NULL OR s.agent = :agent)
"""  # noqa: S608 - our own words


def _next(shelf: str, at: str, seq: str) -> str:
    """The task that stands on a shelf next to a place."""
    return (
        f"(SELECT at, seq FROM shelved WHERE shelf = {shelf} AND (at, seq) < ({at}, {seq}) "  # noqa: S608 - our own words
        "ORDER BY at DESC, seq DESC LIMIT 1)"
    )


def _merged(chosen: str) -> str:
    return f"""
        WITH RECURSIVE merged (shelf, at, seq) AS (
            SELECT n.shelf, n.at, n.seq FROM {chosen} CROSS JOIN shelved AS n
            ON n.shelf = s.id AND (n.at, n.seq) = {_next("s.id", ":at", ":seq")}
            UNION ALL
            SELECT n.shelf, n.at, n.seq FROM merged AS m CROSS JOIN shelved AS n
            ON n.shelf = m.shelf AND (n.at, n.seq) = {_next("m.shelf", "m.at", "m.seq")}
            ORDER BY 2 DESC, 3 DESC LIMIT :limit
        )
    """  # noqa: S608 - our own words


def page(db: Database, which: Which, limit: int, before: tuple[int, int]) -> list[Row]:
    """The tasks on some shelves that stand before a place, the last of them first."""
    return rows(
        db,
        f"{_merged(_chosen(which))} {as_json('SELECT at, seq FROM merged')}",  # noqa: S608 - our own words
        {
            "sorted": which.sorted,
            "parts": which.parts,
            "statuses": which.statuses,
            "agent": which.agent,
            "at": before[0],
            "seq": before[1],
            "limit": limit,
        },
    )


def as_json(found: str) -> str:
    """The statement that reads the tasks of a query's `at` and `seq` as one text."""
    return (
        "SELECT '[' || group_concat('[' || at || ',' || seq || ',' || doc || ']') || ']' "  # noqa: S608 - our own words
        f"FROM ({found}) AS found CROSS JOIN tasks USING (seq)"
    )


def rows(db: Database, statement: str, values: dict[str, object]) -> list[Row]:
    """What such a statement finds, the last first."""
    (text,) = db.conn.execute(statement, values).fetchone()
    found = [] if text is None else _ROWS.validate_json(text)
    return sorted(found, key=lambda row: row[:2], reverse=True)


def count(db: Database, which: Which) -> int:
    """How many tasks stand on some shelves."""
    row = db.conn.execute(
        f"SELECT coalesce(sum(tasks), 0) FROM {_chosen(which)}",  # noqa: S608 - our own words
        {
            "sorted": which.sorted,
            "parts": which.parts,
            "statuses": which.statuses,
            "agent": which.agent,
        },
    ).fetchone()
    return int(row[0])


def _chosen(which: Which) -> str:
    return _OF_ALL if which.all else _OF_SOME
