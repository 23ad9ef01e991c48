"""What Bellhop owes the world: rows <-> effects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError
from sqlite_utils import Database

from handlers import effects
from handlers.effects import Effect, lane
from storage.times import from_text, to_text

_KINDS: dict[str, TypeAdapter[Effect]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (
        effects.React,
        effects.Comment,
        effects.EditStatus,
        effects.Launch,
        effects.StopWorker,
        effects.OpenPullRequest,
        effects.RequestReview,
        effects.RevokeTokens,
        effects.SendWebhook,
        effects.DeleteTask,
    )
}

AT_ONCE = 500
"""Effects forgotten in one transaction, so that decisions do not wait for it."""


@dataclass(frozen=True, slots=True)
class Owed:
    """An effect that is due, with how often it was tried before."""

    id: int
    effect: Effect
    wished: int
    tries: int
    """1 the first time; above that an earlier try may have left something behind."""
    created_at: datetime
    urgent: bool = False
    """Whether a final comment waits behind it in its lane."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is to be done now, and the keys of effects that cannot be read: those have failed."""

    owed: tuple[Owed, ...]
    unreadable: tuple[str, ...] = ()


_FINAL_BEHIND = (
    "EXISTS (SELECT 1 FROM effects AS later WHERE later.state = 'waiting' "
    "AND later.lane = effects.lane AND later.id > effects.id "
    "AND CASE WHEN json_valid(later.doc) THEN later.doc ->> '$.final' END)"
)


def wish(db: Database, wished: Sequence[Effect], now: datetime) -> None:
    """Add effects. One that is there already stays as it is; a status edit is wished for anew.

    What has put off its turn is looked at anew once a final comment waits behind it.
    """
    for effect in wished:
        kind = type(effect).__name__
        db.conn.execute(
            "INSERT INTO effects (key, kind, lane, doc, due_at, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
            "wished = wished + 1, state = 'waiting', done_at = NULL, doc = excluded.doc, "
            "due_at = CASE state WHEN 'waiting' THEN due_at ELSE excluded.due_at END, "
            "created_at = CASE state WHEN 'waiting' THEN created_at ELSE excluded.created_at END, "
            "tries = CASE state WHEN 'waiting' THEN tries ELSE 0 END "
            "WHERE kind = 'EditStatus'",
            (
                effect.key,
                kind,
                lane(effect),
                _KINDS[kind].dump_json(effect).decode(),
                to_text(now),
                to_text(now),
            ),
        )
        if isinstance(effect, effects.Comment) and effect.final:
            db.conn.execute(
                "UPDATE effects SET due_at = min(due_at, ?) WHERE state = 'waiting' AND lane = ?",
                (to_text(now), lane(effect)),
            )


def any_due(db: Database, now: datetime, busy: Collection[int]) -> bool:
    """Whether an effect is due that is not being done."""
    row = db.conn.execute(
        "SELECT count(*) FROM effects WHERE state = 'waiting' AND due_at <= ?", (to_text(now),)
    ).fetchone()
    return int(row[0]) > len(busy)


def claim(db: Database, now: datetime, busy: Collection[int], limit: int) -> Claimed:
    """The effects that are due and whose turn it is, counted as tried before they are done.

    `busy` are those that are being done right now. A try that is counted before it is made tells
    a restarted Bellhop that it must look before it writes again.
    """
    rows = db.conn.execute(
        "SELECT id, key, kind, doc, wished, tries + 1, created_at, "  # noqa: S608 - our own words
        f"lane IS NOT NULL AND {_FINAL_BEHIND} FROM effects "
        "WHERE state = 'waiting' AND due_at <= :now "
        "AND (lane IS NULL OR NOT EXISTS (SELECT 1 FROM effects AS earlier "
        "WHERE earlier.state = 'waiting' AND earlier.lane = effects.lane "
        "AND earlier.id < effects.id)) "
        "ORDER BY due_at, id LIMIT :limit",
        {"now": to_text(now), "limit": limit + len(busy)},
    ).fetchall()
    owed: list[Owed] = []
    unreadable: list[str] = []
    for number, key, kind, doc, *rest in [row for row in rows if row[0] not in busy][:limit]:
        wished, tries, created, urgent = rest
        try:
            effect = _KINDS[kind].validate_json(doc)
        except (KeyError, ValidationError) as error:
            db.conn.execute(
                "UPDATE effects SET state = 'failed', done_at = ?, error = ? WHERE id = ?",
                (to_text(now), str(error), number),
            )
            unreadable.append(key)
            continue
        db.conn.execute("UPDATE effects SET tries = ? WHERE id = ?", (tries, number))
        owed.append(Owed(number, effect, wished, tries, from_text(created), bool(urgent)))
    return Claimed(tuple(owed), tuple(unreadable))


def mark(db: Database, owed: Owed, state: str, now: datetime, error: str | None = None) -> None:
    """An effect is `done`, `skipped` or `failed` for good, unless it was wished for anew."""
    final = db.conn.execute(
        "UPDATE effects SET state = ?, done_at = ?, error = ?, tries = 0 "
        "WHERE id = ? AND wished = ?",
        (state, to_text(now), error, owed.id, owed.wished),
    ).rowcount
    if not final:
        db.conn.execute(
            "UPDATE effects SET tries = 0, created_at = ? WHERE id = ?", (to_text(now), owed.id)
        )


def postpone(
    db: Database, owed: Owed, until: datetime, error: str | None, *, tried: bool = True
) -> None:
    """An effect is tried again later; `tried` False: nothing was sent, so it does not count.

    One that became urgent meanwhile is not: it was put off as what it was.
    """
    db.conn.execute(
        "UPDATE effects SET error = ?, tries = tries - ?, due_at = "  # noqa: S608 - our own words
        f"CASE WHEN lane IS NOT NULL AND NOT ? AND {_FINAL_BEHIND} THEN due_at ELSE ? END "
        "WHERE id = ?",
        (error, 0 if tried else 1, owed.urgent, to_text(until), owed.id),
    )


def next_due(db: Database, now: datetime) -> datetime | None:
    """When the next effect that waits for its time is due."""
    row = db.conn.execute(
        "SELECT min(due_at) FROM effects WHERE state = 'waiting' AND due_at > ?", (to_text(now),)
    ).fetchone()
    return None if row[0] is None else from_text(row[0])


def waiting(db: Database) -> set[str]:
    """The kinds of the effects that are owed."""
    rows = db.conn.execute("SELECT DISTINCT kind FROM effects WHERE state = 'waiting'")
    return {str(kind) for (kind,) in rows}


def owes_more(db: Database, task_id: str) -> bool:
    """Whether anything waits but a task's removal; the keys of a task begin with its id."""
    row = db.conn.execute(
        "SELECT 1 FROM effects WHERE key >= ? AND key < ? AND state = 'waiting' "
        "AND kind != 'DeleteTask' LIMIT 1",
        (f"{task_id}/", f"{task_id}0"),
    ).fetchone()
    return row is not None


def forget(db: Database, now: datetime, keep: timedelta) -> int:
    """Remove a portion of what was done long ago; returns how much, 0 when nothing is left."""
    return db.conn.execute(
        "DELETE FROM effects WHERE id IN "
        "(SELECT id FROM effects WHERE done_at < ? ORDER BY done_at LIMIT ?)",
        (to_text(now - keep), AT_ONCE),
    ).rowcount
