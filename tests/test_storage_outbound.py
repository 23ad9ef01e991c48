"""Messages to programs: kept, sent in turn, each try written down, forgotten in the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from handlers.effects import SendWebhook
from handlers.webhook_tries import Next, Outcome, Sending
from storage import outbound
from storage.keeping import OUTBOUND as KEEP_OUTBOUND
from storage.keeping import Keep
from storage.outbound import MOST_TRIES, Sent, Try
from storage.outbound_turns import _MESSAGES, Message, Room, chosen
from tests.makers import ID, NOON, SECOND, id_of
from tests.storage_support import Bench, opened

AGAIN = Next(Sending.WAITING, NOON + 60 * SECOND)
ROOM = Room()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path) as made:
        yield made


def message(number: int = 1, *, owner: int = 1, task: str = ID) -> SendWebhook:
    body = '{"type":"task.completed","data":{}}'
    url = f"https://example.com/{number}"
    return SendWebhook(f"{task}/{number}", f"msg_{number}", task, number, owner, url, body)


async def keep(
    bench: Bench,
    *numbers: int,
    owner: int = 1,
    task: str = ID,
    host: str = "example.com",
    at: datetime = NOON,
) -> None:
    for number in numbers:
        await bench.store.outbound.keep(message(number, owner=owner, task=task), host, at)


async def due(bench: Bench, *busy: Message, room: Room = ROOM) -> list[str]:
    return [one.id for one in await bench.store.outbound.due(bench.now, busy, room)]


async def first(bench: Bench) -> Message:
    return (await bench.store.outbound.due(bench.now, (), ROOM))[0]


async def tell(bench: Bench, one: Message, then: Next, status: int | None = 500) -> None:
    error = None if status else "it did not answer in time"
    await bench.store.outbound.tried(one, Outcome(bench.now, 12, status, error), then)


async def found(bench: Bench, number: int = 1) -> Sent:
    sent = await bench.store.outbound.find(f"msg_{number}")
    assert sent is not None
    return sent


async def test_a_message_is_kept_once(bench: Bench) -> None:
    await keep(bench, 1)
    await keep(bench, 1, at=NOON + SECOND)
    (one,) = await bench.store.outbound.due(NOON, (), ROOM)
    url = "https://example.com/1"
    assert one == Message(1, "msg_1", 1, url, "example.com", message().body, 1, 0, NOON)
    assert await found(bench) == Sent(
        1, "msg_1", ID, 1, 1, "task.completed", url, Sending.WAITING, NOON, NOON
    )
    assert await bench.store.outbound.find("msg_2") is None


async def test_those_that_wait_the_longest_are_sent_first(bench: Bench) -> None:
    await keep(bench, 1, at=NOON + SECOND)
    await keep(bench, 2, 3)
    assert await due(bench) == ["msg_2", "msg_3"]
    assert await bench.store.next_due(NOON) == NOON + SECOND
    assert await bench.store.outbound.any_due(NOON)
    bench.now = NOON + SECOND
    assert await due(bench) == ["msg_2", "msg_3", "msg_1"]
    assert await due(bench, await first(bench)) == ["msg_3", "msg_1"]


async def test_a_host_or_an_owner_takes_no_place_of_others(bench: Bench) -> None:
    await keep(bench, *range(1, 10), host="slow.test")
    await keep(bench, *range(11, 20), host="example.com")
    await keep(bench, *range(21, 30), owner=2)
    room = Room(in_all=12, to_host=4, of_owner=6, of_lane=3)
    chosen = await due(bench, room=room)
    assert sorted(chosen) == [f"msg_{number}" for number in (1, 11, 12, 2, 21, 22, 3)]
    assert await due(bench, room=Room(in_all=3, to_host=2, of_owner=9, of_lane=2)) == [
        "msg_11",
        "msg_21",
        "msg_1",
    ]
    busy = await bench.store.outbound.due(bench.now, (), room)
    assert await due(bench, *busy, room=room) == []


async def test_owners_have_their_turns_whatever_others_have_waiting(bench: Bench) -> None:
    await keep(bench, *range(100, 200), owner=1)
    await keep(bench, *range(200, 300), owner=2)
    bench.now = NOON + SECOND
    await keep(bench, 300, 301, owner=3, at=bench.now)
    room = Room(in_all=4, to_host=9, of_owner=3, of_lane=3)
    busy = await bench.store.outbound.due(bench.now, (), room)
    assert [one.id for one in busy] == ["msg_100", "msg_200", "msg_300", "msg_101"]
    for one in busy:
        await tell(bench, one, Next(Sending.FAILED), 410)
    bench.now += SECOND
    await keep(bench, 400, owner=4, at=bench.now)
    assert await due(bench, room=room) == ["msg_102", "msg_201", "msg_301", "msg_400"]
    assert await due(bench, room=replace(room, in_all=2)) == ["msg_102", "msg_201"]
    bench.now += SECOND
    for one in await bench.store.outbound.due(bench.now, (), replace(room, in_all=2)):
        await tell(bench, one, Next(Sending.FAILED), 410)
    assert await due(bench, room=replace(room, in_all=2)) == ["msg_301", "msg_400"], "served last"


async def test_where_all_places_are_taken_nobody_has_a_turn(bench: Bench) -> None:
    await keep(bench, 1)
    await keep(bench, 2, owner=2)
    room = Room(in_all=1)
    busy = await bench.store.outbound.due(NOON, (), room)
    assert [one.id for one in busy] == ["msg_1"]
    assert await due(bench, *busy, room=room) == []


async def test_hosts_of_an_owner_have_their_turns(bench: Bench) -> None:
    await keep(bench, *range(1, 9), host="slow.test")
    await keep(bench, 9, host="fast.test", at=NOON)
    room = Room(in_all=9, to_host=9, of_owner=3, of_lane=2)
    assert sorted(await due(bench, room=room)) == ["msg_1", "msg_2", "msg_9"]
    slow = [one for one in await bench.store.outbound.due(NOON, (), room) if one.id != "msg_9"]
    assert await due(bench, *slow, room=room) == ["msg_9"]


async def test_a_full_host_hides_nobody_behind_those_who_wait_for_it(bench: Bench) -> None:
    for owner in range(1, 20):
        await keep(bench, owner, owner=owner, host="slow.test")
    await keep(bench, 20, owner=20, host="fast.test")
    room = Room(in_all=4, to_host=2, of_owner=2, of_lane=2)
    assert await due(bench, room=room) == ["msg_1", "msg_2", "msg_20"]


async def test_lanes_and_owners_are_known_only_while_something_waits(bench: Bench) -> None:
    async def known() -> tuple[int, int]:
        lanes = await bench.rows("SELECT owner_id, host FROM outbound_lanes")
        return len(lanes), len(await bench.rows("SELECT 1 FROM outbound_owners"))

    await keep(bench, 1)
    await keep(bench, 2, host="other.test")
    assert await known() == (2, 1)
    for one in await bench.store.outbound.due(NOON, (), ROOM):
        await tell(bench, one, Next(Sending.FAILED), 410)
    assert await known() == (0, 0)
    await bench.store.outbound.send_again("msg_1", NOON)
    assert await known() == (1, 1)
    await tell(bench, await first(bench), AGAIN)
    assert await due(bench) == []
    assert await bench.rows("SELECT ready_at FROM outbound_owners") == [
        ("2026-03-01T12:01:00.000000Z",)
    ]


@pytest.mark.parametrize(
    "sql",
    [
        _MESSAGES.replace("?", "1"),
        "SELECT owner_id FROM outbound_owners WHERE ready_at <= 'x' ORDER BY ready_at LIMIT 9",
        """SELECT host FROM outbound_lanes WHERE owner_id = 1 AND ready_at <= 'x'
        ORDER BY ready_at LIMIT 9""",
    ],
)
async def test_a_turn_is_read_from_an_index_however_much_waits(bench: Bench, sql: str) -> None:
    plan = " ".join(str(row) for row in await bench.rows(f"EXPLAIN QUERY PLAN {sql}"))
    assert "SEARCH outbound" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


async def test_thousands_of_lanes_cost_no_more_than_one(bench: Bench) -> None:
    def work(db: Database) -> None:
        for owner in range(1, 2_001):
            for host in (f"a{owner}.test", f"b{owner}.test"):
                outbound._keep(db, message(2 * owner + (host < "b"), owner=owner), host, NOON)

    await bench.do(work)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def look(db: Database) -> int:
        db.conn.set_progress_handler(count, 100)
        try:
            return len(chosen(db, NOON, (), ROOM))
        finally:
            db.conn.set_progress_handler(None, 0)

    assert await bench.do(look) == ROOM.in_all
    assert steps < 1_000, "hundreds of the database's steps"


async def test_each_try_is_written_down(bench: Bench) -> None:
    await keep(bench, 1)
    await tell(bench, await first(bench), AGAIN, None)
    assert await due(bench) == []
    assert not await bench.store.outbound.any_due(NOON)
    assert (await found(bench)).due_at == NOON + 60 * SECOND
    bench.now = NOON + 60 * SECOND
    again = await first(bench)
    assert (again.tried, again.begun_at) == (1, NOON)
    await tell(bench, again, Next(Sending.DELIVERED), 204)
    sent = await found(bench)
    assert (sent.state, sent.due_at) == (Sending.DELIVERED, None)
    assert sent.tries == (
        Try(1, NOON, 12, None, "it did not answer in time"),
        Try(2, bench.now, 12, 204, None),
    )
    assert await due(bench) == []
    assert await bench.store.next_due(NOON) is None


async def test_what_is_sent_again_begins_anew(bench: Bench) -> None:
    await keep(bench, 1)
    await tell(bench, await first(bench), Next(Sending.FAILED), 410)
    later = bench.now = NOON + timedelta(days=2)
    assert await bench.store.outbound.send_again("msg_1", later)
    assert not await bench.store.outbound.send_again("msg_2", later)
    again = await first(bench)
    assert (again.id, again.tried, again.begun_at) == ("msg_1", 0, later)
    await tell(bench, again, Next(Sending.DELIVERED), 200)
    assert [(one.number, one.status) for one in (await found(bench)).tries] == [(1, 410), (2, 200)]


async def test_a_try_that_began_before_says_nothing_about_what_was_asked_since(
    bench: Bench,
) -> None:
    await keep(bench, 1)
    old = await first(bench)
    await bench.store.outbound.send_again("msg_1", NOON)
    await tell(bench, old, Next(Sending.FAILED), 410)
    sent = await found(bench)
    assert (sent.state, len(sent.tries)) == (Sending.WAITING, 1)
    assert (await first(bench)).tried == 0


async def test_pages_are_newest_first_and_of_whom_is_asked(bench: Bench) -> None:
    other = id_of(2)
    await keep(bench, 1, 2)
    await keep(bench, 3, task=other)
    await keep(bench, 4, owner=2, task=id_of(3))

    async def page(
        limit: int = 9, before: int | None = None, owner: int | None = None, task: str | None = None
    ) -> list[int]:
        of = {"owner_id": owner, "task_id": task}
        return [one.number for one in await bench.store.outbound.page(limit, before, **of)]  # pyright: ignore[reportArgumentType]

    assert await page() == [4, 3, 2, 1]
    assert await page(2) == [4, 3]
    assert await page(2, 3) == [2, 1]
    assert await page(owner=1) == [3, 2, 1]
    assert await page(owner=1, before=3) == [2, 1]
    assert await page(task=ID) == [2, 1]
    assert await page(owner=1, task=other) == [3]
    assert await page(owner=2, task=other) == []


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ("owner_id = 1", "outbound_of_owner"),
        ("+owner_id = 1 AND task_id = 'x'", "outbound_of_task"),
        ("true", None),
    ],
)
async def test_a_page_is_read_from_an_index(bench: Bench, where: str, index: str | None) -> None:
    plan = await bench.rows(
        "EXPLAIN QUERY PLAN SELECT number FROM outbound "
        f"WHERE number < 9 AND {where} ORDER BY number DESC LIMIT 5"
    )
    text = " ".join(str(row) for row in plan)
    assert index is None or index in text
    assert "TEMP B-TREE" not in text
    assert "SEARCH" in text


async def test_the_latest_tries_are_shown(bench: Bench) -> None:
    await keep(bench, 1)
    one = await first(bench)
    for _ in range(MOST_TRIES + 2):
        await tell(bench, one, AGAIN)
    numbers = [tried.number for tried in (await found(bench)).tries]
    assert numbers == list(range(3, MOST_TRIES + 3))


async def test_messages_are_forgotten_after_a_month_unless_they_wait(bench: Bench) -> None:
    await keep(bench, 1, 2)
    await keep(bench, 3, at=NOON + SECOND)
    one = await first(bench)
    await tell(bench, one, Next(Sending.FAILED), 410)
    await bench.sql("UPDATE outbound SET state = 'delivered', due_at = NULL WHERE number = 3")
    await bench.store.forget_old(NOON + KEEP_OUTBOUND, Keep())
    assert len(await bench.rows("SELECT 1 FROM outbound")) == 3
    await bench.store.forget_old(NOON + KEEP_OUTBOUND + SECOND, Keep())
    assert await bench.rows("SELECT id FROM outbound ORDER BY number") == [("msg_2",), ("msg_3",)]
    assert await bench.rows("SELECT 1 FROM outbound_tries") == []
    await tell(bench, one, AGAIN)
    assert await bench.rows("SELECT 1 FROM outbound_tries") == [], "it is gone"
    await keep(bench, 4)
    assert (await found(bench, 4)).number == 4
