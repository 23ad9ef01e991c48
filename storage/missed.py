"""Deliveries that were missed: noted, read and taken, each step durable and done once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from handlers.missed import Missed
from storage.candidates import Candidate
from storage.receiving import Arrival, is_known, receive_alone
from storage.times import from_text, to_text

if TYPE_CHECKING:
    from sqlite_utils import Database

    from storage.sqlite import Engine

_READ_TO = "delivery_log_read_to"
LOOKED_AT = "delivery_log_looked_at"
PROBLEM = "delivery_log_problem"
_UNREAD = "outcome IS NULL AND written_at IS NULL"


class Outcome(StrEnum):
    """What became of a delivery that was missed."""

    REDELIVERED = "redelivered"
    """It came when GitHub was asked for it again."""
    LOG = "log"
    """It was taken from the payload in GitHub's log."""
    KNOWN = "known"
    """It, or all that it may ask for, had come by another way."""
    NOTHING = "nothing"
    """It asks for nothing."""
    UNREADABLE = "unreadable"
    """It is not what GitHub sends for its event."""
    LOST = "lost"
    """GitHub does not have it any more, or did not give it however often it was asked."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A missed delivery whose turn it is; `body` is None where the log has no payload."""

    missed: Missed
    asks: int
    body: bytes | None


class MissedDeliveries:
    """What GitHub could not bring to one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def read_to(self) -> datetime | None:
        """Up to when GitHub's log has been read, by GitHub's clock; None: never."""
        return await self._engine.read(_read_to)

    async def note(self, found: Sequence[Missed], read_to: datetime | None, now: datetime) -> int:
        """Note what a look at the log has found, and how far it went: both or neither.

        What is stored already is none that was missed.

        Returns:
            How many were not noted before.
        """
        return await self._engine.write(lambda db: _note(db, found, read_to, now))

    async def unread(self, *, fresh: bool = False) -> tuple[Missed, ...]:
        """Those whose payload is to be read yet; `fresh`: only those that did not fail before."""
        return await self._engine.read(lambda db: _unread(db, fresh=fresh))

    async def read(self, guid: str, body: bytes | None, place: tuple[datetime, int]) -> None:
        """Keep a payload until its turn has come; `place` is when it was written, and its id."""
        written_at, source_id = place
        await self._engine.write(
            lambda db: (
                db.conn.execute(
                    "UPDATE missed SET body = ?, written_at = ?, source_id = ? WHERE guid = ?",
                    (body, to_text(written_at), source_id, guid),
                ).rowcount
            )
        )

    async def failed(self, guid: str) -> int:
        """A payload could not be read; returns how often that was so by now."""
        return await self._engine.write(lambda db: _count(db, "failures", guid))

    async def asked(self, guid: str) -> int:
        """GitHub is about to be asked to deliver it again; returns how often it was by now."""
        return await self._engine.write(lambda db: _count(db, "asks", guid))

    async def next(self) -> Turn | None:
        """The one that was written first, of those whose payload is read."""
        return await self._engine.read(_next)

    async def is_stored(self, guid: str, candidates: Collection[Candidate] = ()) -> bool:
        """Whether a delivery is in the inbox, or all that it may ask for is."""
        return await self._engine.read(lambda db: _is_stored(db, guid, candidates))

    async def done(self, guid: str, outcome: Outcome, now: datetime) -> None:
        """Note what became of it."""
        await self._engine.write(lambda db: _done(db, guid, outcome, now))

    async def take(self, arrival: Arrival) -> Outcome:
        """Store what the log has of a delivery, and that it is dealt with: both or neither."""
        return await self._engine.write(lambda db: _take(db, arrival))

    async def looked(self, now: datetime, problem: str) -> None:
        """Note that a look has ended, and why it came to no end where it did not."""
        await self._engine.write(lambda db: _looked(db, now, problem))

    async def forget(self, before: datetime) -> None:
        """Forget what was found before a time and is dealt with."""
        await self._engine.write(
            lambda db: (
                db.conn.execute(
                    "DELETE FROM missed WHERE found_at < ? AND outcome IS NOT NULL",
                    (to_text(before),),
                ).rowcount
            )
        )


def _read_to(db: Database) -> datetime | None:
    row = db.conn.execute("SELECT value FROM meta WHERE key = ?", (_READ_TO,)).fetchone()
    return None if row is None else from_text(row[0])


def _note(db: Database, found: Sequence[Missed], read_to: datetime | None, now: datetime) -> int:
    new = 0
    for one in found:
        new += db.conn.execute(
            "INSERT INTO missed (guid, attempt_id, event, sent_at, found_at)"
            " SELECT ?1, ?2, ?3, ?4, ?5"
            " WHERE NOT EXISTS (SELECT 1 FROM missed WHERE guid = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE id = ?1)",
            (one.guid, one.attempt_id, one.event, to_text(one.sent_at), to_text(now)),
        ).rowcount
        # GitHub takes the latest attempt for longest.
        db.conn.execute(
            "UPDATE missed SET attempt_id = ? WHERE guid = ? AND outcome IS NULL",
            (one.attempt_id, one.guid),
        )
    if read_to is not None:
        _remember(db, _READ_TO, to_text(read_to))
    return new


def _looked(db: Database, now: datetime, problem: str) -> None:
    _remember(db, PROBLEM, problem)
    if not problem:
        _remember(db, LOOKED_AT, to_text(now))


def _remember(db: Database, key: str, value: str) -> None:
    db.conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


def _unread(db: Database, *, fresh: bool) -> tuple[Missed, ...]:
    rows = db.conn.execute(
        f"SELECT guid, attempt_id, event, sent_at FROM missed WHERE {_UNREAD}"  # noqa: S608 - ours
        " AND failures <= ? ORDER BY failures, sent_at",
        (0 if fresh else 2**31,),
    )
    return tuple(_missed(*row) for row in rows)


def _missed(guid: str, attempt_id: int, event: str, sent_at: str) -> Missed:
    return Missed(guid, attempt_id, event, from_text(sent_at))


def _count(db: Database, column: str, guid: str) -> int:
    row = db.conn.execute(
        f"UPDATE missed SET {column} = {column} + 1 WHERE guid = ? RETURNING {column}",  # noqa: S608 - ours
        (guid,),
    ).fetchone()
    return int(row[0])


def _next(db: Database) -> Turn | None:
    row = db.conn.execute(
        "SELECT guid, attempt_id, event, sent_at, asks, body FROM missed"
        " WHERE outcome IS NULL AND written_at IS NOT NULL ORDER BY written_at, source_id LIMIT 1"
    ).fetchone()
    return None if row is None else Turn(_missed(*row[:4]), *row[4:])


def _is_stored(db: Database, guid: str, candidates: Collection[Candidate]) -> bool:
    row = db.conn.execute("SELECT 1 FROM deliveries WHERE id = ?", (guid,)).fetchone()
    return row is not None or (bool(candidates) and all(is_known(db, one) for one in candidates))


def _done(db: Database, guid: str, outcome: Outcome, now: datetime) -> None:
    db.conn.execute(
        "UPDATE missed SET outcome = ?, done_at = ?, body = NULL WHERE guid = ?",
        (outcome.value, to_text(now), guid),
    )


def _take(db: Database, arrival: Arrival) -> Outcome:
    received = receive_alone(db, arrival)
    outcome = Outcome.LOG if received.outcome == "accepted" else Outcome.KNOWN
    _done(db, arrival.delivery_id, outcome, arrival.received_at)
    return outcome
