"""What waits for approval, in a real database: beside the line, found by its issue, and bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from handlers.approval import CROWD_OF, EXPIRES, MOST
from handlers.commands import Role
from handlers.decision import Crowd, Decision
from handlers.effects import Comment
from handlers.events import BackupRestored, ClockStruck, IssueClosed, StopRequested
from handlers.repo_config import RepoConfig
from handlers.task import Status, Task
from handlers.values import Person
from storage import Store, approvals, migrations
from tests.makers import ADA, BOB, HERE, HOUR, NOON, RULES, SECOND, given
from tests.storage_support import Bench, opened

EVE = Person(3, "eve")
OPEN = RepoConfig(outsiders="approve")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path, replace(RULES, max_running=1)) as one:
        yield one


async def wait_for(bench: Bench, text: str = "/fix it", **changes: Any) -> Task:
    """Eve, who may only read, asks for something."""
    usual: dict[str, Any] = {"sender": EVE, "role": Role.READ, "config": OPEN}
    return await bench.ask(text, **{**usual, **changes})


async def approve(bench: Bench, task: Task, sender: Person = BOB, **changes: Any) -> Decision:
    assert task.approval is not None
    return await bench.give(f"/approve {task.approval.hash}", sender=sender, **changes)


async def crowd(bench: Bench, number: int = 7, person: Person = EVE) -> Crowd:
    where = replace(HERE, number=number)
    return await bench.do(lambda db: approvals.crowd_of(db, where, person, bench.now))


async def test_what_waits_for_approval_stands_in_no_line(bench: Bench) -> None:
    task = await wait_for(bench)
    store = bench.store
    assert await bench.status(task) is Status.QUEUED, "a place was free"
    assert await store.place_in_queue(task.id) == 0
    working = await bench.ask("/fix it", number=8)
    assert await bench.status(working) is Status.STARTING
    behind = await bench.ask("/fix it", number=9, sender=BOB)
    assert await store.place_in_queue(behind.id) == 1
    census = await store.census()
    assert (census.tasks["queued"], census.in_line, census.oldest_queued) == (
        2,
        1,
        behind.queued_at,
    )
    assert await bench.rows("SELECT owner_id FROM waiting") == [(BOB.id,)]
    decision = await bench.give("/status", role=Role.WRITE)
    assert decision.task is None
    (said,) = [one.body for one in decision.effects if isinstance(one, Comment)]
    assert "waits for `/approve" in said


async def test_who_is_turned_away_moves_nobody_up(bench: Bench) -> None:
    await bench.ask("/fix it", number=8)
    behind = await bench.ask("/fix it", number=9, sender=BOB)
    task = await wait_for(bench)
    told = f"SELECT wished FROM effects WHERE key = '{behind.id}/status'"
    before = await bench.rows(told)
    await bench.store.apply(StopRequested(task.id, BOB), bench.now)
    assert await bench.status(task) is Status.REJECTED
    assert await bench.rows(told) == before, "it has the place that it had"


async def test_approved_it_joins_the_line_as_the_approvers(bench: Bench) -> None:
    task = await wait_for(bench, "/fix --time 5m it")
    assert (await bench.store.brief(task.id)) is not None
    assert await bench.rows("SELECT count(*) FROM attempts") == [(0,)], "nobody works on it"
    await bench.ask("/fix it", number=8)
    first = await bench.ask("/fix it", number=9)
    decision = await approve(bench, task, context="comments")
    assert decision.task is not None
    assert await bench.store.place_in_queue(first.id) == 1
    assert await bench.store.place_in_queue(task.id) == 2, "it came to the line last"
    brief = await bench.store.brief(task.id)
    assert brief is not None
    (attempt,) = brief.attempts
    assert (attempt.requester, attempt.prompt, attempt.context) == (BOB, "it", "comments")
    assert brief.task.owner == BOB
    assert await bench.rows("SELECT owner_id, first_at FROM waiting ORDER BY 2") == [
        (ADA.id, "2026-03-01T12:00:03.000000Z"),
        (BOB.id, "2026-03-01T12:00:04.000000Z"),
    ]
    assert await bench.store.awaiting(HERE.repository_id, 7) == ()


async def test_two_who_approve_at_once_start_it_once(bench: Bench) -> None:
    task = await wait_for(bench)
    assert task.approval is not None
    ids = [(await bench.arrive(0))[0] for _ in range(4)]
    text, where = f"/approve {task.approval.hash}", replace(HERE, repository="acme/r100")
    given_at_once = [
        given(text, task_id=one, where=where, sender=sender)
        for one, sender in zip(ids, [ADA, BOB, BOB, ADA], strict=True)
    ]
    decisions = await asyncio.gather(
        *(bench.store.apply(one, bench.now) for one in given_at_once * 2)
    )
    assert [one.task is not None for one in decisions].count(True) == 1
    kinds = "SELECT kind, count(*) FROM effects WHERE kind IN ('Launch', 'Comment') GROUP BY kind"
    assert await bench.rows(kinds) == [("Comment", 4), ("Launch", 1)]
    again = "SELECT count(*) FROM effects WHERE doc LIKE '%was approved already%'"
    assert await bench.rows(again) == [(3,)]
    attempts = await bench.rows("SELECT task_id, attempt FROM attempts")
    assert attempts == [(task.id, 1)]


async def test_it_is_found_by_its_issue_however_much_came_after_it(bench: Bench) -> None:
    task = await wait_for(bench)
    await wait_for(bench, number=8)
    await wait_for(bench, repository=101)
    for _ in range(51):
        await bench.ask("/ask why?")
    assert task.id not in {one.id for one in await bench.store.tasks_of_issue(100, 7)}
    assert [one.id for one in await bench.store.awaiting(100, 7)] == [task.id]
    assert (await approve(bench, task)).task is not None


async def test_nowhere_else_can_it_be_approved(bench: Bench) -> None:
    task = await wait_for(bench)
    for place in ({"number": 8}, {"repository": 101}):
        await bench.ask("/ask why?", **place)
        assert (await approve(bench, task, **place)).task is None
    assert await bench.store.awaiting(100, 7) == (await bench.store.task(task.id),)


async def test_what_nobody_approves_is_dropped_after_a_week(bench: Bench) -> None:
    task = await wait_for(bench)
    store, expires = bench.store, bench.now + EXPIRES
    assert await store.next_due(bench.now + HOUR) == expires
    assert await store.due(expires - SECOND) == ()
    assert await store.due(expires) == (task.id,)
    await store.offer_again(expires)
    assert await bench.status(task) is Status.QUEUED
    await store.apply(ClockStruck(task.id), expires)
    assert await bench.status(task) is Status.REJECTED
    assert await store.due(expires) == ()
    assert [one.message for one in await store.timeline(task.id)] == [
        "/fix by eve waits for approval",
        "nobody approved it within 7 days",
    ]
    late = await approve(bench, task)
    assert late.task is None


async def test_a_persons_commands_are_counted_for_a_day_whatever_became_of_them(
    bench: Bench,
) -> None:
    """Who opens and closes issues of their own fills nothing either."""
    began = bench.now
    tasks = [await wait_for(bench, number=number) for number in range(7, 7 + MOST.person)]
    await bench.store.apply(IssueClosed(tasks[0].id), bench.now)
    await bench.store.apply(StopRequested(tasks[1].id, BOB), bench.now)
    await approve(bench, tasks[2], number=9)
    assert await crowd(bench) == Crowd(person=MOST.person, issue=0, repository=MOST.person - 3)
    refused = await bench.give("/fix", sender=EVE, role=Role.READ, config=OPEN, number=20)
    assert (refused.task, refused.refusal) == (None, "too_many_waiting")
    elsewhere = await wait_for(bench, repository=101)
    assert elsewhere.awaiting
    assert (await wait_for(bench, number=20, sender=ADA)).awaiting, "others may"
    bench.now = began + CROWD_OF + timedelta(minutes=1)
    assert (await crowd(bench)).person == 0
    assert (await wait_for(bench, number=20)).awaiting


async def test_an_issue_and_a_repository_are_not_flooded_by_many(bench: Bench) -> None:
    for number in range(MOST.repository):
        await wait_for(bench, number=7 + number // MOST.issue, sender=Person(100 + number, "x"))
    assert await crowd(bench) == Crowd(0, MOST.issue, MOST.repository)
    assert await crowd(bench, number=99) == Crowd(0, 0, MOST.repository)
    refused = await bench.give("/fix", sender=EVE, role=Role.READ, config=OPEN, number=99)
    assert (refused.task, refused.refusal) == (None, "too_many_waiting")


async def test_the_same_command_waits_once(bench: Bench) -> None:
    (task_id,) = await bench.arrive(0)
    event = given("/fix it", task_id=task_id, sender=EVE, role=Role.READ, config=OPEN)
    for _ in range(10):
        await bench.store.apply(event, NOON)
    assert len(await bench.store.awaiting(100, 7)) == 1
    comments = [one for one in await bench.owed() if isinstance(one.effect, Comment)]
    assert len(comments) == 1


async def test_a_backup_keeps_what_waits(bench: Bench) -> None:
    task = await wait_for(bench)
    await bench.store.apply(BackupRestored(task.id, 0), bench.now)
    await bench.store.restarted(bench.now)
    (kept,) = await bench.store.awaiting(100, 7)
    assert (kept.awaiting, kept.status) == (task.awaiting, Status.QUEUED)


async def test_what_was_never_approved_is_removed_like_any_other(bench: Bench) -> None:
    task = await wait_for(bench)
    await bench.store.apply(StopRequested(task.id, BOB), bench.now)
    assert await bench.store.delete(task.id, bench.now)
    assert await bench.store.task(task.id) is None


async def test_questions_about_it_are_answered_by_indexes(bench: Bench) -> None:
    await wait_for(bench)
    asked = {
        "SELECT id FROM tasks WHERE repository_id = 1 AND number = 2 AND awaiting ORDER BY id": (
            "tasks_awaiting"
        ),
        "SELECT 1 FROM tasks WHERE repository_id = 1 AND awaiting LIMIT 9": "tasks_awaiting",
        "SELECT 1 FROM tasks WHERE repository_id = 1 AND asker_id = 2 AND queued_at > '3' "
        "LIMIT 9": "tasks_of_asker",
        "SELECT 1 FROM tasks WHERE owner_id = 1 AND in_line LIMIT 9": "tasks_in_line",
    }
    for question, index in asked.items():
        (plan,) = [str(row) for row in await bench.rows(f"EXPLAIN QUERY PLAN {question}")]
        assert f"INDEX {index} " in plan


async def test_a_database_of_before_gets_it(tmp_path: Path) -> None:
    """A task that waited for its place before the step still does after it."""
    async with opened(tmp_path, replace(RULES, max_running=0)) as bench:
        task = await bench.ask("/fix it")
        ((doc,),) = await bench.rows("SELECT doc FROM tasks")
    path = tmp_path / "old.db"
    old = Database(path)
    migrations.migrations.apply(old, stop_before="approvals")
    without = "json_remove(?, '$.approval', '$.awaiting', '$.outsiders', '$.wish.ci')"
    old.conn.execute(
        f"INSERT INTO tasks (id, version, doc, queued_at) VALUES (?, 1, {without}, ?)",
        (task.id, doc, "2026-03-01T12:00:01.000000Z"),
    )
    old.conn.commit()
    old.close()
    store = await Store.open(path, RULES)
    try:
        assert await store.task(task.id) == task
        assert await store.place_in_queue(task.id) == 1
        assert await store.awaiting(100, 7) == ()
    finally:
        await store.close()
