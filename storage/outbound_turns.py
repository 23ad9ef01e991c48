"""Whose turn it is among the webhooks to send: no host and no owner takes all places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from storage.outbound_about import KNOWN, About, read_about
from storage.times import from_text, to_text

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `round` counts how often it was asked for; `tried` are the tries since."""

    number: int
    id: str
    owner_id: int
    url: str
    host: str
    body: str
    round: int
    tried: int
    begun_at: datetime
    about: About | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """How many messages may be sent at a time: in all, to one host, and for one owner."""

    in_all: int = 16
    to_host: int = 4
    of_owner: int = 8


_HEADS = f"""
    WITH RECURSIVE lanes (lane) AS (
        SELECT min(lane) FROM outbound WHERE state = 'waiting'
        UNION ALL
        SELECT (SELECT min(lane) FROM outbound WHERE state = 'waiting' AND lane > lanes.lane)
        FROM lanes WHERE lane IS NOT NULL
    )
    SELECT number, id, owner_id, url, host, body, round, tried, begun_at, {KNOWN}
    FROM outbound
    WHERE number IN (
        SELECT head.number FROM lanes JOIN outbound AS head ON head.number IN (
            SELECT number FROM outbound WHERE state = 'waiting' AND lane = lanes.lane
            AND due_at <= :now ORDER BY due_at, number LIMIT :heads
        )
    ) ORDER BY due_at, number
"""  # noqa: S608 - our own text
"""What is due the longest of each lane: one in which much waits costs no more than others."""


def chosen(db: Database, now: datetime, busy: Sequence[Message], room: Room) -> tuple[Message, ...]:
    """The messages that are to be sent now, the longest due first, as many as there is room."""
    numbers = {one.number for one in busy}
    if len(busy) >= room.in_all or not _more_due(db, now, len(busy)):
        return ()
    hosts = Counter(one.host for one in busy)
    owners = Counter(one.owner_id for one in busy)
    found: list[Message] = []
    # Of a lane, as many may be under way as may be chosen.
    for row in db.conn.execute(_HEADS, {"now": to_text(now), "heads": 2 * room.to_host}):
        one = _message(row)
        full = hosts[one.host] >= room.to_host or owners[one.owner_id] >= room.of_owner
        if full or one.number in numbers:
            continue
        found.append(one)
        hosts[one.host] += 1
        owners[one.owner_id] += 1
        if len(busy) + len(found) == room.in_all:
            break
    return tuple(found)


def _more_due(db: Database, now: datetime, busy: int) -> bool:
    """Whether more is due than what is being sent."""
    row = db.conn.execute(
        "SELECT 1 FROM outbound WHERE state = 'waiting' AND due_at <= ? LIMIT 1 OFFSET ?",
        (to_text(now), busy),
    ).fetchone()
    return row is not None


def next_due(db: Database, now: datetime) -> datetime | None:
    """When the next message is to be sent that waits for its time."""
    row = db.conn.execute(
        "SELECT min(due_at) FROM outbound WHERE state = 'waiting' AND due_at > ?", (to_text(now),)
    ).fetchone()
    return None if row[0] is None else from_text(row[0])


def _message(row: Sequence[Any]) -> Message:
    number, name, owner, url, host, body, round_, tried, begun, about = row
    known = read_about(about, owner)
    return Message(number, name, owner, url, host, body, round_, tried, from_text(begun), known)
