"""Tasks as rows: the order of the queue, its limits, the guard of versions, and the plans."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from handlers import events
from handlers.names import short_name
from handlers.repo_config import ConfigProblem, RepoConfig
from handlers.task import Branches, Ending, PullRequest, Status
from handlers.values import Clocks, ErrorCode, Person, TaskError, Usage
from storage import attempts, clocks, outbox, tasks, timeline, tombstones, turns, vault_rows, views
from storage.keeping import Keep
from storage.logs import LogLine
from storage.tasks import Overtaken
from storage.times import from_text, maybe_text, to_text
from tests.makers import (
    ADA,
    HEAD,
    HERE,
    HOUR,
    MINUTE,
    NOON,
    ON_PULL,
    PULL,
    RULES,
    SECOND,
    completed,
    given,
    id_of,
    of_launch,
    task_in,
)
from tests.storage_support import Bench, opened

WIDE = replace(RULES, max_running=100, max_running_per_repository=100, max_running_per_owner=100)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path, replace(WIDE, max_running=0)) as made:
        yield made


FULL = replace(
    task_in(Status.RUNNING),
    ending=Ending(Status.FAILED, TaskError(ErrorCode.TIMEOUT, "late", "d", "r"), by="bob"),
    pull=PullRequest(9, "u", "closed"),
    usage=Usage(1, 2, 0.125),
    clocks=Clocks(NOON, NOON, NOON, NOON, NOON, NOON),
    error=TaskError(ErrorCode.INTERNAL, "é\u2028"),
    summary="s",
    branches=Branches("b", "d", "n", HEAD, HEAD, pushed=True),
    version=0,
)


async def test_a_task_is_read_as_it_was_written(bench: Bench) -> None:
    saved = await bench.do(lambda db: tasks.save(db, FULL, None))
    assert saved == replace(FULL, version=1)
    assert await bench.store.task(FULL.id) == saved


async def test_who_was_overtaken_changes_nothing(bench: Bench) -> None:
    first = await bench.do(lambda db: tasks.save(db, FULL, None))
    second = await bench.do(lambda db: tasks.save(db, replace(first, progress=7), None))
    assert second.version == 2
    with pytest.raises(Overtaken):
        await bench.do(lambda db: tasks.save(db, replace(first, progress=99), None))
    with pytest.raises(sqlite3.IntegrityError):
        await bench.do(lambda db: tasks.save(db, FULL, None))
    assert await bench.store.task(FULL.id) == second


async def test_names_are_unique_in_a_repository_alone(bench: Bench) -> None:
    taken = replace(FULL, name=short_name(id_of(5)))
    await bench.do(lambda db: tasks.save(db, taken, None))
    here = await bench.do(lambda db: tasks.free_name(db, HERE.repository_id, id_of(5)))
    elsewhere = await bench.do(lambda db: tasks.free_name(db, 200, id_of(5)))
    assert (here, elsewhere) == (short_name(id_of(5), 1), short_name(id_of(5)))
    clash = replace(taken, id=id_of(6))
    with pytest.raises(sqlite3.IntegrityError):
        await bench.do(lambda db: tasks.save(db, clash, None))
    there = replace(clash, where=replace(HERE, repository_id=200))
    await bench.do(lambda db: tasks.save(db, there, None))
    assert await bench.store.named(200, taken.name) == replace(there, version=1)
    assert await bench.store.named(200, id_of(6)) == replace(there, version=1)
    assert await bench.store.named(HERE.repository_id, id_of(6)) is None


async def test_the_tasks_of_an_issue_are_told_newest_first(bench: Bench) -> None:
    one, two = await bench.ask(), await bench.ask()
    await bench.ask(number=8)
    await bench.ask(base_missing=True, text="/fix --base gone it")
    listed = await bench.store.tasks_of_issue(HERE.repository_id, HERE.number)
    assert [task.id for task in listed] == [two.id, one.id]


async def test_those_of_a_pull_request_are_also_the_ones_that_it_came_of(bench: Bench) -> None:
    task = await bench.ask()
    await bench.ask()
    with_pull = replace(task, pull=PullRequest(9, "https://github.test/acme/door/pull/9"))
    await bench.do(lambda db: tasks.save(db, with_pull, None))
    on_pull = await bench.ask(number=9)
    listed = await bench.store.tasks_of_issue(HERE.repository_id, 9)
    assert [one.id for one in listed] == [on_pull.id, task.id]
    assert await bench.store.tasks_of_issue(200, 9) == ()


async def test_each_attempt_keeps_its_own_record(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        task = await bench.ask(context="first")
        await bench.claim(task)
        bench.now += MINUTE
        await bench.store.apply(events.WorkerExited(*of_launch(task), 1), bench.now)
        lost_at = bench.now
        again = await bench.store.task(task.id)
        assert again is not None
        await bench.claim(again)
        usage = Usage(1, 2, 3.0)
        done = completed(again, summary="well", usage=usage)
        await bench.store.apply(done, bench.now)
        await bench.ask("/retry", sender=Person(2, "bob"), context="second")
        brief = await bench.store.brief(task.id)
        assert brief is not None
        one, two, three = brief.attempts
    assert (one.attempt, one.status, one.context, one.usage) == (1, "failed", "first", Usage())
    assert (one.completed_at, two.started_at) == (lost_at, lost_at)
    assert (two.attempt, two.status, two.context, two.prompt) == (2, "completed", "first", "it")
    assert (two.summary, two.usage, two.completed_at) == ("well", usage, lost_at)
    assert (three.attempt, three.context, three.requester) == (3, "second", Person(2, "bob"))
    assert (three.status, three.summary, three.usage) == ("starting", None, Usage())
    assert three.completed_at is None


def steps(db: Any, work: Callable[[], object]) -> int:
    """How much the database has to do, in hundreds of its own steps."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    db.conn.set_progress_handler(count, 100)
    try:
        work()
    finally:
        db.conn.set_progress_handler(None, 0)
    return taken


