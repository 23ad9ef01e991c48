"""What was spent today is known inside the transaction that decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handlers import events
from handlers.budgets import Budget
from handlers.decision import Rules
from handlers.task import Status, Task
from handlers.values import Person, Usage
from storage import budgets, tasks
from tests.makers import ADA, BOB, HERE, MINUTE, NOON, RULES, completed, id_of, of_launch, task_in
from tests.storage_support import Bench, opened

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
WIDE = replace(RULES, max_running=100, max_running_per_repository=100, max_running_per_owner=100)
BY_REPOSITORY = replace(WIDE, daily_cost_per_repository=1.0)
BY_OWNER = replace(WIDE, daily_cost_per_owner=1.0)


@asynccontextmanager
async def _bench(folder: Path, rules: Rules) -> AsyncGenerator[Bench]:
    async with opened(folder, rules) as bench:
        yield bench


async def spends(bench: Bench, task: Task, cost: float) -> Task:
    """The worker of a task says what it has spent."""
    await bench.claim(task)
    report = events.WorkerReported(*of_launch(task), usage=Usage(cost_usd=cost))
    await bench.store.apply(report, bench.now)
    return await now(bench, task)


async def ends(bench: Bench, task: Task) -> None:
    await bench.store.apply(completed(await now(bench, task)), bench.now)


async def now(bench: Bench, task: Task) -> Task:
    found = await bench.store.task(task.id)
    assert found is not None
    return found


async def spent(bench: Bench, rules: Rules, at: datetime | None = None) -> tuple[Budget, ...]:
    place = HERE.repository_id, ADA.id
    return await bench.engine.read(lambda db: budgets.of_place(db, rules, *place, at or bench.now))


BOTH = replace(WIDE, daily_cost_per_repository=9.0, daily_cost_per_owner=8.0)


async def test_attempts_count_whether_they_have_ended_or_not_and_none_twice(
    tmp_path: Path,
) -> None:
    async with _bench(tmp_path, BOTH) as bench:
        one = await bench.ask("/fix --max-cost 3 it")
        assert await spent(bench, BOTH) == (
            Budget("repository", 9.0, 0.0, 3.0),
            Budget("owner", 8.0, 0.0, 3.0),
        )
        await spends(bench, one, 0.5)
        assert (await spent(bench, BOTH))[0] == Budget("repository", 9.0, 0.5, 2.5)
        await ends(bench, one)
        assert (await spent(bench, BOTH))[0] == Budget("repository", 9.0, 0.5)
        await bench.ask("/retry")
        again = await now(bench, one)
        assert (again.attempt, again.status) == (2, Status.STARTING)
        await spends(bench, again, 0.25)
        assert (await spent(bench, BOTH))[0] == Budget("repository", 9.0, 0.75, 2.75)
        await bench.store.apply(events.WorkerExited(*of_launch(again), 1), bench.now)
        lost = await now(bench, one)
        assert (lost.attempt, lost.usage) == (3, Usage())
        assert (await spent(bench, BOTH))[0] == Budget("repository", 9.0, 0.75, 3.0)
        theirs = await bench.ask(number=9, sender=BOB)
        await spends(bench, theirs, 1.0)
        await spends(bench, await bench.ask(repository=200), 2.0)
        assert await spent(bench, BOTH) == (
            Budget("repository", 9.0, 1.75, 3.0),
            Budget("owner", 8.0, 2.75, 3.0),
        )


async def test_a_deleted_task_has_cost_what_it_has_cost(tmp_path: Path) -> None:
    async with _bench(tmp_path, BY_OWNER) as bench:
        one = await bench.ask()
        await spends(bench, one, 1.0)
        await ends(bench, one)
        assert await bench.do(lambda db: tasks.delete(db, one.id, bench.now))
        refused = await bench.ask(repository=200)
        assert (refused.status, refused.error and refused.error.code) == (
            Status.REJECTED,
            "over_budget",
        )
        assert (await bench.ask(sender=BOB)).status is Status.STARTING


async def test_without_budgets_nothing_is_looked_up(tmp_path: Path) -> None:
    async with _bench(tmp_path, WIDE) as bench:
        await bench.ask()
        assert await spent(bench, WIDE) == ()


async def test_tenths_of_a_dollar_make_dollars(tmp_path: Path) -> None:
    async with _bench(tmp_path, BY_REPOSITORY) as bench:
        for number in range(10):
            task = await bench.ask(number=number)
            await spends(bench, task, 0.1)
            await ends(bench, task)
        assert (await spent(bench, BY_REPOSITORY))[0].used_up


@pytest.mark.parametrize("rules", [BY_REPOSITORY, BY_OWNER])
async def test_two_at_once_do_not_both_get_the_last_dollar(tmp_path: Path, rules: Rules) -> None:
    async with _bench(tmp_path, rules) as bench:
        ids = [id_of(10**6 + number) for number in range(8)]

        async def ask(task_id: str) -> None:
            made = await bench.do(lambda db: tasks.save(db, _priced(task_id), None))
            await bench.store.apply(events.PlaceOffered(made.id), bench.now)

        await asyncio.gather(*(ask(task_id) for task_id in ids))
        states = await bench.rows("SELECT status, doc ->> '$.state.state' FROM tasks ORDER BY 1")
        assert states == [("queued", "waiting_for_budget")] * 7 + [("starting", "starting")]


def _priced(task_id: str) -> Task:
    task = task_in(id=task_id, name=task_id, version=0)
    return replace(
        task,
        wish=replace(task.wish, max_cost=1.0),
        branches=replace(task.branches, name=task_id),
    )


async def test_what_ends_with_something_left_lets_the_next_one_begin(tmp_path: Path) -> None:
    async with _bench(tmp_path, BY_REPOSITORY) as bench:
        one = await bench.ask("/fix --max-cost 1 it")
        two = await bench.ask("/fix --max-cost 1 it", number=8)
        three = await bench.ask("/fix it", repository=200)
        told = await now(bench, two)
        assert (told.status, told.state.state) == (Status.QUEUED, "waiting_for_budget")
        assert await bench.store.next_due(bench.now) is not None
        assert three.status is Status.STARTING, "elsewhere there is money"
        await spends(bench, one, 0.4)
        assert await bench.status(two) is Status.QUEUED
        await ends(bench, one)
        assert await bench.status(two) is Status.STARTING


async def test_what_waits_for_a_budget_goes_on_after_midnight(tmp_path: Path) -> None:
    rules = replace(BY_REPOSITORY, max_running_per_repository=1)
    async with _bench(tmp_path, rules) as bench:
        one = await bench.ask()
        waiting = [await bench.ask(number=number) for number in (8, 9)]
        await spends(bench, one, 1.5)
        await ends(bench, one)
        for task in waiting:
            told = await now(bench, task)
            assert (told.status, told.state.state) == (Status.QUEUED, "waiting_for_budget")
        assert await bench.store.next_due(bench.now) == MIDNIGHT
        just_before = MIDNIGHT - timedelta(microseconds=1)
        await bench.store.offer_again(just_before)
        assert await bench.working() == []
        bench.now = MIDNIGHT
        await bench.store.offer_again(bench.now)
        assert await bench.working() == [8]
        second = await now(bench, waiting[1])
        assert (second.status, second.state.state) == (Status.QUEUED, "waiting_for_slot")
        assert await bench.store.next_due(bench.now) == (await now(bench, waiting[0])).clocks.next()


async def test_what_is_at_work_over_midnight_counts_on_the_day_on_which_it_ends(
    tmp_path: Path,
) -> None:
    async with _bench(tmp_path, BY_REPOSITORY) as bench:
        one = await bench.ask()
        await spends(bench, one, 1.0)
        two = await bench.give(number=8)
        assert two.refusal == "over_budget:repository"
        bench.now = MIDNIGHT + MINUTE
        assert (await spent(bench, BY_REPOSITORY))[0].used_up
        await ends(bench, one)
        assert (await spent(bench, BY_REPOSITORY))[0].used_up
        assert not (await spent(bench, BY_REPOSITORY, NOON))[0].used_up


async def test_who_waits_for_a_higher_budget_goes_on_with_it(tmp_path: Path) -> None:
    async with _bench(tmp_path, BY_REPOSITORY) as bench:
        one = await bench.ask("/fix --max-cost 1 it")
        two = await bench.ask(number=8)
        await spends(bench, one, 1.0)
        assert (await now(bench, two)).state.state == "waiting_for_budget"
        bench.store.rules = replace(BY_REPOSITORY, daily_cost_per_repository=2.0)
        await bench.store.restarted(bench.now)
        assert await bench.status(two) is Status.STARTING


async def test_a_full_queue_of_those_without_money_holds_up_nobody(tmp_path: Path) -> None:
    rules = replace(BY_REPOSITORY, max_running=2)
    async with _bench(tmp_path, rules) as bench:
        one = await bench.ask("/fix --max-cost 1 it")

        def many(db: Any) -> None:
            for number in range(budgets.AT_ONCE + 5):
                waiting = _priced(id_of(10**6 + number))
                tasks.save(db, replace(waiting, where=replace(HERE, number=number)), None)

        await bench.do(many)
        other = await bench.ask(repository=300, sender=Person(2, "bob"))
        assert other.status is Status.STARTING
        told = "SELECT count(*) FROM tasks WHERE doc ->> '$.state.state' = 'waiting_for_budget'"
        assert await bench.rows(told) == [(budgets.AT_ONCE,)]
        await spends(bench, other, 0.1)
        await ends(bench, other)
        assert await bench.rows(told) == [(budgets.AT_ONCE + 5,)]
        assert await bench.status(one) is Status.STARTING


async def test_those_who_wait_are_found_and_not_looked_for(tmp_path: Path) -> None:
    async with _bench(tmp_path, BOTH) as bench:
        known = {"now": "", "limit": 1, "repositories": "[]", "owners": "[]"}
        found: list[str] = []
        for statement in (budgets.TOLD, budgets.UNTOLD):
            explained = f"EXPLAIN QUERY PLAN {statement}"
            rows = await bench.do(lambda db, of=explained: db.conn.execute(of, known).fetchall())
            found += [row[-1] for row in rows if "tasks" in row[-1]]
        assert found == [
            "SEARCH tasks USING INDEX tasks_due (due_at<?)",
            "SEARCH tasks USING INDEX tasks_waiting (repository_id=? AND owner_id=?)",
        ]


async def test_a_days_sum_is_found_and_not_looked_for(tmp_path: Path) -> None:
    async with _bench(tmp_path, BOTH) as bench:
        for whose, index in (("repository", "PRIMARY KEY"), ("owner", "totals_of_owner")):
            statement = budgets.ENDED[whose].replace("wanted.id", "1")
            plan = await bench.rows(f"EXPLAIN QUERY PLAN {statement}", NOON.isoformat()[:10])
            assert [index in row[-1] and row[-1].startswith("SEARCH") for row in plan] == [True]
