from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.github.errors import Limited
from bot.github.pace import Pace, Priority
from tests.github_support import JumpingClock

HERE, THERE = 7, 8
FINAL, LAUNCH, ACK, EDIT = Priority


class HandClock(JumpingClock):
    """Time moves when the test says so; who sleeps until then goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.sleepers = []

    async def sleep(self, seconds: float) -> None:
        due = self.now + seconds, asyncio.get_running_loop().create_future()
        self.sleepers.append(due)
        await due[1]

    async def move(self, seconds: float) -> None:
        self.now += seconds
        for at, sleeper in self.sleepers:
            if at <= self.now and not sleeper.done():
                sleeper.set_result(None)
        await settle()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_full_budget_lets_writes_go_at_once() -> None:
    clock = JumpingClock()
    pace = Pace(clock)
    for _ in range(40):
        await pace.spend(HERE, FINAL)
    assert clock.slept == []


@pytest.mark.parametrize(
    ("priority", "at_once"), [(FINAL, 80), (LAUNCH, 72), (ACK, 60), (EDIT, 40)]
)
async def test_each_kind_leaves_something_for_those_before_it(
    priority: Priority, at_once: int
) -> None:
    pace = Pace(JumpingClock(), spacing={})
    spent = 0
    while pace.try_spend(HERE, priority) == 0:
        spent += 1
    assert spent == at_once
    assert (pace.try_spend(HERE, FINAL) == 0) is (priority is not FINAL)


async def test_the_hour_counts_too() -> None:
    clock = JumpingClock()
    pace = Pace(clock)
    for _ in range(500):
        await pace.spend(HERE, FINAL)
    started = clock.now
    assert pace.nearly_empty(HERE)
    await pace.spend(HERE, FINAL)
    assert clock.now - started > 3000


async def test_nobody_waits_longer_than_until_the_oldest_write_is_a_minute_old() -> None:
    clock = JumpingClock()
    pace = Pace(clock, per_minute=3)
    for _ in range(3):
        await pace.spend(HERE, FINAL)
        clock.now += 10
    await pace.spend(HERE, FINAL)
    await pace.spend(HERE, FINAL)
    assert clock.slept == [30, 10]


async def test_installations_do_not_share_a_budget() -> None:
    clock = JumpingClock()
    pace = Pace(clock, per_minute=1)
    await pace.spend(HERE, FINAL)
    await pace.spend(THERE, FINAL)
    assert clock.slept == []


@given(st.lists(st.tuples(st.sampled_from(Priority), st.floats(0, 30)), max_size=60))
def test_no_minute_and_no_hour_ever_holds_more(writes: list[tuple[Priority, float]]) -> None:
    clock = JumpingClock()
    pace = Pace(clock, per_minute=5, per_hour=20)
    went = []

    async def write() -> None:
        for priority, pause in writes:
            clock.now += pause
            await pace.spend(HERE, priority)
            went.append(clock.now)

    asyncio.run(write())
    for at in went:
        assert sum(1 for other in went if at - 60 < other <= at) <= 5
        assert sum(1 for other in went if at - 3600 < other <= at) <= 20


async def test_the_most_important_goes_first_then_the_oldest() -> None:
    clock = HandClock()
    pace = Pace(clock, per_minute=4, spacing={})
    for _ in range(4):
        await pace.spend(HERE, FINAL)
        clock.now += 1
    went = []

    async def write(name: str, priority: Priority) -> None:
        await pace.spend(HERE, priority)
        went.append(name)

    wanted = [("edit", EDIT), ("ack", ACK), ("ack 2", ACK), ("launch", LAUNCH), ("final", FINAL)]
    waiting = []
    for name, priority in wanted:
        waiting.append(asyncio.create_task(write(name, priority)))
        await settle()
    for _ in range(240):
        await clock.move(1)
    assert went == ["final", "launch", "ack", "ack 2", "edit"]
    await asyncio.gather(*waiting)


async def test_who_gives_up_waiting_lets_the_next_one_through() -> None:
    clock = HandClock()
    pace = Pace(clock, per_minute=1)
    await pace.spend(HERE, FINAL)
    first, second = (asyncio.create_task(pace.spend(HERE, FINAL)) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    await clock.move(61)
    await second
    assert first.cancelled()


async def test_edits_keep_a_second_apart_and_nothing_else_does() -> None:
    clock = JumpingClock()
    pace = Pace(clock)
    await pace.spend(HERE, FINAL)
    await pace.spend(HERE, ACK)
    assert pace.try_spend(HERE, EDIT) == 1
    clock.now += 1
    assert pace.try_spend(HERE, EDIT) == 0


async def test_the_spacing_is_the_operators() -> None:
    clock = JumpingClock()
    pace = Pace(clock, spacing={FINAL: 2.0})
    await pace.spend(HERE, FINAL)
    await pace.spend(HERE, FINAL)
    assert clock.slept == [2.0]


async def test_one_can_ask_for_the_time_of_ones_turn_without_waiting() -> None:
    clock = JumpingClock()
    pace = Pace(clock, per_minute=4)
    for _ in range(3):
        assert pace.turn_in(HERE, ACK) == 0
        await pace.spend(HERE, ACK)
        clock.now += 10
    assert pace.turn_in(HERE, ACK) == 30
    assert pace.turn_in(HERE, FINAL) == 0
    assert pace.turn_in(THERE, ACK) == 0
    assert clock.slept == []


async def test_nobody_overtakes_those_who_wait() -> None:
    clock = HandClock()
    pace = Pace(clock, per_minute=3, spacing={FINAL: 5.0})
    await pace.spend(HERE, FINAL)
    waiting = asyncio.create_task(pace.spend(HERE, FINAL))
    await settle()
    assert pace.try_spend(HERE, LAUNCH) > 0
    clock.now += 60
    assert pace.try_spend(HERE, LAUNCH) > 0
    await clock.move(0)
    await waiting
    assert pace.try_spend(HERE, LAUNCH) == 0


async def test_while_github_says_wait_nothing_goes() -> None:
    clock = JumpingClock()
    pace = Pace(clock)
    pace.rest(HERE, 30)
    pace.rest(HERE, 10)
    clock.now += 5
    with pytest.raises(Limited) as caught:
        await pace.spend(HERE, FINAL)
    assert caught.value.retry_after == 25
    assert pace.try_spend(HERE, FINAL) == 25
    assert pace.nearly_empty(HERE)
    assert pace.edit_interval(HERE) == 25
    await pace.spend(THERE, FINAL)
    clock.now += 25
    await pace.spend(HERE, FINAL)
    assert not pace.nearly_empty(HERE)


async def test_who_waits_when_github_says_wait_is_told() -> None:
    clock = HandClock()
    pace = Pace(clock, per_minute=1)
    await pace.spend(HERE, FINAL)
    waiting = [asyncio.create_task(pace.spend(HERE, FINAL)) for _ in range(3)]
    await settle()
    pace.rest(HERE, 300)
    await clock.move(60)
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in told] == [Limited] * 3


async def test_edits_move_apart_as_the_budget_shrinks() -> None:
    clock = JumpingClock()
    pace = Pace(clock)
    intervals = [pace.edit_interval(HERE)]
    for _ in range(50):
        await pace.spend(HERE, FINAL)
        intervals.append(pace.edit_interval(HERE))
    assert intervals[0] == 5
    assert intervals == sorted(intervals)
    assert intervals[20] == 10
    assert intervals[-1] == 120