# --- the queue ------------------------------------------------------------------------------------


async def line(bench: Bench, **limits: Any) -> list[int]:
    """The issues of the tasks that are offered a place, in their order."""
    rules = replace(WIDE, **limits)

    def work(db: Any) -> list[str]:
        found: list[str] = []
        db.conn.execute("SAVEPOINT before")
        while task_id := turns.next_up(db, rules, bench.now):
            found.append(task_id)
            turns.take_turn(db, task_id)
            db.conn.execute(
                "UPDATE tasks SET doc = json_set(doc, '$.status', 'cancelled') WHERE id = ?",
                (task_id,),
            )
        db.conn.execute("ROLLBACK TO before")
        return found

    found = await bench.do(work)
    rows = dict(await bench.rows("SELECT id, number FROM tasks"))
    return [rows[task_id] for task_id in found]


async def start(bench: Bench, number: int) -> None:
    """One task begins, whatever the limits say."""
    await bench.sql(
        "UPDATE tasks SET doc = json_set(doc, '$.status', 'running') WHERE number = ?", number
    )


async def test_within_a_repository_who_came_first_is_served_first(bench: Bench) -> None:
    for number in (3, 1, 2):
        await bench.ask(number=number)
    assert await line(bench) == [3, 1, 2]


async def test_repositories_take_turns(bench: Bench) -> None:
    places = {1: 100, 2: 100, 3: 100, 4: 200, 5: 300, 6: 200}
    ids = {
        number: (await bench.ask(number=number, repository=repository)).id
        for number, repository in places.items()
    }
    assert await line(bench) == [1, 4, 5, 2, 6, 3]
    await bench.do(lambda db: turns.take_turn(db, ids[1]))
    assert await line(bench) == [4, 5, 1, 6, 2, 3]
    await bench.do(lambda db: turns.take_turn(db, ids[4]))
    await bench.do(lambda db: turns.take_turn(db, ids[1]))
    assert await line(bench) == [5, 4, 1, 6, 2, 3]


