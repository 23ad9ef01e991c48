"""What came in, to look at and to take again."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from storage.arrived import Arrived, Asked
from storage.inbox import Waiting
from storage.receiving import Arrival
from tests.makers import NOON, SECOND
from tests.payloads import closed_body
from tests.storage_support import Bench, opened


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path) as made:
        yield made


async def page(bench: Bench, limit: int = 9, before: int | None = None) -> list[str]:
    return [one.id for one in await bench.store.arrivals.page(limit, before)]


async def take_again(bench: Bench, number: int = 1) -> str:
    return await bench.store.arrivals.take_again(f"delivery-{number}")


async def waiting(bench: Bench) -> list[Waiting]:
    return await bench.store.inbox.waiting(9)


async def test_deliveries_are_listed_the_last_one_first(bench: Bench) -> None:
    for _ in range(4):
        await bench.arrive(0)
    assert await page(bench) == [f"delivery-{number}" for number in (4, 3, 2, 1)]
    assert await page(bench, 2) == ["delivery-4", "delivery-3"]
    assert await page(bench, 2, 3) == ["delivery-2", "delivery-1"]
    plan = await bench.rows(
        "EXPLAIN QUERY PLAN SELECT id FROM deliveries WHERE number < 9 ORDER BY number DESC"
    )
    assert "SEARCH deliveries USING INTEGER PRIMARY KEY" in str(plan)


async def test_what_became_of_a_delivery_is_told(bench: Bench) -> None:
    first, second = await bench.arrive(0, 3)
    await bench.store.ignore([first], "ignored", NOON)
    asked = (Asked(first, "ignored"), Asked(second, "new"))
    (told,) = await bench.store.arrivals.page(9, None)
    assert told == Arrived(1, "delivery-1", "issue_comment", NOON, None, asked)
    await bench.store.ignore([second], "no_access", NOON + SECOND)
    (told,) = await bench.store.arrivals.page(9, None)
    assert (told.done_at, told.asked[1].state) == (NOON + SECOND, "no_access")


async def test_a_delivery_without_a_command_is_told_too(bench: Bench) -> None:
    await bench.store.inbox.receive(Arrival("delivery-1", "issues", NOON, closed_body()))
    (told,) = await bench.store.arrivals.page(9, None)
    assert told == Arrived(1, "delivery-1", "issues", NOON, None, ())
    assert await take_again(bench) == "waits"
    (one,) = await waiting(bench)
    await bench.store.set_aside(one, "failed", NOON)
    assert await take_again(bench) == "done"


@pytest.mark.parametrize("state", ["failed", "unreadable", "no_access"])
async def test_what_was_given_up_is_taken_again_after_all_others(bench: Bench, state: str) -> None:
    first, second = await bench.arrive(0, 3)
    await bench.store.ignore([first], "answered", NOON)
    await bench.store.ignore([second], state, NOON)
    (later,) = await bench.arrive(0)
    assert await take_again(bench) == "again"
    found = await waiting(bench)
    assert [one.delivery_id for one in found] == ["delivery-2", "delivery-1"]
    assert [one.task_id for one in found[1].candidates] == [second]
    assert found[1].number > found[0].number
    assert await take_again(bench) == "waits"
    await bench.store.ignore([later], "ignored", NOON)
    await bench.store.ignore([second], "ignored", NOON)
    assert await waiting(bench) == []
    assert await page(bench) == ["delivery-1", "delivery-2"]
    assert await take_again(bench) == "done"
    assert await bench.store.inbox.forget(NOON + SECOND) == 2
    assert await bench.rows("SELECT 1 FROM candidates") == []


async def test_what_became_a_task_is_not_taken_again(bench: Bench) -> None:
    await bench.ask()
    assert await take_again(bench) == "done"
    assert await take_again(bench, 7) == "absent"


async def test_no_number_is_given_twice(bench: Bench) -> None:
    (first,) = await bench.arrive(0)
    await bench.store.ignore([first], "no_access", NOON)
    await bench.arrive(0)
    await bench.arrive(0)
    await bench.sql("DELETE FROM deliveries WHERE number > 1")  # forgotten, long after
    assert await take_again(bench) == "again"
    assert [one.number for one in await waiting(bench)] == [4], "after all there ever were"
    await bench.sql("DELETE FROM deliveries")
    await bench.arrive(0)
    assert [one.number for one in await waiting(bench)] == [5]
