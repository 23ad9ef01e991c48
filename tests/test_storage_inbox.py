"""What waits to be dealt with, and what is forgotten once it is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from handlers.deliveries import read_delivery
from storage import inbox as rows
from storage.candidates import BECAME_TASK, decided, is_open
from storage.inbox import Inbox, handled
from storage.receiving import Received
from storage.sqlite import Engine
from tests.inbox_parts import NOW, arrival, closed, ids
from tests.inbox_parts import engine as engine  # noqa: PLC0414 - a fixture
from tests.inbox_parts import inbox as inbox  # noqa: PLC0414 - a fixture
from tests.payloads import comment_body


async def test_what_is_stored_comes_out_as_it_went_in(inbox: Inbox) -> None:
    sent = arrival("a", 7, 0, 3)
    assert await inbox.receive(sent) == Received("accepted", ("a-0", "a-3"))
    (waiting,) = await inbox.waiting(10)
    assert waiting.delivery_id == "a"
    assert waiting.event == "issue_comment"
    assert waiting.received_at == NOW
    assert waiting.value == read_delivery("issue_comment", sent.body)
    assert waiting.candidates == sent.candidates


async def test_the_oldest_come_first_and_no_more_than_asked_for(inbox: Inbox) -> None:
    await inbox.receive(arrival("first", 1, 0, at=NOW + timedelta(microseconds=1)))
    await inbox.receive(arrival("second", 2, 0))
    await inbox.receive(closed("third"))
    assert await ids(inbox) == ["first", "second", "third"]
    first, second = await inbox.waiting(2)
    assert (first.delivery_id, second.delivery_id) == ("first", "second")
    (third,) = await inbox.waiting(2, after=second.number)
    assert third.delivery_id == "third"


async def test_one_is_asked_for_by_its_number(engine: Engine, inbox: Inbox) -> None:
    await inbox.receive(arrival("a", 7, 0, 1))
    await inbox.receive(closed("b"))
    first, second = await inbox.waiting(2)
    await engine.write(lambda db: decided(db, "a-0", BECAME_TASK, NOW))
    assert await inbox.open(first.number) == replace(first, candidates=first.candidates[1:])
    await engine.write(lambda db: decided(db, "a-1", BECAME_TASK, NOW))
    assert await inbox.open(first.number) is None
    assert await inbox.open(second.number) == second
    await engine.write(lambda db: handled(db, "b", NOW))
    assert await inbox.open(second.number) is None


async def test_house_keeping_waits_until_it_is_handled(engine: Engine, inbox: Inbox) -> None:
    await inbox.receive(closed("a"))
    await inbox.receive(closed("b"))
    await engine.write(lambda db: handled(db, "a", NOW))
    assert await ids(inbox) == ["b"]


async def test_the_old_is_forgotten_except_what_waits_and_what_became_a_task(
    engine: Engine, inbox: Inbox
) -> None:
    later = NOW + timedelta(days=1)
    for one in (
        arrival("task", 1, 0, 1),
        arrival("nothing", 2, 0),
        arrival("waits", 3, 0),
        closed("closed"),
        arrival("young", 4, 0, at=later),
    ):
        await inbox.receive(one)
    for task_id, state in (
        ("task-0", BECAME_TASK),
        ("task-1", "ignored"),
        ("nothing-0", "ignored"),
        ("young-0", "ignored"),
    ):
        await engine.write(lambda db, i=task_id, s=state: decided(db, i, s, NOW))
    await engine.write(lambda db: handled(db, "closed", NOW))
    assert await inbox.forget(later) == 3
    assert await inbox.forget(later) == 0
    left = await engine.read(
        lambda db: [row[0] for row in db.conn.execute("SELECT id FROM deliveries ORDER BY id")]
    )
    assert left == ["waits", "young"]
    known = await engine.read(
        lambda db: [row[0] for row in db.conn.execute("SELECT task_id FROM candidates")]
    )
    assert known == ["task-0", "waits-0", "young-0"]
    assert await inbox.receive(arrival("again", 1, 0)) == Received("duplicate")
    assert (await inbox.receive(arrival("nothing", 2, 0))).outcome == "accepted"


async def test_more_is_forgotten_than_one_transaction_takes(engine: Engine, inbox: Inbox) -> None:
    number = rows.AT_ONCE + 1
    await asyncio.gather(*(inbox.receive(closed(f"d{one}")) for one in range(number)))
    await engine.write(lambda db: db.conn.execute("UPDATE deliveries SET state = 'done'").rowcount)
    assert await inbox.forget(NOW + timedelta(seconds=1)) == number


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"action":"created",', "not a readable `issue_comment` event"),
        (comment_body(7).replace(b"created", b"edited", 1), "nobody listens"),
    ],
)
async def test_what_nobody_can_use_is_given_up(
    engine: Engine, inbox: Inbox, body: bytes, problem: str
) -> None:
    await inbox.receive(arrival("a", 7, 0, 1)._replace(body=body))
    await inbox.receive(closed("b")._replace(event="issue_comment", body=body))
    await inbox.receive(arrival("c", 8, 0))
    with structlog.testing.capture_logs() as logs:
        assert await ids(inbox) == ["c"]
    assert [one["delivery"] for one in logs] == ["a", "b"]
    assert all(problem in one["problem"] for one in logs)
    assert not await engine.read(lambda db: is_open(db, "a-1"))
    assert await inbox.forget(NOW + timedelta(days=1)) == 2


@pytest.mark.parametrize(
    ("question", "index"),
    [
        (
            "SELECT number FROM deliveries WHERE state = 'open' AND number > 7 ORDER BY number",
            "deliveries_open",
        ),
        ("SELECT 1 FROM deliveries WHERE state = 'done' AND received_at < ''", "deliveries_done"),
        ("SELECT 1 FROM candidates WHERE source_id = 1 AND source_kind = ''", "PRIMARY KEY"),
        ("SELECT 1 FROM candidates WHERE task_id = ''", "autoindex_candidates_1"),
    ],
)
async def test_questions_are_answered_by_an_index(
    engine: Engine, question: str, index: str
) -> None:
    plan = await engine.read(
        lambda db: db.conn.execute(f"EXPLAIN QUERY PLAN {question}").fetchall()
    )
    assert index in str(plan)
    assert "TEMP B-TREE" not in str(plan)