async def test_a_repository_with_many_does_not_starve_the_others(tmp_path: Path) -> None:
    served: list[int] = []
    async with opened(tmp_path, replace(WIDE, max_running=0)) as bench:
        for number in range(12):
            await bench.ask(number=number, repository=100)
        for number in (50, 51, 52):
            await bench.ask(number=number, repository=200)
        held = await bench.rows("SELECT id, number FROM tasks")
        bench.count = 500
    async with opened(tmp_path, replace(WIDE, max_running=1)) as bench:
        for _ in held:
            await bench.store.restarted(NOON)
            (number,) = await bench.working()
            served.append(number)
            await bench.sql(
                "UPDATE tasks SET doc = json_set(doc, '$.status', 'cancelled') WHERE number = ?",
                number,
            )
    assert served == [0, 50, 1, 51, 2, 52, *range(3, 12)]


@pytest.mark.parametrize(
    ("limits", "offered"),
    [
        ({}, [2, 3, 4]),
        ({"max_running": 1}, []),
        ({"max_running": 2}, [2, 3, 4]),
        ({"max_running_per_repository": 1}, [3, 4]),
        ({"max_running_per_owner": 1}, [4]),
    ],
)
async def test_full_limits_hold_back_whom_they_concern(
    bench: Bench, limits: dict[str, int], offered: list[int]
) -> None:
    await bench.ask(number=1)
    await bench.ask(number=2)
    await bench.ask(number=3, repository=200)
    await bench.ask(number=4, repository=300, sender=Person(2, "bob"))
    await start(bench, 1)
    assert sorted(await line(bench, **limits)) == offered


async def test_a_repository_may_ask_for_less_at_a_time(bench: Bench) -> None:
    config = RepoConfig(concurrency=1)
    for number in (1, 2):
        await bench.ask(number=number, config=config)
    await bench.ask(number=3)
    assert sorted(await line(bench)) == [1, 2, 3]
    await start(bench, 1)
    assert await line(bench) == [3]
    assert await line(bench, max_running_per_repository=1) == []


async def test_two_tasks_never_work_on_one_branch(tmp_path: Path) -> None:
    async with opened(tmp_path, WIDE) as bench:
        one, two = [await bench.ask("/fix", number=ON_PULL.number, pull=PULL) for _ in range(2)]
        other = await bench.ask("/fix", number=9, pull=replace(PULL, head="another"))
        question = await bench.ask("/ask why?", number=ON_PULL.number, pull=PULL)
        elsewhere = await bench.ask("/fix", repository=200, pull=PULL)
        assert await bench.status(two) is Status.QUEUED
        for task in (one, other, question, elsewhere):
            assert await bench.status(task) is Status.STARTING
        await bench.offer(two)
        assert await bench.status(two) is Status.QUEUED
        await bench.store.apply(events.PermissionLost(*of_launch(one)), bench.now)
        assert await bench.status(two) is Status.STARTING


async def test_the_limits_are_never_overrun(tmp_path: Path) -> None:
    rules = replace(RULES, max_running=4, max_running_per_repository=2, max_running_per_owner=3)
    async with opened(tmp_path, rules) as bench:
        for number in range(30):
            person = Person(number % 3, f"p{number % 3}")
            await bench.ask(number=number, repository=100 + number % 4, sender=person)
        while True:
            busy = await bench.rows(
                "SELECT id, repository_id, owner_id FROM tasks "
                "WHERE status IN ('starting', 'running')"
            )
            if not busy:
                break
            assert len(busy) <= 4
            assert max(Counter(row[1] for row in busy).values()) <= 2
            assert max(Counter(row[2] for row in busy).values()) <= 3
            event = events.PermissionLost(busy[-1][0], 1, 1)
            await bench.store.apply(event, bench.now)
        left = await bench.rows("SELECT count(*) FROM tasks WHERE status = 'queued'")
    assert left == [(0,)], "nobody is forgotten"


