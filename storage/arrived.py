"""What came in and what became of it, for operators; and deliveries that are taken again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from storage.times import from_text

if TYPE_CHECKING:
    from sqlite_utils import Database

    from storage.sqlite import Engine

GIVEN_UP = ("failed", "unreadable", "no_access")
"""States of candidates that may be decided anew: nothing was made of them, and nothing said."""
_ARRIVED = """
    SELECT number, id, deliveries.event, received_at, deliveries.done_at,
           CASE WHEN outcome = 'log' THEN 'log' WHEN asks > 0 THEN 'redelivery' ELSE 'webhook' END,
           deliveries.source_id, source_kind
    FROM deliveries LEFT JOIN missed ON guid = id"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of a delivery that may be a command, and what became of it; `new`: nothing yet."""

    task_id: str
    state: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A delivery that was stored."""

    number: int
    id: str
    event: str
    received_at: datetime
    done_at: datetime | None
    asked: tuple[Asked, ...]
    via: Literal["webhook", "redelivery", "log"] = "webhook"
    """How it came: at once, when GitHub was asked for it again, or from GitHub's log."""


class Arrivals:
    """The stored deliveries of one database, to look at."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def page(self, limit: int, before: int | None) -> tuple[Arrived, ...]:
        """Deliveries, the last one first; `before` is the last number of the page before."""
        return await self._engine.read(lambda db: _page(db, limit, before))

    async def take_again(self, delivery_id: str) -> Literal["again", "waits", "done", "absent"]:
        """Let a delivery that was given up be taken as if it had just come.

        Returns:
            `again`; or why not: it `waits` still, it is `done` with, or there is none.
        """
        return await self._engine.write(lambda db: _take_again(db, delivery_id))


def _page(db: Database, limit: int, before: int | None) -> tuple[Arrived, ...]:
    rows = db.conn.execute(
        f"{_ARRIVED} WHERE number < ? ORDER BY number DESC LIMIT ?",
        (2**63 - 1 if before is None else before, limit),
    ).fetchall()
    return tuple(_arrived(db, row) for row in rows)


def _arrived(db: Database, row: Sequence[Any]) -> Arrived:
    number, delivery_id, event, received, done, via, *source = row
    asked = db.conn.execute(
        "SELECT task_id, state FROM candidates WHERE source_id = ? AND source_kind = ? "
        "AND delivery = ? ORDER BY position",
        (*source, number),
    )
    return Arrived(
        number,
        delivery_id,
        event,
        from_text(received),
        None if done is None else from_text(done),
        tuple(Asked(*one) for one in asked),
        via,
    )


def _take_again(db: Database, delivery_id: str) -> Literal["again", "waits", "done", "absent"]:
    row = db.conn.execute(f"{_ARRIVED} WHERE id = ?", (delivery_id,)).fetchone()
    if row is None:
        return "absent"
    arrived = _arrived(db, row)
    if arrived.done_at is None:
        return "waits"
    if not any(one.state in GIVEN_UP for one in arrived.asked):
        return "done"
    _reopen(db, arrived.number, row[-2:])
    return "again"


def _reopen(db: Database, number: int, source: Sequence[Any]) -> None:
    """The last number of all: whoever goes through the inbox in order is past the old one."""
    (last,) = db.conn.execute(
        "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'deliveries' RETURNING seq - 1"
    ).fetchone()
    db.conn.execute(
        "UPDATE deliveries SET number = ?, state = 'open', done_at = NULL WHERE number = ?",
        (last + 1, number),
    )
    here = "WHERE source_id = ? AND source_kind = ? AND delivery = ?"
    marks = ", ".join("?" for _ in GIVEN_UP)
    db.conn.execute(
        f"UPDATE candidates SET state = 'new', decided_at = NULL {here} AND state IN ({marks})",  # noqa: S608 - our own words
        (*source, number, *GIVEN_UP),
    )
    db.conn.execute(
        f"UPDATE candidates SET delivery = ? {here}",  # noqa: S608 - our own words
        (last + 1, *source, number),
    )
