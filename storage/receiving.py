"""What arrives is stored, whatever comes twice once.

A delivery is known by its id, a candidate command by where it stands: (kind of source, source,
position).
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from storage.candidates import Candidate
from storage.times import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlite_utils import Database


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


def receive(db: Database, arrivals: Sequence[Arrival]) -> Sequence[Received]:
    """Store a group of arrivals with at most one candidate each by one statement.

    The engine asks again for each alone where a group fails.

    Raises:
        sqlite3.IntegrityError: one of several is known already.
    """
    if len(arrivals) == 1:
        return [receive_alone(db, arrivals[0])]
    _insert(db, arrivals)
    return [_accepted(one.candidates) for one in arrivals]


def receive_alone(db: Database, arrival: Arrival) -> Received:
    """Store an arrival with those of its candidates that are new, or find that it is known."""
    fresh = tuple(one for one in arrival.candidates if not is_known(db, one))
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


def is_known(db: Database, candidate: Candidate) -> bool:
    """Whether what stands at this place of this source was stored before."""
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