async def test_a_person_has_only_so_many_tasks_waiting(tmp_path: Path) -> None:
    rules = replace(WIDE, max_running=0, max_queued_per_owner=2)
    async with opened(tmp_path, rules) as bench:
        one = await bench.ask(number=1)
        await bench.ask(number=2)
        refused = await bench.ask(number=3)
        assert await bench.status(refused) is Status.REJECTED
        assert await bench.status(await bench.ask(number=4, sender=Person(2, "bob")))
        waiting = "SELECT count(*) FROM tasks WHERE status = 'queued' AND owner_id = 1"
        assert await bench.rows(waiting) == [(2,)]
        await bench.store.apply(events.TargetGone(one.id, "gone"), bench.now)
        await bench.ask(number=5)
        assert await bench.rows(waiting) == [(2,)]


async def test_a_burst_of_a_thousand_commands_of_one_person_loses_none(tmp_path: Path) -> None:
    async with opened(tmp_path, RULES) as bench:
        for number in range(1_000):
            await bench.ask(number=number)
        found = dict(await bench.rows("SELECT status, count(*) FROM tasks GROUP BY status"))
        assert found == {"starting": 3, "queued": 997}


async def test_many_can_wait_behind_a_full_repository(tmp_path: Path) -> None:
    async with opened(tmp_path, replace(RULES, max_running=10)) as bench:
        first = [await bench.ask(number=number) for number in range(3)]

        def many(db: Any) -> None:
            for number in range(1000):
                waiting = task_in(
                    id=id_of(10**6 + number), name=f"n-{number}", where=replace(HERE, number=number)
                )
                branches = replace(waiting.branches, name=waiting.name)
                tasks.save(db, replace(waiting, branches=branches, version=0), None)

        await bench.do(many)
        other = await bench.ask(repository=200, sender=Person(2, "bob"))
        assert await bench.status(other) is Status.STARTING
        assert await bench.do(lambda db: steps(db, partial(turns.next_up, db, RULES, NOON))) < 20
        assert await bench.do(lambda db: steps(db, partial(turns.front, db, 3))) < 20
        assert await line(bench, max_running_per_repository=3) == []
        await bench.store.apply(events.PermissionLost(*of_launch(first[0])), bench.now)
        assert len(await bench.working()) == 4


async def test_a_launch_that_waits_for_its_time_is_not_in_line(bench: Bench) -> None:
    task = await bench.ask()
    waiting = replace(task, clocks=Clocks(retry_at=bench.now + SECOND))
    await bench.do(lambda db: tasks.save(db, waiting, None))
    assert await line(bench) == []
    assert not await bench.do(lambda db: turns.any_to_launch_again(db, bench.now))
    bench.now += SECOND
    assert await line(bench) == [HERE.number]
    assert await bench.do(lambda db: turns.any_to_launch_again(db, bench.now))


async def test_the_place_in_the_queue_counts_from_one(bench: Bench) -> None:
    waiting = [await bench.ask(number=number) for number in range(3)]
    assert [await bench.store.place_in_queue(task.id) for task in waiting] == [1, 2, 3]
    await start(bench, 0)
    assert [await bench.store.place_in_queue(task.id) for task in waiting] == [0, 1, 2]


async def test_places_are_counted_by_turns(bench: Bench) -> None:
    first = [await bench.ask(number=number) for number in range(2)]
    other = await bench.ask(repository=200)
    line = [first[0], other, first[1]]
    assert [await bench.store.place_in_queue(task.id) for task in line] == [1, 2, 3]


async def test_the_next_in_line_see_that_the_queue_has_moved(tmp_path: Path) -> None:
    async with opened(tmp_path, replace(RULES, max_running=1)) as bench:
        started, *waiting = [await bench.ask(number=number) for number in range(6)]
        wishes = "SELECT wished FROM effects WHERE kind = 'EditStatus' ORDER BY id"
        before = [count for (count,) in await bench.rows(wishes)]
        await bench.store.apply(events.PermissionLost(*of_launch(started)), bench.now)
        after = [count for (count,) in await bench.rows(wishes)]
        moved = [new - old for new, old in zip(after, before, strict=True)]
        assert moved == [1, 1, 1, 1, 1, 0], "ended, begun, and the next three"
        assert [await bench.store.place_in_queue(task.id) for task in waiting] == [0, 1, 2, 3, 4]


