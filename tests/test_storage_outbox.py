"""What is owed: claimed in turn, counted before it is tried, marked for good."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.effects import (
    Comment,
    DeleteTask,
    EditStatus,
    Effect,
    Launch,
    OpenPullRequest,
    React,
    RequestReview,
    RevokeTokens,
    StopWorker,
    lane,
)
from storage import outbox
from tests.makers import HERE, ID, MINUTE, NOON, SECOND
from tests.storage_support import Bench, opened

THERE = replace(HERE, number=8)
EDIT = EditStatus("t/status", HERE, ID)
ALL: tuple[Effect, ...] = (
    React("react", HERE, None),
    Comment("comment", HERE, "hello", final=True),
    EDIT,
    Launch("launch", ID, 1, 2),
    StopWorker("stop", ID, 1, 2, "process", 30.0),
    OpenPullRequest("pull", ID, 1, "https://github.test/9"),
    RequestReview("review", HERE, 9, "ada"),
    RevokeTokens("revoke", ID, 1, 1),
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path) as made:
        yield made


async def wish(bench: Bench, *effects: Effect) -> None:
    await bench.do(lambda db: outbox.wish(db, effects, bench.now))


async def keys(bench: Bench, *busy: int, limit: int = 100) -> list[str]:
    return [one.effect.key for one in await bench.owed(limit, busy=busy)]


async def test_every_effect_is_read_as_it_was_wished(bench: Bench) -> None:
    await wish(bench, *ALL)
    assert [one.effect for one in await bench.owed()] == list(ALL)
    assert await bench.store.owed_kinds() == {type(one).__name__ for one in ALL}


def test_only_comments_of_an_issue_wait_for_each_other() -> None:
    assert {lane(one) for one in ALL if not isinstance(one, Comment)} == {None}
    assert lane(ALL[1]) == "issue:100/7"


async def test_a_try_is_counted_before_it_is_made(bench: Bench) -> None:
    await wish(bench, ALL[0])
    (first,) = await bench.owed()
    (again,) = await bench.owed()
    assert (first.tries, again.tries, again.created_at) == (1, 2, NOON)
    await bench.store.postpone(again, NOON, None, tried=False)
    (third,) = await bench.owed()
    assert third.tries == 2


async def test_what_is_wished_for_twice_is_done_once(bench: Bench) -> None:
    await wish(bench, ALL[0], ALL[0])
    (one,) = await bench.owed()
    await bench.store.mark(one, "done", NOON)
    await wish(bench, React(ALL[0].key, THERE, 5))
    assert await bench.owed() == []
    assert await bench.store.owed_kinds() == set()


@pytest.mark.parametrize("state", ["done", "skipped", "failed"])
async def test_what_is_over_is_over(bench: Bench, state: str) -> None:
    await wish(bench, ALL[0])
    (one,) = await bench.owed()
    await bench.store.mark(one, state, NOON, "why")
    assert await bench.owed() == []
    assert await bench.rows("SELECT state, error FROM effects") == [(state, "why")]


async def test_edits_of_one_comment_are_one_edit(bench: Bench) -> None:
    for _ in range(5):
        await wish(bench, EDIT)
    (one,) = await bench.owed()
    await bench.store.mark(one, "done", NOON)
    assert await bench.owed() == []
    await wish(bench, EDIT)
    (again,) = await bench.owed()
    assert (again.id, again.tries) == (one.id, 1)


async def test_an_edit_that_is_wished_for_while_one_is_made_is_made_after_it(bench: Bench) -> None:
    await wish(bench, EDIT)
    (one,) = await bench.owed()
    await wish(bench, EDIT)
    assert await bench.owed(busy=(one.id,)) == []
    await bench.store.mark(one, "done", NOON)
    (again,) = await bench.owed()
    assert again.wished == one.wished + 1
    assert again.tries == 1, "the try before it came to its end"


async def test_a_postponed_edit_keeps_its_distance(bench: Bench) -> None:
    await wish(bench, EDIT)
    (one,) = await bench.owed()
    await bench.store.postpone(one, NOON + MINUTE, "slow down")
    await wish(bench, EDIT)
    assert await bench.owed() == []
    assert await bench.store.next_due(NOON) == NOON + MINUTE
    bench.now = NOON + MINUTE
    assert await keys(bench) == [EDIT.key]


async def test_comments_of_an_issue_keep_their_order(bench: Bench) -> None:
    here = [Comment(f"here-{number}", HERE, "") for number in range(3)]
    there = Comment("there", THERE, "")
    await wish(bench, *here, there, ALL[3])
    first, other, launch = await bench.owed()
    assert [one.effect.key for one in (first, other, launch)] == ["here-0", "there", "launch"]
    busy = (first.id, other.id, launch.id)
    assert await keys(bench, *busy) == []
    await bench.store.postpone(first, NOON + MINUTE, "again")
    await bench.store.mark(other, "done", NOON)
    await bench.store.mark(launch, "done", NOON)
    assert await keys(bench) == [], "the second waits for the first"
    bench.now = NOON + MINUTE
    assert await keys(bench) == ["here-0"]
    await bench.store.mark(first, "skipped", bench.now)
    assert await keys(bench) == ["here-1"]


async def test_what_is_being_done_takes_no_room_of_others(bench: Bench) -> None:
    await wish(bench, *ALL)
    taken = await bench.owed(3)
    busy = tuple(one.id for one in taken)
    assert len(busy) == 3
    assert len(await bench.owed(3, busy=busy)) == 3
    rest = await bench.owed(100, busy=busy)
    assert {one.id for one in rest}.isdisjoint(busy)
    assert len(rest) == len(ALL) - 3


async def test_what_was_due_first_goes_first(bench: Bench) -> None:
    await wish(bench, ALL[3])
    (late,) = await bench.owed()
    bench.now = NOON + 2 * SECOND
    await wish(bench, ALL[4])
    await bench.store.postpone(late, bench.now + SECOND, None)
    bench.now += SECOND
    assert await keys(bench) == ["stop", "launch"]


async def test_what_was_done_long_ago_is_forgotten(bench: Bench) -> None:
    await wish(bench, *ALL)
    done, *_ = await bench.owed()
    await bench.store.mark(done, "done", NOON)
    await bench.do(lambda db: outbox.forget(db, NOON + MINUTE, MINUTE))
    assert await bench.rows("SELECT count(*) FROM effects") == [(len(ALL),)]
    await bench.do(lambda db: outbox.forget(db, NOON + MINUTE + SECOND, MINUTE))
    assert await bench.rows("SELECT count(*) FROM effects") == [(len(ALL) - 1,)]


async def test_an_old_status_that_is_wished_for_anew_is_new(bench: Bench) -> None:
    await wish(bench, EDIT)
    (one,) = await bench.owed()
    await bench.store.mark(one, "done", NOON)
    bench.now = NOON + MINUTE
    await wish(bench, EDIT)
    (again,) = await bench.owed()
    assert (again.created_at, again.tries) == (NOON + MINUTE, 1)
    bench.now += MINUTE
    await wish(bench, EDIT)
    await bench.store.mark(again, "done", bench.now)
    (third,) = await bench.owed()
    assert (third.created_at, third.tries) == (bench.now, 1)
    await wish(bench, EDIT)
    await bench.store.postpone(third, bench.now, "again")
    bench.now += MINUTE
    (waiting,) = await bench.owed()
    assert (waiting.created_at, waiting.tries) == (bench.now - MINUTE, 2)


@pytest.mark.parametrize("spoilt", ["kind = 'Nothing'", "doc = '{}'", "doc = 'no json'"])
async def test_what_cannot_be_read_holds_up_nothing(bench: Bench, spoilt: str) -> None:
    await wish(bench, *ALL)
    await bench.sql(f"UPDATE effects SET {spoilt} WHERE key = 'comment'")
    claimed = await bench.store.claim(NOON, (), 100)
    assert [one.effect for one in claimed.owed] == [one for one in ALL if one is not ALL[1]]
    assert claimed.unreadable == ("comment",)
    assert await bench.rows("SELECT key FROM effects WHERE state = 'failed'") == [("comment",)]
    assert (await bench.store.claim(NOON, (), 100)).unreadable == ()


async def test_what_cannot_be_read_is_none_that_others_hurry_for(bench: Bench) -> None:
    await wish(bench, Comment("before", HERE, ""), FINAL)
    await bench.sql("UPDATE effects SET doc = 'no json' WHERE key = 'final'")
    (before,) = await bench.owed()
    assert (before.effect.key, before.urgent) == ("before", False)


FINAL = Comment("final", HERE, "", final=True)


async def test_what_stands_before_a_final_comment_is_as_urgent(bench: Bench) -> None:
    before = [Comment(f"here-{number}", HERE, "") for number in range(2)]
    await wish(bench, *before, Comment("there", THERE, ""))
    first, there = await bench.owed()
    assert (first.urgent, there.urgent) == (False, False)
    for one in (first, there):
        await bench.store.postpone(one, NOON + MINUTE, None, tried=False)
    assert await keys(bench) == []
    await wish(bench, FINAL)
    (head,) = await bench.owed()
    assert (head.id, head.urgent) == (first.id, True)
    await bench.store.mark(head, "done", NOON)
    (head,) = await bench.owed()
    assert (head.effect.key, head.urgent) == ("here-1", True)
    await bench.store.postpone(head, NOON + MINUTE, "full", tried=False)
    assert await keys(bench) == [], "even what is urgent can be put off"
    await bench.store.mark(head, "done", NOON)
    (last,) = await bench.owed()
    assert (last.effect.key, last.urgent) == ("final", False)


async def test_what_was_put_off_while_it_became_urgent_is_looked_at_again(bench: Bench) -> None:
    await wish(bench, Comment("here", HERE, ""))
    (one,) = await bench.owed()
    await wish(bench, FINAL)
    await bench.store.postpone(one, NOON + MINUTE, None, tried=False)
    (again,) = await bench.owed()
    assert (again.id, again.urgent, again.tries) == (one.id, True, 1)


async def test_a_removal_comes_after_all_else_of_its_task(bench: Bench) -> None:
    other = "01900000-0000-7000-8000-0000000000ff"
    rest = (
        Comment(f"{ID}/1/final", HERE, "done", final=True),
        StopWorker(f"{ID}/1/1/stop", ID, 1, 1, "process", 0.0),
        RevokeTokens(f"{ID}/1/revoke", ID, 1, 1),
    )
    removals = (DeleteTask(f"{ID}/delete", ID), DeleteTask(f"{other}/delete", other))
    await wish(bench, *removals, *rest, React(f"{other}/eyes", HERE, None))
    for one in await bench.owed():
        if one.effect in rest:
            assert await bench.store.owes_more(ID), one.effect.key
            await bench.store.mark(one, "done", NOON)
    assert not await bench.store.owes_more(ID)
    assert await bench.store.owes_more(other)
