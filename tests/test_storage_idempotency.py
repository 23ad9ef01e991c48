"""Requests that carry a key of their own, and tasks that are removed many at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from handlers.circumstances import Circumstances
from handlers.commands import Command, Options
from handlers.decision import Decision
from handlers.events import StopRequested, WorkerGone, WorkRequested
from handlers.repo_config import RepoConfig
from handlers.roles import Role
from handlers.task import Status, Task
from handlers.values import Origin
from storage.idempotency import KEEP, FirstAnswer, OnceKey
from storage.keeping import Keep
from storage.tasks import Owned
from tests.makers import ADA, BOB, HERE, NOON, RULES, SECOND, id_of
from tests.storage_support import Bench, opened

ONCE = OnceKey(ADA.id, "one", "d" * 64)


def asked(number: int, role: Role = Role.WRITE) -> WorkRequested:
    found = Circumstances(role, RepoConfig(), "main")
    command = Command("fix", "Oil it", Options(), None, 0, addressed=True)
    return WorkRequested(id_of(number), command, HERE, ADA, Origin("api", 0, 0, ""), found)


def answer(task: Task) -> FirstAnswer:
    return FirstAnswer(ONCE.digest, f"/api/tasks/{task.id}", task.name)


async def test_the_same_key_is_one_task_and_one_answer(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        assert await bench.store.answered(ONCE, NOON) is None
        tries = [bench.store.apply_once(asked(n), ONCE, answer, NOON) for n in range(1, 11)]
        done = await asyncio.gather(*tries)
        (made,) = [one for one in done if isinstance(one, Decision)]
        assert made.task is not None
        first = answer(made.task)
        assert [one for one in done if isinstance(one, FirstAnswer)] == [first] * 9
        assert await bench.store.answered(ONCE, NOON) == first
        assert await bench.rows("SELECT count(*) FROM tasks") == [(1,)]


async def test_another_owner_or_key_is_another_request(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        keys = (ONCE, OnceKey(ADA.id, "two", ONCE.digest), OnceKey(BOB.id, "one", ONCE.digest))
        for number, once in enumerate(keys, 1):
            done = await bench.store.apply_once(asked(number), once, answer, NOON)
            assert isinstance(done, Decision)
        assert await bench.rows("SELECT count(*) FROM tasks") == [(3,)]


async def test_what_was_declined_is_decided_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        no = await bench.store.apply_once(asked(1, Role.READ), ONCE, answer, NOON)
        assert isinstance(no, Decision)
        assert no.declined is not None
        yes = await bench.store.apply_once(asked(1), ONCE, answer, NOON)
        assert isinstance(yes, Decision)
        assert yes.task is not None


async def test_a_key_means_the_same_for_a_day_and_outlives_its_task(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        await bench.store.apply_once(asked(1), ONCE, answer, NOON)
        await bench.sql("UPDATE tasks SET doc = json_set(doc, '$.status', 'failed')")
        assert await bench.store.delete(id_of(1), NOON)
        almost = NOON + KEEP - SECOND
        await bench.store.forget_old(almost, Keep())
        assert await bench.store.answered(ONCE, almost) is not None
        assert await bench.store.answered(ONCE, NOON + KEEP) is None
        again = await bench.store.apply_once(asked(2), ONCE, answer, NOON + KEEP)
        assert isinstance(again, Decision)
        assert await bench.rows("SELECT count(*) FROM idempotency") == [(1,)]
        await bench.store.forget_old(NOON + 2 * KEEP, Keep())
        assert await bench.rows("SELECT count(*) FROM idempotency") == [(0,)]


async def test_nobody_is_told_of_a_queue_that_moves_where_there_is_no_issue(tmp_path: Path) -> None:
    rules = replace(RULES, max_running=1)
    async with opened(tmp_path, rules) as bench:
        nowhere = replace(HERE, number=None)
        for number in range(1, 4):
            await bench.store.apply(replace(asked(number), where=nowhere), NOON)
        await bench.store.apply(StopRequested(id_of(1), ADA), NOON)
        key = (id_of(1), 1, 1)
        await bench.store.apply(WorkerGone(*key), NOON)
        assert await bench.working() == [None]
        assert "EditStatus" not in await bench.store.owed_kinds()


async def ended(bench: Bench, status: Status, **changes: int) -> str:
    task = await bench.ask(role=Role.WRITE, **changes)
    await bench.sql(
        "UPDATE tasks SET doc = json_set(doc, '$.status', ?) WHERE id = ?", status.value, task.id
    )
    return task.id


async def test_somebodys_ended_tasks_are_removed_in_portions(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        failed = [await ended(bench, Status.FAILED) for _ in range(3)]
        await ended(bench, Status.FAILED, repository=101)
        done = await ended(bench, Status.COMPLETED)
        which = Owned(ADA.id, Status.FAILED, {HERE.repository_id})
        assert await bench.store.owned(which, "", 2) == tuple(failed[:2])
        assert await bench.store.owned(which, failed[1], 2) == (failed[2],)
        assert await bench.store.owned(Owned(BOB.id, Status.FAILED, {100}), "", 9) == ()
        wanted = frozenset({Status.FAILED})
        gone = await bench.store.delete_some([*failed, done, id_of(999)], wanted, ADA, bench.now)
        assert gone == 3
        assert await bench.store.owned(which, "", 9) == ()
        assert await bench.store.delete_some(failed, wanted, ADA, bench.now) == 0
        keys = await bench.rows("SELECT key FROM effects WHERE kind = 'DeleteTask' ORDER BY id")
        assert keys == [(f"{one}/delete",) for one in failed]