async def test_a_deleted_task_leaves_a_tombstone_and_nothing_else(bench: Bench) -> None:
    task = await bench.ask()
    assert not await bench.store.delete(task.id, bench.now), "it has not ended"
    await bench.store.apply(events.TargetGone(task.id, "gone"), bench.now)
    await bench.store.logs.append(task.id, 1, [LogLine("info", "hello", NOON)])
    assert await bench.store.delete(task.id, bench.now)
    assert not await bench.store.delete(task.id, bench.now)
    assert await bench.store.task(task.id) is None
    assert await bench.rows("SELECT 1 FROM attempts UNION SELECT 1 FROM timeline") == []
    assert await bench.store.logs.of_task(task.id) == ()
    assert await bench.do(lambda db: tombstones.is_deleted(db, task.id))


async def test_tombstones_are_kept_a_while(bench: Bench) -> None:
    await bench.sql("INSERT INTO tombstones VALUES ('x', ?)", to_text(NOON))
    assert await bench.do(lambda db: tombstones.is_deleted(db, "x"))
    assert not await bench.do(lambda db: tombstones.is_deleted(db, "y"))
    await bench.do(lambda db: tombstones.forget(db, NOON + HOUR, HOUR))
    assert await bench.do(lambda db: tombstones.is_deleted(db, "x"))
    await bench.do(lambda db: tombstones.forget(db, NOON + HOUR + SECOND, HOUR))
    assert not await bench.do(lambda db: tombstones.is_deleted(db, "x"))


# --- times and plans ------------------------------------------------------------------------------

