"""What has arrived and is not yet dealt with.

A delivery is known by its id, a candidate command by where it stands: (kind of source, source,
position). Whatever comes twice is stored once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import structlog

from handlers.deliveries import Delivery, Unreadable, read_delivery
from storage.times import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlite_utils import Database

    from storage.sqlite import Engine

_log = structlog.stdlib.get_logger(__name__)

BECAME_TASK = "task"
"""The state of a candidate that became a task; its row is kept as long as the task may be."""

AT_ONCE = 500
"""Deliveries forgotten in one transaction, so that arrivals do not wait for it."""


class Candidate(NamedTuple):
    """A line that may be a command; `task_id` is its task's id if it becomes one."""

    task_id: str
    source_kind: str
    source_id: int
    position: int


class Arrival(NamedTuple):
    """A delivery that asks for something, with what its text may ask for.

    `body` is the JSON that GitHub signed. The candidates are lines of one source.
    """

    delivery_id: str
    event: str
    received_at: datetime
    body: bytes
    candidates: tuple[Candidate, ...] = ()


class Received(NamedTuple):
    """What storing did; `task_ids` are those of the candidates that are new."""

    outcome: Literal["accepted", "duplicate"]
    task_ids: tuple[str, ...] = ()


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
            return await self._engine.write(lambda db: _receive_one(db, arrival))
        return await self._engine.write_together(_receive, arrival)

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
            row.number, row.delivery_id, row.event, row.received_at, value, row.candidates
        )

    async def forget(self, before: datetime) -> int:
        """Delete what was dealt with and arrived before a time; returns how many deliveries.

        Candidates that became tasks stay, so that their comments stay known.
        """
        forgotten = 0
        while count := await self._engine.write(lambda db: _forget(db, before)):
            forgotten += count
        return forgotten


def is_open(db: Database, task_id: str) -> bool:
    """Whether a candidate waits for a decision; to be asked inside the transaction that decides."""
    row = db.conn.execute(
        "SELECT 1 FROM candidates WHERE task_id = ? AND state = 'new'", (task_id,)
    ).fetchone()
    return row is not None


def decided(db: Database, task_id: str, state: str, now: datetime) -> None:
    """Record what became of a candidate; with its last one the delivery is dealt with.

    Runs inside the transaction that decides. A candidate that is decided already stays as it is.

    Args:
        db: The writer's database.
        task_id: The candidate.
        state: `BECAME_TASK`, or in a word why it did not; never `new`.
        now: When.
    """
    row = db.conn.execute(
        "UPDATE candidates SET state = ?, decided_at = ? WHERE task_id = ? AND state = 'new'"
        " RETURNING delivery, source_id, source_kind",
        (state, to_text(now), task_id),
    ).fetchone()
    if row is not None:
        db.conn.execute(
            "UPDATE deliveries SET state = 'done', done_at = ?1 WHERE number = ?2 AND NOT EXISTS"
            " (SELECT 1 FROM candidates WHERE source_id = ?3 AND source_kind = ?4"
            " AND delivery = ?2 AND state = 'new')",
            (to_text(now), *row),
        )


def handled(db: Database, delivery_id: str, now: datetime) -> None:
    """Record that a house-keeping event is dealt with, inside the transaction that did so."""
    db.conn.execute(
        "UPDATE deliveries SET state = 'done', done_at = ? WHERE id = ? AND state = 'open'",
        (to_text(now), delivery_id),
    )


def _receive(db: Database, arrivals: Sequence[Arrival]) -> Sequence[Received]:
    """Store a group of arrivals with at most one candidate each by one statement.

    Where one of them is known already, it fails, and the engine asks again for each alone.
    """
    if len(arrivals) == 1:
        return [_receive_one(db, arrivals[0])]
    _insert(db, arrivals)
    return [_accepted(one.candidates) for one in arrivals]


def _receive_one(db: Database, arrival: Arrival) -> Received:
    fresh = tuple(one for one in arrival.candidates if not _is_known(db, one))
    seen = db.conn.execute("SELECT 1 FROM deliveries WHERE id = ?", (arrival.delivery_id,))
    if seen.fetchone() or (arrival.candidates and not fresh):
        return Received("duplicate")
    _insert(db, [arrival._replace(candidates=fresh)])
    db.conn.executemany(
        "INSERT INTO candidates (task_id, source_kind, source_id, position, delivery)"
        " SELECT ?, ?, ?, ?, number FROM deliveries WHERE id = ?",
        [
            (one.task_id, one.source_kind, one.source_id, one.position, arrival.delivery_id)
            for one in fresh[1:]
        ],
    )
    return _accepted(fresh)


def _is_known(db: Database, candidate: Candidate) -> bool:
    found = db.conn.execute(
        "SELECT 1 FROM candidates WHERE source_kind = ? AND source_id = ? AND position = ?",
        (candidate.source_kind, candidate.source_id, candidate.position),
    )
    return found.fetchone() is not None


def _accepted(candidates: tuple[Candidate, ...]) -> Received:
    return Received("accepted", tuple([one.task_id for one in candidates]))


def _insert(db: Database, arrivals: Sequence[Arrival]) -> None:
    """Insert arrivals with their first candidates; `executemany` would be a statement for each."""
    db.conn.execute(
        _insertion(len(arrivals)), list(chain.from_iterable([_row(one) for one in arrivals]))
    )


@cache
def _insertion(count: int) -> str:
    """The statement for so many rows; always the same text, so that SQLite compiles it once."""
    insert = (
        "INSERT INTO arrivals"
        " (id, event, received_at, body, source_kind, source_id, position, task_id) VALUES "
    )
    return insert + ",".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * count)


def _row(arrival: Arrival) -> tuple[Any, ...]:
    known = (arrival.delivery_id, arrival.event, to_text(arrival.received_at), arrival.body)
    if not arrival.candidates:
        return (*known, None, None, None, None)
    first = arrival.candidates[0]
    return (*known, first.source_kind, first.source_id, first.position, first.task_id)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A delivery that waits, as it was stored."""

    number: int
    delivery_id: str
    event: str
    received_at: datetime
    body: bytes
    candidates: tuple[Candidate, ...]


def _waiting(db: Database, limit: int, after: int) -> list[_Stored]:
    deliveries = db.conn.execute(
        "SELECT id, event, received_at, body, number, source_id, source_kind FROM deliveries"
        " WHERE state = 'open' AND number > ? ORDER BY number LIMIT ?",
        (after, limit),
    ).fetchall()
    return [
        _Stored(source[0], delivery_id, event, from_text(at), body, _open(db, *source))
        for delivery_id, event, at, body, *source in deliveries
    ]


def _open(
    db: Database, delivery: int, source_id: int | None, source_kind: str | None
) -> tuple[Candidate, ...]:
    rows: Iterable[tuple[Any, ...]] = db.conn.execute(
        "SELECT task_id, source_kind, source_id, position FROM candidates"
        " WHERE source_id = ? AND source_kind = ? AND delivery = ? AND state = 'new'"
        " ORDER BY position",
        (source_id, source_kind, delivery),
    )
    return tuple(Candidate(*row) for row in rows)


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
