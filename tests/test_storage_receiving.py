"""What arrives is stored, and whatever comes twice once."""

from __future__ import annotations

import asyncio

from storage.candidates import Candidate
from storage.inbox import Inbox
from storage.receiving import Received
from storage.sqlite import Engine
from tests.inbox_parts import arrival, closed, count
from tests.inbox_parts import engine as engine  # noqa: PLC0414 - a fixture
from tests.inbox_parts import inbox as inbox  # noqa: PLC0414 - a fixture


async def test_a_delivery_that_comes_again_leaves_nothing(engine: Engine, inbox: Inbox) -> None:
    await inbox.receive(arrival("a", 7, 0))
    assert await inbox.receive(arrival("a", 8, 0)) == Received("duplicate")
    assert await inbox.receive(closed("a")) == Received("duplicate")
    assert (await count(engine, "deliveries"), await count(engine, "candidates")) == (1, 1)


async def test_a_comment_that_comes_in_another_delivery_leaves_nothing(
    engine: Engine, inbox: Inbox
) -> None:
    await inbox.receive(arrival("a", 7, 0, 1))
    assert await inbox.receive(arrival("b", 7, 0, 1)) == Received("duplicate")
    assert (await count(engine, "deliveries"), await count(engine, "candidates")) == (1, 2)


async def test_only_the_lines_that_are_new_are_taken(inbox: Inbox) -> None:
    await inbox.receive(arrival("a", 7, 0))
    assert await inbox.receive(arrival("b", 7, 0, 2)) == Received("accepted", ("b-2",))
    _, second = await inbox.waiting(10)
    assert [one.position for one in second.candidates] == [2]


async def test_an_issue_and_a_comment_may_have_the_same_number(inbox: Inbox) -> None:
    await inbox.receive(arrival("a", 7, 0))
    other = arrival("b", 7)._replace(candidates=(Candidate("b-0", "issue", 7, 0),))
    assert (await inbox.receive(other)).outcome == "accepted"


async def test_the_same_delivery_many_times_at_once(engine: Engine, inbox: Inbox) -> None:
    results = await asyncio.gather(*(inbox.receive(arrival("a", 7, 0)) for _ in range(20)))
    assert sorted(one.outcome for one in results) == ["accepted"] + ["duplicate"] * 19
    assert (await count(engine, "deliveries"), await count(engine, "candidates")) == (1, 1)


async def test_the_same_comment_in_many_deliveries_at_once(engine: Engine, inbox: Inbox) -> None:
    results = await asyncio.gather(
        *(inbox.receive(arrival(f"d{number}", 7, 0, 1)) for number in range(20))
    )
    assert sorted(one.outcome for one in results) == ["accepted"] + ["duplicate"] * 19
    assert (await count(engine, "deliveries"), await count(engine, "candidates")) == (1, 2)


async def test_many_different_ones_at_once(engine: Engine, inbox: Inbox) -> None:
    results = await asyncio.gather(
        *(inbox.receive(arrival(f"d{number}", number, 0)) for number in range(600))
    )
    assert {one.outcome for one in results} == {"accepted"}
    assert {one.task_ids for one in results} == {(f"d{number}-0",) for number in range(600)}
    assert await count(engine, "candidates") == 600
