"""What becomes of lines that may be commands."""

from __future__ import annotations

from storage.candidates import BECAME_TASK, decided, is_open
from storage.inbox import Inbox
from storage.sqlite import Engine
from tests.inbox_parts import NOW, arrival, ids
from tests.inbox_parts import engine as engine  # noqa: PLC0414 - a fixture
from tests.inbox_parts import inbox as inbox  # noqa: PLC0414 - a fixture


async def test_a_delivery_waits_until_its_last_candidate_is_decided(
    engine: Engine, inbox: Inbox
) -> None:
    await inbox.receive(arrival("a", 7, 0, 1))
    await engine.write(lambda db: decided(db, "a-0", BECAME_TASK, NOW))
    (waiting,) = await inbox.waiting(10)
    assert [one.task_id for one in waiting.candidates] == ["a-1"]
    assert not await engine.read(lambda db: is_open(db, "a-0"))
    assert await engine.read(lambda db: is_open(db, "a-1"))
    await engine.write(lambda db: decided(db, "a-1", "ignored", NOW))
    assert await ids(inbox) == []


async def test_a_decision_stands(engine: Engine, inbox: Inbox) -> None:
    await inbox.receive(arrival("a", 7, 0))
    for state in (BECAME_TASK, "ignored"):
        await engine.write(lambda db, state=state: decided(db, "a-0", state, NOW))
    stored = await engine.read(
        lambda db: db.conn.execute("SELECT state, decided_at FROM candidates").fetchone()
    )
    assert stored == (BECAME_TASK, "2026-05-15T15:20:21.123456Z")
