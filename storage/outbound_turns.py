"""Whose turn it is among the webhooks to send: no host and no owner takes all places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop, heappush
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
    """How many messages may be sent at a time: in all, to one host, for one owner, and of a lane.

    An owner has few of all places, and what they send to one host has not all of theirs.
    """

    in_all: int = 64
    to_host: int = 12
    of_owner: int = 6
    of_lane: int = 4


MOST_OWNERS = 1_000
"""Owners that are looked at: more than there are places, for the hosts of some may be full."""

_MESSAGES = f"""
    SELECT number, id, owner_id, url, host, body, round, tried, begun_at, {KNOWN}
    FROM outbound WHERE state = 'waiting' AND owner_id = ? AND host = ? AND due_at <= ?
    ORDER BY due_at, number LIMIT ?
"""  # noqa: S608 - our own text


def chosen(db: Database, now: datetime, busy: Sequence[Message], room: Room) -> tuple[Message, ...]:
    """The messages that are to be sent now, as many as there is room.

    Those come first of whose owner the fewest are being sent, and then those who wait the longest.
    """
    crowd = _Crowd(db, to_text(now), room, busy)
    turns = [(crowd.owners[owner], place, owner) for place, owner in enumerate(crowd.waiting())]
    heapify(turns)
    mine = {owner: crowd.messages(owner) for _, _, owner in turns}
    found: list[Message] = []
    while turns and len(busy) + len(found) < room.in_all:
        out, place, owner = heappop(turns)
        one = next(mine[owner], None) if out < room.of_owner else None
        if one is not None:
            found.append(one)
            heappush(turns, (out + 1, place, owner))
    return tuple(found)


class _Crowd:
    """Who sends what, and what else they have to send."""

    def __init__(self, db: Database, now: str, room: Room, busy: Sequence[Message]) -> None:
        self._db = db
        self._now = now
        self._room = room
        self._numbers = {one.number for one in busy}
        self._hosts = Counter(one.host for one in busy)
        self._lanes = Counter((one.owner_id, one.host) for one in busy)
        self.owners = Counter(one.owner_id for one in busy)

    def waiting(self) -> list[int]:
        """Owners who have something to send, who wait the longest first."""
        if len(self._numbers) >= self._room.in_all:
            return []
        rows = self._db.conn.execute(
            "SELECT owner_id FROM outbound_owners WHERE ready_at <= ? ORDER BY ready_at LIMIT ?",
            (self._now, MOST_OWNERS),
        )
        return [owner for (owner,) in rows]

    def messages(self, owner: int) -> Iterator[Message]:
        """What an owner may send now, one of each lane in turn."""
        lanes = [self._lane(owner, host) for host in self._ready(owner)]
        while lanes:
            for lane in list(lanes):
                one = next(lane, None)
                if one is None:
                    lanes.remove(lane)
                else:
                    yield one

    def _ready(self, owner: int) -> list[str]:
        full = self._room.in_all // self._room.to_host
        rows = self._db.conn.execute(
            "SELECT host FROM outbound_lanes WHERE owner_id = ? AND ready_at <= ? "
            "ORDER BY ready_at LIMIT ?",
            (owner, self._now, 2 * self._room.of_owner + full),
        )
        return [host for (host,) in rows]

    def _lane(self, owner: int, host: str) -> Iterator[Message]:
        lane, room = (owner, host), self._room
        values = (owner, host, self._now, 2 * room.of_lane)
        for row in self._db.conn.execute(_MESSAGES, values).fetchall():
            if self._lanes[lane] >= room.of_lane or self._hosts[host] >= room.to_host:
                return
            one = _message(row)
            if one.number not in self._numbers:
                self._lanes[lane] += 1
                self._hosts[host] += 1
                yield one


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
