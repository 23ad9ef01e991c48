"""The one transaction of a decision: all of it, or nothing, and once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handlers import events
from handlers.commands import Role
from handlers.decision import NOTHING
from handlers.deliveries import IssueGone, RepositoryGone
from handlers.effects import EditStatus
from handlers.github_objects import Repository
from handlers.task import IllegalMove, Status
from handlers.values import Clocks, Origin
from tests.makers import (
    BOB,
    HEAD,
    HERE,
    HOUR,
    MINUTE,
    NOON,
    RULES,
    SECOND,
    given,
    of_launch,
)
from tests.storage_support import PERSON, Bench, opened

ONE = replace(RULES, max_running=1)
PLACE = Repository(
    id=HERE.repository_id, full_name="acme/door", private=False, default_branch="main"
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path, ONE) as made:
        yield made


async def everything(bench: Bench) -> list[list[tuple[object, ...]]]:
    """All rows that a decision can write."""
    tables = ("tasks", "attempts", "effects", "timeline", "refusals", "turns", "candidates")
    return [await bench.rows(f"SELECT * FROM {table}") for table in tables]


async def test_a_command_becomes_a_task_with_all_that_follows(bench: Bench) -> None:
    task = await bench.ask(context="what others said")
    assert (task.status, task.version) == (Status.STARTING, 2)
    assert await bench.store.tasks_of_issue(HERE.repository_id, HERE.number) == (task,)
    assert await bench.store.named(HERE.repository_id, task.name) == task
    assert [e.message for e in await bench.store.timeline(task.id)] == [
        "/fix was admitted",
        "starting a worker",
    ]
    assert await bench.store.owed_kinds() == {"React", "EditStatus", "Launch"}
    assert await bench.rows("SELECT state FROM candidates") == [("task",)]
    assert await bench.rows("SELECT state FROM deliveries") == [("done",)]
    brief = await bench.store.brief(task.id)
    assert brief is not None
    assert brief.task == task
    assert [(one.prompt, one.context) for one in brief.attempts] == [("it", "what others said")]


@pytest.mark.parametrize("table", ["tasks", "attempts", "effects", "timeline", "candidates"])
async def test_where_one_row_cannot_be_stored_nothing_is(bench: Bench, table: str) -> None:
    (task_id,) = await bench.arrive(0)
    before = await everything(bench)
    verb = "UPDATE" if table == "candidates" else "INSERT"
    await bench.sql(
        f"CREATE TRIGGER spoil BEFORE {verb} ON {table} BEGIN SELECT raise(ABORT, 'spoilt'); END"
    )
    with pytest.raises(Exception, match="spoilt"):
        await bench.store.apply(given("/fix it", task_id=task_id), NOON)
    assert await everything(bench) == before
    await bench.sql("DROP TRIGGER spoil")
    await bench.store.apply(given("/fix it", task_id=task_id), NOON)
    assert (await bench.store.task(task_id)) is not None


async def test_a_refusal_that_cannot_be_noted_is_not_told(bench: Bench) -> None:
    (task_id,) = await bench.arrive(0)
    before = await everything(bench)
    await bench.sql(
        "CREATE TRIGGER spoil BEFORE INSERT ON refusals BEGIN SELECT raise(ABORT, 'spoilt'); END"
    )
    with pytest.raises(Exception, match="spoilt"):
        await bench.store.apply(given("/fix it", task_id=task_id, role=Role.TRIAGE), NOON)
    assert await everything(bench) == before


async def test_a_mistake_of_ours_undoes_itself_alone(bench: Bench) -> None:
    task = await bench.ask()
    await bench.sql("UPDATE tasks SET doc = json_set(doc, '$.status', 'rejected')")
    finish = events.PullRequestReady(task.id, 1, 9, "u", "open")
    await bench.sql(
        "UPDATE tasks SET doc = json_set(doc, '$.state.state', 'opening_pull_request', "
        "'$.outcome', '{}')"
    )
    before = await everything(bench)
    with pytest.raises(IllegalMove):
        await bench.store.apply(finish, NOON)
    assert await everything(bench) == before


async def test_the_same_command_is_decided_once(bench: Bench) -> None:
    (task_id,) = await bench.arrive(0)
    event = given("/fix it", task_id=task_id)
    first = await bench.store.apply(event, NOON)
    before = await everything(bench)
    assert first.task is not None
    assert await bench.store.apply(event, NOON) == NOTHING
    undecidable = events.CommandUndecidable(task_id, HERE, Origin("comment", 1, 0, ""), "502")
    assert await bench.store.apply(undecidable, NOON) == NOTHING
    assert await everything(bench) == before


async def test_what_became_of_a_candidate_is_noted(bench: Bench) -> None:
    made, answered, silent, ignored, unknown = await bench.arrive(0, 1, 2, 3, 4)
    stored = bench.store
    await stored.apply(given("/fix it", task_id=made), NOON)
    await stored.apply(given("/status", task_id=answered), NOON)
    await stored.apply(given("/fix it", task_id=silent, archived=True), NOON)
    await stored.ignore([ignored, "unheard-of"], "ignored", NOON)
    assert [one.delivery_id for one in await stored.inbox.waiting(10)] == ["delivery-1"]
    undecidable = events.CommandUndecidable(unknown, HERE, Origin("comment", 1, 4, ""), "502")
    await stored.apply(undecidable, NOON)
    assert await bench.rows("SELECT state FROM candidates ORDER BY position") == [
        ("task",),
        ("answered",),
        ("ignored",),
        ("ignored",),
        ("answered",),
    ]
    assert await stored.inbox.waiting(10) == []


async def test_a_refusal_is_told_once_an_hour_to_each_person_in_each_repository(
    bench: Bench,
) -> None:
    async def told(**changes: Any) -> bool:
        comments = "SELECT count(*) FROM effects WHERE kind = 'Comment'"
        before = await bench.rows(comments)
        await bench.give(role=Role.READ, **changes)
        return before != await bench.rows(comments)

    assert await told()
    assert not await told()
    assert await told(repository=200)
    assert await told(sender=BOB)
    assert await told(text="/ask why?"), "another reason"
    bench.now = NOON + HOUR - SECOND
    assert not await told()
    assert await told()


async def test_an_effect_and_what_it_brought_about_are_settled_together(bench: Bench) -> None:
    task = await bench.ask()
    (launch,) = [one for one in await bench.owed() if one.effect.key.endswith("launch")]
    await bench.sql(
        "CREATE TRIGGER spoil BEFORE UPDATE ON effects WHEN NEW.state = 'done' "
        "BEGIN SELECT raise(ABORT, 'spoilt'); END"
    )
    event = events.Launched(*of_launch(task))
    with pytest.raises(Exception, match="spoilt"):
        await bench.store.settle(launch, event, NOON)
    assert await bench.store.task(task.id) == task
    await bench.sql("DROP TRIGGER spoil")
    decision = await bench.store.settle(launch, event, NOON)
    assert decision.task is not None
    assert decision.task.clocks.first_call_by == NOON + 5 * MINUTE
    assert "Launch" not in await bench.store.owed_kinds()


async def test_a_delivery_about_a_place_touches_all_its_tasks_or_none(bench: Bench) -> None:
    working, waiting = await bench.ask(), await bench.ask()
    other = await bench.ask(repository=200)
    gone = RepositoryGone(installation_id=10, repository=PLACE, sender=PERSON, reason="archived")
    await bench.arrive(delivery="gone")
    await bench.sql(
        "CREATE TRIGGER spoil BEFORE UPDATE ON deliveries BEGIN SELECT raise(ABORT, 'spoilt'); END"
    )
    before = await everything(bench)
    with pytest.raises(Exception, match="spoilt"):
        await bench.store.apply_delivery("gone", gone, NOON)
    assert await everything(bench) == before
    await bench.sql("DROP TRIGGER spoil")
    await bench.store.apply_delivery("gone", gone, NOON)
    assert await bench.status(waiting) is Status.FAILED
    ending = await bench.store.task(working.id)
    assert ending is not None
    assert ending.ending is not None
    assert await bench.status(other) is Status.QUEUED
    assert await bench.store.inbox.waiting(9) == []
    await bench.store.apply(events.WorkerGone(*of_launch(working)), NOON)
    assert await bench.status(other) is Status.STARTING


async def test_a_closed_issue_frees_no_place_but_a_worker_that_is_gone_does(bench: Bench) -> None:
    first, second, third = [await bench.ask(number=number) for number in (1, 2, 3)]
    closed = IssueGone(
        installation_id=10, repository=PLACE, sender=PERSON, number=2, reason="closed"
    )
    await bench.store.apply_delivery("closed", closed, NOON)
    assert await bench.status(second) is Status.CANCELLED
    await bench.store.apply(
        given("/stop", task_id=(await bench.arrive(0))[0], where=first.where), NOON
    )
    assert await bench.working() == [1]
    await bench.store.apply(events.WorkerGone(*of_launch(first)), NOON)
    assert await bench.status(first) is Status.CANCELLED
    assert await bench.working() == [3]
    assert await bench.status(third) is Status.STARTING


async def test_a_restart_finds_everything_as_it_was(tmp_path: Path) -> None:
    async with opened(tmp_path, ONE) as bench:
        working, waiting = await bench.ask(), await bench.ask()
        await bench.claim(working)
        await bench.owed()
        before = await everything(bench)
        kept = await bench.store.task(working.id)
    async with opened(tmp_path, ONE) as bench:
        assert await everything(bench) == before
        assert await bench.store.task(working.id) == kept
        late = NOON + HOUR
        await bench.store.restarted(late)
        again = await bench.store.task(working.id)
        assert again is not None
        assert again.clocks.heard_by == late + 2 * MINUTE
        assert again.clocks.deadline == kept.clocks.deadline if kept else None
        assert await bench.status(waiting) is Status.QUEUED
        bench.now = late
        tries = {one.effect.key: one.tries for one in await bench.owed()}
        assert set(tries.values()) == {2}, "a try before the restart may have left something"


async def test_a_restart_with_more_places_offers_them(tmp_path: Path) -> None:
    async with opened(tmp_path, replace(RULES, max_running=0)) as bench:
        task = await bench.ask()
        assert await bench.status(task) is Status.QUEUED
    async with opened(tmp_path) as bench:
        await bench.store.restarted(NOON)
        assert await bench.status(task) is Status.STARTING


async def test_a_launch_that_failed_waits_and_is_offered_a_place_again(bench: Bench) -> None:
    task = await bench.ask()
    await bench.store.apply(events.LaunchFailed(*of_launch(task), "no room"), bench.now)
    waiting = await bench.store.task(task.id)
    assert waiting is not None
    assert (waiting.status, waiting.launch) == (Status.QUEUED, 2)
    due = bench.now + timedelta(seconds=2)
    assert waiting.clocks == Clocks(retry_at=due)
    await bench.store.offer_again(due - SECOND)
    assert await bench.status(task) is Status.QUEUED
    assert await bench.store.due(due) == ()
    await bench.store.offer_again(due)
    assert await bench.status(task) is Status.STARTING


async def test_every_change_wakes_those_who_wait(bench: Bench) -> None:
    assert not bench.store.changed.is_set()
    task = await bench.ask()
    assert bench.store.changed.is_set()
    bench.store.changed.clear()
    await bench.store.tasks_of_issue(HERE.repository_id, HERE.number)
    assert not bench.store.changed.is_set()
    await bench.store.apply(events.Pushed(*of_launch(task), HEAD), NOON)
    assert bench.store.changed.is_set()


async def test_those_behind_a_task_that_leaves_the_line_are_told_their_place(bench: Bench) -> None:
    await bench.ask(number=1)
    await bench.ask(number=2)
    behind = await bench.ask(number=3)
    for owed in await bench.owed():
        await bench.store.mark(owed, "done", bench.now)
    await bench.give("/stop", number=2)
    edits = [one.effect for one in await bench.owed() if isinstance(one.effect, EditStatus)]
    assert behind.id in {edit.task_id for edit in edits}
