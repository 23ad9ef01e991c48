"""What has arrived and is not yet dealt with.

A delivery is known by its id, a candidate command by where it stands: (kind of source, source,
position). Whatever comes twice is stored once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from handlers.deliveries import Delivery, dump, kind_of, load
from storage.times import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlite_utils import Database

    from storage.sqlite import Engine

BECAME_TASK = "task"
"""The state of a candidate that became a task; its row is kept as long as the task may be."""

AT_ONCE = 500
"""Deliveries forgotten in one transaction, so that arrivals do not wait for it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line that may be a command; `task_id` is its task's id if it becomes one."""

    task_id: str
    source_kind: str
    source_id: int
    position: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery that asks for something, with what its text may ask for."""

    delivery_id: str
    event: str
    received_at: datetime
    value: Delivery
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Received:
    """What storing did; `task_ids` are those of the candidates that are new."""

    outcome: Literal["accepted", "duplicate"]
    task_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery with candidates that are undecided, or a house-keeping event without any."""

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
        return await self._engine.write_together(_receive, _row(arrival))

    async def waiting(self, limit: int) -> list[Waiting]:
        """The deliveries that are not dealt with, oldest first, at most `limit`."""
        return await self._engine.read(lambda db: _waiting(db, limit))

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
        " RETURNING delivery",
        (state, to_text(now), task_id),
    ).fetchone()
    if row is not None:
        db.conn.execute(
            "UPDATE deliveries SET state = 'done', done_at = ?1 WHERE number = ?2 AND NOT EXISTS"
            " (SELECT 1 FROM candidates WHERE delivery = ?2 AND state = 'new')",
            (to_text(now), row[0]),
        )


def handled(db: Database, delivery_id: str, now: datetime) -> None:
    """Record that a house-keeping event is dealt with, inside the transaction that did so."""
    db.conn.execute(
        "UPDATE deliveries SET state = 'done', done_at = ? WHERE id = ? AND state = 'open'",
        (to_text(now), delivery_id),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """An arrival as a row, made before the writer thread sees it."""

    values: tuple[Any, ...]
    candidates: tuple[Candidate, ...]


def _row(arrival: Arrival) -> _Row:
    value = arrival.value
    return _Row(
        (
            arrival.delivery_id,
            arrival.event,
            kind_of(value),
            value.installation_id,
            to_text(arrival.received_at),
            dump(value),
            _as_json(arrival.candidates),
        ),
        arrival.candidates,
    )


def _as_json(candidates: tuple[Candidate, ...]) -> str:
    """As the trigger reads them; ids and kinds are our own words, so nothing needs escaping."""
    rows = [
        f'["{one.task_id}","{one.source_kind}",{one.source_id},{one.position}]'
        for one in candidates
    ]
    return f"[{','.join(rows)}]"


def _receive(db: Database, rows: Sequence[_Row]) -> Sequence[Received]:
    """Store a group of arrivals by one statement.

    Where one of them is known already, it fails, and the engine asks again for each alone.
    """
    if len(rows) == 1:
        return [_receive_one(db, rows[0])]
    _insert(db, rows)
    return [_accepted(row) for row in rows]


def _receive_one(db: Database, row: _Row) -> Received:
    fresh = tuple(one for one in row.candidates if not _is_known(db, one))
    seen = db.conn.execute("SELECT 1 FROM deliveries WHERE id = ?", row.values[:1])
    if seen.fetchone() or (row.candidates and not fresh):
        return Received("duplicate")
    rest = _Row((*row.values[:-1], _as_json(fresh)), fresh)
    _insert(db, [rest])
    return _accepted(rest)


def _is_known(db: Database, candidate: Candidate) -> bool:
    found = db.conn.execute(
        "SELECT 1 FROM candidates WHERE source_kind = ? AND source_id = ? AND position = ?",
        (candidate.source_kind, candidate.source_id, candidate.position),
    )
    return found.fetchone() is not None


def _accepted(row: _Row) -> Received:
    return Received("accepted", tuple(one.task_id for one in row.candidates))


def _insert(db: Database, rows: Sequence[_Row]) -> None:
    """Insert all rows by one statement: `executemany` would be a statement for each."""
    insert = (
        "INSERT INTO deliveries"
        " (id, event, kind, installation_id, received_at, payload, candidates) VALUES "
    )
    db.conn.execute(
        insert + ",".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(rows)),
        [value for row in rows for value in row.values],
    )


def _waiting(db: Database, limit: int) -> list[Waiting]:
    deliveries = db.conn.execute(
        "SELECT number, id, event, received_at, kind, payload FROM deliveries"
        " WHERE state = 'open' ORDER BY received_at, number LIMIT ?",
        (limit,),
    ).fetchall()
    return [
        Waiting(delivery_id, event, from_text(at), load(kind, payload), _open(db, number))
        for number, delivery_id, event, at, kind, payload in deliveries
    ]


def _open(db: Database, delivery: int) -> tuple[Candidate, ...]:
    rows: Iterable[tuple[Any, ...]] = db.conn.execute(
        "SELECT task_id, source_kind, source_id, position FROM candidates"
        " WHERE delivery = ? AND state = 'new' ORDER BY position",
        (delivery,),
    )
    return tuple(Candidate(*row) for row in rows)


def _forget(db: Database, before: datetime) -> int:
    old = db.conn.execute(
        "SELECT number FROM deliveries WHERE state = 'done' AND received_at < ?"
        " ORDER BY received_at LIMIT ?",
        (to_text(before), AT_ONCE),
    ).fetchall()
    db.conn.executemany(
        "DELETE FROM candidates WHERE delivery = ? AND state != ?",
        [(number, BECAME_TASK) for (number,) in old],
    )
    db.conn.executemany("DELETE FROM deliveries WHERE number = ?", old)
    return len(old)
