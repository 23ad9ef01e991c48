"""What became of attempts, day by day."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from handlers import events
from handlers.task import PullRequest, Status, Task
from handlers.values import Person, Usage
from storage import tasks
from storage.lists import DayTotal, Query, Scope
from storage.pull_times import BOUNDS, LONGER, PullTimes
from tests.makers import HERE, MINUTE, NOON, ON_PULL, completed, id_of, of_launch, task_in
from tests.storage_support import Bench, opened

ALL = Scope(9, everything=True)
TODAY = NOON.date()
LONG_AGO = date(2000, 1, 1)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path) as made:
        yield made


async def save(bench: Bench, task: Task) -> Task:
    return await bench.do(lambda db: tasks.save(db, task, None))


async def ended(bench: Bench, number: int = 1, **changes: object) -> Task:
    """A task that worked for a minute."""
    usual = task_in(id=id_of(number), name=f"n{number}", version=0)
    made = await save(bench, replace(usual, **{k: v for k, v in changes.items() if k == "owner"}))
    done = task_in(Status.COMPLETED, id=made.id, name=made.name, pull=None, usage=Usage(1, 2, 0.5))
    worked = replace(done, completed_at=NOON + MINUTE, version=made.version)
    return await save(bench, replace(worked, **changes))  # pyright: ignore[reportArgumentType]


def total(outcome: str = "completed", **changes: object) -> DayTotal:
    usual = DayTotal(TODAY, HERE.repository_id, HERE.repository, outcome, 1, 60.0, 0.5, 0)
    return replace(usual, **changes)  # pyright: ignore[reportArgumentType]


async def test_an_attempt_counts_once_when_it_ends(bench: Bench) -> None:
    done = await ended(bench)
    totals = bench.store.lists.totals
    assert await totals(ALL, Query(), LONG_AGO) == (total(),)
    again = await save(bench, replace(done, updated_at=NOON + MINUTE))
    assert await totals(ALL, Query(), LONG_AGO) == (total(),)
    running = replace(again, status=Status.RUNNING, completed_at=None, attempt=2)
    waiting = await save(bench, running)
    await save(bench, replace(waiting, status=Status.FAILED, completed_at=NOON, started_at=None))
    failed = total("failed", seconds=0.0)
    assert await totals(ALL, Query(), LONG_AGO) == (total(), failed)
    assert await totals(ALL, Query(), TODAY + timedelta(days=1)) == ()


async def test_what_was_rejected_was_no_work(bench: Bench) -> None:
    rejected = task_in(Status.REJECTED, version=0)
    await save(bench, rejected)
    assert await bench.store.lists.totals(ALL, Query(), LONG_AGO) == ()


async def test_an_attempt_that_lost_its_worker_has_cost_something(bench: Bench) -> None:
    task = await bench.ask()
    await bench.claim(task)
    spent = events.WorkerReported(*of_launch(task), usage=Usage(1, 2, 0.25))
    await bench.store.apply(spent, bench.now)
    bench.now += MINUTE
    await bench.store.apply(events.WorkerExited(*of_launch(task), 1), bench.now)
    (lost,) = await bench.store.lists.totals(ALL, Query(), LONG_AGO)
    assert (lost.outcome, lost.attempts, lost.seconds, lost.cost_usd) == ("lost", 1, 60.0, 0.25)
    again = await bench.store.task(task.id)
    assert again is not None
    await bench.claim(again)
    await bench.store.apply(completed(again), bench.now)
    told = await bench.store.lists.totals(ALL, Query(), LONG_AGO)
    assert [(one.outcome, one.attempts) for one in told] == [("completed", 1), ("lost", 1)]


async def test_an_attempt_without_a_worker_that_is_replaced_took_no_time(bench: Bench) -> None:
    made = await save(bench, task_in(version=0))
    await save(bench, replace(made, attempt=2, queued_at=NOON + MINUTE))
    told = await bench.store.lists.totals(ALL, Query(), LONG_AGO)
    assert told == (total("lost", seconds=0.0, cost_usd=0.0),)


async def test_a_pull_request_counts_where_it_is_new(bench: Bench) -> None:
    pull = PullRequest(9, "https://github.test/acme/door/pull/9")
    opened_one = await ended(bench, 1, pull=pull)
    assert await bench.store.lists.totals(ALL, Query(), LONG_AGO) == (total(pulls=1),)
    more = replace(opened_one, status=Status.QUEUED, completed_at=None, attempt=2)
    queued = await save(bench, more)
    await save(bench, replace(queued, status=Status.COMPLETED, completed_at=NOON + MINUTE))
    (told,) = await bench.store.lists.totals(ALL, Query(), LONG_AGO)
    assert (told.attempts, told.pulls) == (2, 1)
    own = PullRequest(ON_PULL.issue, "https://github.test/acme/door/pull/8")
    await ended(bench, 2, pull=own, where=ON_PULL)
    (told,) = await bench.store.lists.totals(ALL, Query(), LONG_AGO)
    assert (told.attempts, told.pulls) == (3, 1)
    await ended(bench, 3, pull=pull, where=ON_PULL)
    (told,) = await bench.store.lists.totals(ALL, Query(), LONG_AGO)
    assert (told.attempts, told.pulls) == (4, 2)


async def test_totals_are_of_what_may_be_seen_and_is_asked_for(bench: Bench) -> None:
    bob = Person(2, "bob")
    other = replace(HERE, repository_id=200, repository="acme/gate")
    await ended(bench, 1)
    await ended(bench, 2, owner=bob)
    await ended(bench, 3, owner=bob, where=other)
    totals = bench.store.lists.totals
    here, there = frozenset({HERE.repository_id}), frozenset({200})

    async def counted(scope: Scope, query: Query) -> list[tuple[int, int]]:
        found = await totals(scope, query, LONG_AGO)
        return [(one.repository_id, one.attempts) for one in found]

    assert await counted(ALL, Query()) == [(100, 2), (200, 1)]
    assert await counted(ALL, Query(owner_id=2)) == [(100, 1), (200, 1)]
    assert await counted(ALL, Query(owner_id=2, repository_id=200)) == [(200, 1)]
    assert await counted(ALL, Query(repository_id=100)) == [(100, 2)]
    assert await counted(Scope(2, readable=here | there), Query()) == [(100, 1), (200, 1)]
    assert await counted(Scope(2, readable=here, writable=here), Query()) == [(100, 2)]
    assert await counted(Scope(2, readable=here, writable=here), Query(owner_id=1)) == [(100, 1)]
    assert await counted(Scope(3, readable=here | there), Query()) == []


async def test_the_totals_outlive_what_they_count(bench: Bench) -> None:
    done = await ended(bench)
    assert await bench.store.delete(done.id, NOON)
    assert await bench.store.totals(ALL, Query(), LONG_AGO) == (total(),)


async def test_pull_requests_are_counted_by_how_long_they_took(bench: Bench) -> None:
    pull = PullRequest(3, "https://github.test/3")
    times = bench.store.lists.pull_times
    none = tuple(PullTimes(within, 0) for within in (*BOUNDS, LONGER))
    assert await times(ALL, Query(), LONG_AGO) == none
    await ended(bench, 1, pull=pull)
    await ended(bench, 2, pull=pull, completed_at=NOON + 3 * MINUTE)
    await ended(bench, 3, pull=pull, completed_at=NOON + timedelta(days=2))
    await ended(bench, 4)
    found = await times(ALL, Query(), LONG_AGO)
    assert {one.within: one.pulls for one in found if one.pulls} == {60: 1, 300: 1, LONGER: 1}
    late = await times(ALL, Query(), TODAY + timedelta(days=1))
    assert {one.within: one.pulls for one in late if one.pulls} == {LONGER: 1}
    assert await times(Scope(9), Query(), LONG_AGO) == none
