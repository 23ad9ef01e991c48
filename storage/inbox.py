"""What has arrived and is not yet dealt with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from handlers.deliveries import Delivery, Unreadable, read_delivery
from storage.candidates import BECAME_TASK, Candidate, decided, open_of
from storage.receiving import Arrival, Received, receive, receive_alone
from storage.times import from_text, to_text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlite_utils import Database

    from storage.sqlite import Engine

_log = structlog.stdlib.get_logger(__name__)

AT_ONCE = 500
"""Deliveries forgotten in one transaction, so that arrivals do not wait for it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery with candidates that are undecided, or a house-keeping event without any."""

    number: int
    """Later deliveries have higher ones."""
    delivery_id: str
    event: str
    received_at: datetime
    value: Delivery
    candidates: tuple[Candidate, ...]
    late: bool = False
    """It was missed when GitHub sent it, and found in GitHub's log."""


class Inbox:
    """The inbox of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def receive(self, arrival: Arrival) -> Received:
        """Store a delivery and its candidates, durably.

        One whose id is known, or whose candidates all are, is a duplicate and leaves nothing.

        Raises:
            StorageFailed: It is not stored.
        """
        if len(arrival.candidates) > 1:
            return await self._engine.write(lambda db: receive_alone(db, arrival))
        return await self._engine.write_together(receive, arrival)

    async def waiting(self, limit: int, *, after: int = 0) -> list[Waiting]:
        """The deliveries that are not dealt with, oldest first, at most `limit`.

        One that cannot be read, or is of no interest after all, counts as dealt with.

        Args:
            limit: The most that are wanted.
            after: Only those with a higher number than this.
        """
        rows = await self._engine.read(lambda db: _waiting(db, limit, after))
        return [one for row in rows if (one := await self._readable(row)) is not None]

    async def open(self, number: int) -> Waiting | None:
        """The delivery of a number as it waits now; None when it is dealt with."""
        rows = await self._engine.read(lambda db: _waiting(db, 1, number - 1))
        return await self._readable(rows[0]) if rows and rows[0].number == number else None

    async def _readable(self, row: _Stored) -> Waiting | None:
        if (value := _read(row)) is None:
            await self._engine.write(lambda db: _given_up(db, row))
            return None
        return Waiting(
            *(row.number, row.delivery_id, row.event, row.received_at),
            *(value, row.candidates, row.late),
        )

    async def forget(self, before: datetime) -> int:
        """Delete what was dealt with and arrived before a time; returns how many deliveries.

        Candidates that became tasks stay, so that their comments stay known.
        """
        forgotten = 0
        while count := await self._engine.write(lambda db: _forget(db, before)):
            forgotten += count
        return forgotten


def handled(db: Database, delivery_id: str, now: datetime) -> None:
    """Record that a house-keeping event is dealt with, inside the transaction that did so."""
    db.conn.execute(
        "UPDATE deliveries SET state = 'done', done_at = ? WHERE id = ? AND state = 'open'",
        (to_text(now), delivery_id),
    )


@dataclass(frozen=True, slots=True)
class _Stored:
    """A delivery that waits, as it was stored."""

    number: int
    delivery_id: str
    event: str
    received_at: datetime
    body: bytes
    candidates: tuple[Candidate, ...]
    late: bool


def _waiting(db: Database, limit: int, after: int) -> list[_Stored]:
    deliveries = db.conn.execute(
        "SELECT EXISTS (SELECT 1 FROM missed WHERE guid = deliveries.id),"
        " id, event, received_at, body, number, source_id, source_kind FROM deliveries"
        " WHERE state = 'open' AND number > ? ORDER BY number LIMIT ?",
        (after, limit),
    ).fetchall()
    return [
        _Stored(
            *(source[0], delivery_id, event, from_text(at), body),
            *(open_of(db, *source), bool(late)),
        )
        for late, delivery_id, event, at, body, *source in deliveries
    ]


def _read(row: _Stored) -> Delivery | None:
    """The typed value; None for what the door took in at a glance and nobody can use."""
    try:
        value, problem = read_delivery(row.event, row.body), "nobody listens to it"
    except Unreadable as error:
        value, problem = None, str(error)
    if value is None:
        _log.warning("delivery given up", delivery=row.delivery_id, problem=problem)
    return value


def _given_up(db: Database, row: _Stored) -> None:
    for candidate in row.candidates:
        decided(db, candidate.task_id, "unreadable", row.received_at)
    handled(db, row.delivery_id, row.received_at)


def _forget(db: Database, before: datetime) -> int:
    old = db.conn.execute(
        "SELECT number, source_id, source_kind FROM deliveries"
        " WHERE state = 'done' AND received_at < ? ORDER BY received_at LIMIT ?",
        (to_text(before), AT_ONCE),
    ).fetchall()
    db.conn.executemany(
        "DELETE FROM candidates WHERE delivery = ? AND source_id = ? AND source_kind = ?"
        " AND state != ?",
        [(*row, BECAME_TASK) for row in old],
    )
    db.conn.executemany("DELETE FROM deliveries WHERE number = ?", [row[:1] for row in old])
    return len(old)