MOMENTS = st.datetimes(
    min_value=datetime(1000, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=datetime(9000, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)


@for_all(MOMENTS, MOMENTS)
def test_times_as_text_say_the_same_and_sort_the_same(one: datetime, other: datetime) -> None:
    assert from_text(to_text(one)) == one
    assert (to_text(one) < to_text(other)) == (one < other)
    assert maybe_text(one) == to_text(one)
    assert maybe_text(None) is None


READS = {
    "load": lambda db: tasks.load(db, "x"),
    "named": lambda db: tasks.named(db, 1, "x"),
    "of an issue": lambda db: tasks.of_issue(db, 1, 2),
    "attempts": lambda db: attempts.of_task(db, "x"),
    "free name": lambda db: tasks.free_name(db, 1, "x"),
    "unfinished": lambda db: tasks.unfinished(db, "true", ()),
    "unfinished of an installation": lambda db: tasks.unfinished(db, "installation_id = ?", (1,)),
    "unfinished of a repository": lambda db: tasks.unfinished(db, "repository_id = ?", (1,)),
    "of a repository": lambda db: tasks.of_repository(db, 1),
    "of a pull request": lambda db: tasks.of_pull(db, 1, 2),
    "due": lambda db: clocks.due(db, NOON),
    "next due": lambda db: clocks.next_due(db, NOON),
    "load of": lambda db: turns.load_of(db, task_in()),
    "next up": lambda db: turns.next_up(db, RULES, NOON),
    "any to launch again": lambda db: turns.any_to_launch_again(db, NOON),
    "line": turns.line,
    "front": lambda db: turns.front(db, 3),
    "waiting of": lambda db: turns.waiting_of(db, 1, 9),
    "timeline": lambda db: timeline.of_task(db, "x"),
    "last number": timeline.last_number,
    "claim": lambda db: outbox.claim(db, NOON, (), 5),
    "any due": lambda db: outbox.any_due(db, NOON, ()),
    "next effect": lambda db: outbox.next_due(db, NOON),
    "mark": lambda db: outbox.forget(db, NOON, HOUR),
    "tokens": lambda db: vault_rows.of_task(db, "x", 1, 1),
    "old tokens": lambda db: vault_rows.forget_expired(db, NOON),
    "old refusals": lambda db: views.forget_refusals(db, NOON),
    "old tombstones": lambda db: tombstones.forget(db, NOON, HOUR),
    "view": lambda db: views.view_for(db, given("/retry brave-otter-4f2"), RULES, NOON),
    "save": lambda db: tasks.save(db, replace(FULL, version=0), None),
}


@pytest.mark.parametrize("name", READS)
async def test_no_list_walks_through_all_there_ever_was(bench: Bench, name: str) -> None:
    def plans(db: Any) -> list[str]:
        said: list[str] = []
        db.conn.set_trace_callback(said.append)
        READS[name](db)
        db.conn.set_trace_callback(None)
        found: list[str] = []
        for statement in said:
            if statement.strip().startswith(("SELECT", "DELETE", "UPDATE", "INSERT")):
                rows = db.conn.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
                found += [row[3] for row in rows]
        return found

    steps = await bench.do(plans)
    assert steps
    big = ("tasks", "t", "b", "e", "earlier", "effects", "timeline", "attempts", "tokens")
    for step in steps:
        words = step.split()
        walk = words[0] == "SCAN" and words[1] in big
        part = any(
            index in step
            for index in ("tasks_busy", "tasks_queued", "tasks_waiting", "effects_due")
        )
        assert not walk or part or "tasks_due" in step, step


async def test_what_apps_asked_for_counts_for_a_day(tmp_path: Path) -> None:
    async with opened(tmp_path, WIDE) as bench:
        robot = Person(3, "robot[bot]")
        for _ in range(5):
            await bench.ask(sender=robot, app="robot")
        assert (await bench.ask(sender=robot, app="robot")).status is Status.REJECTED
        assert (await bench.give(sender=robot, app="robot")).task is None
        assert (await bench.ask(sender=robot, app="robot", number=8)).status is Status.STARTING
        assert (await bench.ask()).status is Status.STARTING
        bench.now += timedelta(days=1)
        await bench.store.forget_old(bench.now, Keep())
        assert await bench.rows("SELECT count(*) FROM app_commands") == [(0,)]
        assert (await bench.ask(sender=robot, app="robot")).status is Status.STARTING


async def test_the_task_of_a_pull_request_is_the_one_that_it_came_of(tmp_path: Path) -> None:
    async with opened(tmp_path, WIDE) as bench:
        store = bench.store
        pull = PullRequest(9, "https://github.test/acme/door/pull/9")
        made = await bench.ask()
        task = await store.task(made.id)
        assert task is not None
        await bench.do(lambda db: tasks.save(db, replace(task, pull=pull), None))
        there = replace(ON_PULL, number=9)
        asked_there = task_in(id=id_of(99), name="n99", where=there, pull=pull, version=0)
        await bench.do(lambda db: tasks.save(db, asked_there, None))
        found = await store.task_of_pull(HERE.repository_id, 9)
        assert found is not None
        assert found.id == made.id
        assert await store.task_of_pull(HERE.repository_id, 8) is None
        assert await store.task_of_pull(200, 9) is None


async def test_a_review_is_decided_once(tmp_path: Path) -> None:
    async with opened(tmp_path, WIDE) as bench:
        store = bench.store
        made = await bench.ask()
        task = await store.task(made.id)
        assert task is not None
        pull = PullRequest(9, "https://github.test/acme/door/pull/9")
        await bench.do(lambda db: tasks.save(db, replace(task, pull=pull), None))
        (one,) = await bench.arrive(0)
        where = replace(ON_PULL, number=9)
        found = given("/fix").found
        said = events.ReviewGiven(one, where, ADA, made.origin, "Nearly.", found)
        for _ in range(2):
            await store.apply(said, bench.now)
        heard = await store.task(made.id)
        assert heard is not None
        assert [message.text for message in heard.pending] == ["Nearly."]
        (two,) = await bench.arrive(0)
        broken = replace(found, config=(ConfigProblem(1, "x", "is wrong"),))
        await store.apply(events.TargetGone(made.id, "gone"), bench.now)
        again = replace(said, task_id=two, found=broken)
        decision = await store.apply(again, bench.now)
        assert decision.refusal is not None
        (three,) = await bench.arrive(0)
        silent = await store.apply(replace(again, task_id=three), bench.now)
        assert silent.effects == ()
        (four,) = await bench.arrive(0)
        elsewhere = replace(said, task_id=four, where=replace(where, number=10))
        assert (await store.apply(elsewhere, bench.now)).task is None
