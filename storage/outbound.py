"""Webhooks to programs: each message, and each try to send it; they outlive their task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from handlers.effects import SendWebhook
from handlers.webhook_tries import Next, Outcome, Sending
from storage import outbound_lanes
from storage.outbound_about import KNOWN, OF_TASK, About, read_about
from storage.outbound_turns import Message, Room, chosen
from storage.times import from_text, maybe_text, to_text

if TYPE_CHECKING:
    from sqlite_utils import Database

    from storage.sqlite import Engine

AT_ONCE = 200
"""Messages forgotten in one transaction, so that decisions do not wait for it."""
MOST_TRIES = 30
"""The tries of a message that are shown: the latest."""


@dataclass(frozen=True, slots=True)
class Try:
    """One try: the status of the answer, or why there was none."""

    number: int
    at: datetime
    milliseconds: int
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A message and what became of it; `due_at` is when it is tried next, while it waits."""

    number: int
    id: str
    task_id: str
    attempt: int
    owner_id: int
    type: str
    url: str
    state: Sending
    created_at: datetime
    due_at: datetime | None
    tries: tuple[Try, ...] = ()
    about: About | None = None


class Outbound:
    """The messages of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def keep(self, effect: SendWebhook, host: str, now: datetime) -> None:
        """Store a message that is to be sent now; one that is there stays as it is."""
        await self._engine.write(lambda db: _keep(db, effect, host, now))

    async def due(self, now: datetime, busy: Sequence[Message], room: Room) -> tuple[Message, ...]:
        """The messages that are to be sent now, in fair turns, as many as there is room.

        `busy` are those that are being sent.
        """
        return await self._engine.read(lambda db: chosen(db, now, busy, room))

    async def any_due(self, now: datetime) -> bool:
        """Whether a message is to be sent now, or is being sent."""
        row = await self._engine.read(
            lambda db: db.conn.execute(
                "SELECT 1 FROM outbound WHERE state = 'waiting' AND due_at <= ? LIMIT 1",
                (to_text(now),),
            ).fetchone()
        )
        return row is not None

    async def tried(self, message: Message, outcome: Outcome, then: Next) -> None:
        """Store a try and what follows from it, unless the message was asked for anew since."""
        await self._engine.write(lambda db: _tried(db, message, outcome, then))

    async def find(self, message_id: str) -> Sent | None:
        """The message of an id."""

        def work(db: Database) -> Sent | None:
            found = _select(db, "id = ?", (message_id,), 1)
            return found[0] if found else None

        return await self._engine.read(work)

    async def page(
        self, limit: int, before: int | None, *, owner_id: int | None, task_id: str | None
    ) -> tuple[Sent, ...]:
        """Messages, newest first: of an owner or of all, of one task or of all.

        `before` is the number of the last message of the page before.
        """
        # A task has few: with the plus, its index is used and not the one of its owner.
        owner = "owner_id = ?" if task_id is None else "+owner_id = ?"
        wanted = [("number < ?", before), (owner, owner_id), ("task_id = ?", task_id)]
        known = [(where, value) for where, value in wanted if value is not None]
        where = " AND ".join(["true", *(one for one, _ in known)])
        values = tuple(value for _, value in known)
        return await self._engine.read(lambda db: _select(db, where, values, limit))

    async def send_again(self, message_id: str, now: datetime) -> bool:
        """Have a message sent now, as often as a new one if need be; False where there is none."""
        return await self._engine.write(lambda db: _again(db, message_id, now))

    async def forget(self, before: datetime) -> None:
        """Remove the messages that are older than that, unless they are still to be sent."""
        statement = (
            "DELETE FROM outbound WHERE number IN (SELECT number FROM outbound "
            "WHERE created_at < ? AND state != 'waiting' ORDER BY created_at LIMIT ?)"
        )
        values = (to_text(before), AT_ONCE)
        while await self._engine.write(lambda db: db.conn.execute(statement, values).rowcount):
            pass


def _keep(db: Database, effect: SendWebhook, host: str, now: datetime) -> None:
    at = to_text(now)
    db.conn.execute(
        "INSERT INTO outbound (id, task_id, attempt, owner_id, url, host, body, due_at, begun_at, "
        "created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (
            effect.message_id,
            effect.task_id,
            effect.attempt,
            effect.owner_id,
            effect.url,
            host,
            effect.body,
            at,
            at,
            at,
        ),
    )
    db.conn.execute(
        f"UPDATE outbound SET about = {OF_TASK} WHERE id = ? AND about IS NULL",  # noqa: S608 - our own text
        (effect.message_id,),
    )
    outbound_lanes.changed(db, effect.owner_id, host)


def _again(db: Database, message_id: str, now: datetime) -> bool:
    found = db.conn.execute(
        "UPDATE outbound SET state = 'waiting', due_at = ?1, begun_at = ?1, round = round + 1, "
        "tried = 0 WHERE id = ?2 RETURNING owner_id, host",
        (to_text(now), message_id),
    ).fetchone()
    if found is None:
        return False
    outbound_lanes.changed(db, *found)
    return True


def _tried(db: Database, message: Message, outcome: Outcome, then: Next) -> None:
    db.conn.execute(
        "INSERT INTO outbound_tries (message, number, at, milliseconds, status, error) "
        "SELECT ?1, 1 + (SELECT coalesce(max(number), 0) FROM outbound_tries WHERE message = ?1), "
        "?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM outbound WHERE number = ?1)",
        (
            message.number,
            to_text(outcome.at),
            outcome.milliseconds,
            outcome.status,
            outcome.error,
        ),
    )
    db.conn.execute(
        "UPDATE outbound SET state = ?, due_at = ?, tried = tried + 1 "
        "WHERE number = ? AND round = ?",
        (then.state.value, maybe_text(then.due_at), message.number, message.round),
    )
    outbound_lanes.changed(db, message.owner_id, message.host, served_at=outcome.at)


def _select(db: Database, where: str, values: Sequence[object], limit: int) -> tuple[Sent, ...]:
    rows = db.conn.execute(
        "SELECT number, id, task_id, attempt, owner_id, type, url, state, created_at, due_at, "  # noqa: S608 - the condition is our own text
        f"{KNOWN} FROM outbound WHERE {where} ORDER BY number DESC LIMIT ?",
        (*values, limit),
    ).fetchall()
    return tuple(_sent(row, _tries(db, row[0])) for row in rows)


def _sent(row: Sequence[Any], tries: tuple[Try, ...]) -> Sent:
    number, name, task_id, attempt, owner, kind, url, state, created, due, about = row
    return Sent(
        number,
        name,
        task_id,
        attempt,
        owner,
        kind,
        url,
        Sending(state),
        from_text(created),
        None if due is None else from_text(due),
        tries,
        read_about(about, owner),
    )


def _tries(db: Database, message: int) -> tuple[Try, ...]:
    """The latest tries, oldest first."""
    rows = db.conn.execute(
        "SELECT number, at, milliseconds, status, error FROM outbound_tries "
        "WHERE message = ? ORDER BY number DESC LIMIT ?",
        (message, MOST_TRIES),
    ).fetchall()
    return tuple(
        Try(number, from_text(at), took, status, error)
        for number, at, took, status, error in reversed(rows)
    )
