"""The feed: timeline and log lines of all tasks in one order."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from sqlite_utils import Database

from handlers.decision import Entry
from handlers.events import DeletionRequested, WorkerGone
from storage import timeline
from storage.feed import _TIMELINE, MOST_CHARACTERS, Fed, Feed, Page, _part, _Span, _tasks
from storage.logs import LogLine
from storage.numbers import Numbers
from tests.makers import BOB, NOON, SECOND, completed, of_launch
from tests.storage_support import Bench, opened


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path) as made:
        yield made


def say(*words: str) -> list[LogLine]:
    return [LogLine("command", word, NOON) for word in words]


async def words(bench: Bench, task_id: str | None = None) -> list[str]:
    """All that is fed, read in small pages."""
    found: list[Fed] = []
    page = Page((), 0, more=True)
    while page.more:
        page = await bench.store.feed.page(page.next, 2, task_id)
        found += page.events
    numbers = [one.id for one in found]
    assert numbers == sorted(set(numbers))
    return [one.message for one in found]


async def test_events_carry_what_they_are_and_whose(bench: Bench) -> None:
    task = await bench.ask(sender=BOB, repository=11)
    await bench.store.logs.append(task.id, 1, [LogLine("command", "$ é", NOON - SECOND)])
    entry, *_, line = (await bench.store.feed.page(0, 10)).events
    assert line == Fed(
        line.id, task.id, 1, NOON - SECOND, "command", "$ é", {}, BOB.id, 11, ended=False
    )
    assert entry == Fed(
        1, task.id, 1, bench.now, "status", entry.message, {"status": "queued"}, BOB.id, 11
    )


async def test_both_files_are_merged_by_number(bench: Bench) -> None:
    first = await bench.ask()
    await bench.store.logs.append(first.id, 1, say("a", "b"))
    second = await bench.ask(number=8)
    await bench.store.logs.append(second.id, 1, say("c"))
    await bench.claim(first)
    await bench.store.logs.append(first.id, 1, say("d"))
    assert await words(bench, second.id) == ["/fix was admitted", "starting a worker", "c"]
    assert await words(bench, first.id) == [
        *("/fix was admitted", "starting a worker", "a", "b", "a worker has begun", "d")
    ]
    assert await words(bench) == [
        *(
            "/fix was admitted",
            "starting a worker",
            "a",
            "b",
            "/fix was admitted",
            "starting a worker",
            "c",
        ),
        *("a worker has begun", "d"),
    ]
    assert await words(bench, "another") == []


async def test_pages_say_where_to_go_on(bench: Bench) -> None:
    task = await bench.ask()
    await bench.store.logs.append(task.id, 1, say("a", "b"))
    page = await bench.store.feed.page(0, 3)
    assert (len(page.events), page.next, page.more) == (3, 3, True)
    page = await bench.store.feed.page(page.next, 3)
    assert ([one.message for one in page.events], page.next, page.more) == (["b"], 4, False)
    assert await bench.store.feed.page(4, 3) == Page((), 4, more=False)
    assert bench.store.feed.settled == 4


async def test_a_page_holds_little_where_lines_are_long(bench: Bench) -> None:
    task = await bench.ask()
    most = MOST_CHARACTERS // 50_000
    await bench.store.logs.append(task.id, 1, say(*("x" * 50_000 for _ in range(20))))
    await bench.claim(task)
    await bench.store.logs.append(task.id, 1, say("the end"))
    for task_id in (None, task.id):
        first = await bench.store.feed.page(2, 100, task_id)
        assert (len(first.events), first.more) == (most, True)
        assert sum(len(one.message) for one in first.events) <= MOST_CHARACTERS + 50_000
        assert await words(bench, task_id) == [
            *("/fix was admitted", "starting a worker", *["x" * 50_000] * 20),
            *("a worker has begun", "the end"),
        ]


async def test_nothing_is_fed_above_a_number_that_is_open(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        task = await bench.ask()
        numbers = Numbers(50)
        ours, other = numbers.book(), numbers.book()
        feed = Feed(bench.engine, bench.store.logs, numbers)
        other.take()
        entries = [Entry("info", "later")]
        await bench.do(lambda db: timeline.append(db, ours, task, entries, NOON))
        ours.close()
        assert (await feed.page(50, 10)).events == ()
        other.close()
        assert [one.id for one in (await feed.page(50, 10)).events] == [52]


async def test_what_is_left_of_tasks_that_are_gone_is_left_out(bench: Bench) -> None:
    gone, going, kept = [await bench.ask(number=number) for number in (1, 2, 3)]
    for task in (gone, going, kept):
        await bench.store.logs.append(task.id, 1, say(f"line of {task.where.number}") * 3)
    await bench.sql("DELETE FROM tasks WHERE id = ?", gone.id)
    await bench.store.apply(DeletionRequested(going.id, going.owner), NOON)
    assert "line of 2" in await words(bench), "its worker is still to be stopped"
    await bench.store.apply(WorkerGone(*of_launch(going)), NOON)
    assert await words(bench) == ["/fix was admitted", "starting a worker", *["line of 3"] * 3]
    assert await words(bench, gone.id) == await words(bench, going.id) == []
    assert await bench.store.feed.last_of_ended(going.id) is None


async def test_the_end_of_a_task_is_known_with_its_last_event(bench: Bench) -> None:
    task = await bench.ask("/ask why")
    await bench.claim(task)
    assert await bench.store.feed.last_of_ended(task.id) is None
    assert not any(one.ended for one in (await bench.store.feed.page(0, 10)).events)
    await bench.store.apply(completed(task, summary="So."), bench.now)
    fed = (await bench.store.feed.page(0, 10)).events
    assert all(one.ended for one in fed)
    assert await bench.store.feed.last_of_ended(task.id) == fed[-1].id
    await bench.store.logs.append(task.id, 1, say("late"))
    assert await bench.store.feed.last_of_ended(task.id) == fed[-1].id + 1
    assert await bench.store.feed.last_of_ended("another") is None


class Heard:
    """What a listener was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def settled(self) -> None:
        self.told.append("settled")

    def removed(self, task_id: str) -> None:
        self.told.append(task_id)


async def test_somebody_may_listen(bench: Bench) -> None:
    heard = Heard()
    bench.store.feed.listen(heard)
    task = await bench.ask("/ask why")
    assert set(heard.told) == {"settled"}
    await bench.sql("UPDATE tasks SET doc = json_set(doc, '$.status', 'failed')")
    heard.told.clear()
    assert await bench.store.delete(task.id, NOON)
    assert not await bench.store.delete(task.id, NOON)
    assert heard.told == [task.id] * 2, "a deletion that was cut short is told when it is repeated"
    bench.store.feed.listen(None)
    another = await bench.ask("/ask why")
    await bench.sql("UPDATE tasks SET doc = json_set(doc, '$.status', 'failed')")
    assert await bench.store.delete(another.id, NOON)
    assert heard.told == [task.id] * 2


@pytest.mark.parametrize("task_id", [None, "x"])
async def test_pages_are_found_by_an_index(bench: Bench, task_id: str | None) -> None:
    asked: list[str] = []

    def watched(db: Database) -> None:
        db.conn.set_trace_callback(asked.append)
        _part(db, _TIMELINE, span)
        db.conn.set_trace_callback(None)

    span = _Span(0, 9, 5, task_id)
    await bench.engine.read(watched)
    (statement,) = asked
    for table, read in (("timeline", bench.engine.read), ("lines", bench.store.logs.read)):
        explain = f"EXPLAIN QUERY PLAN {statement.replace('data FROM timeline', f'1 FROM {table}')}"
        plan = str(await read(lambda db, explain=explain: db.conn.execute(explain).fetchall()))
        assert "SEARCH" in plan
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan


async def test_whose_events_are_is_looked_up_and_not_searched_for(bench: Bench) -> None:
    asked: list[str] = []

    def watched(db: Database) -> None:
        db.conn.set_trace_callback(asked.append)
        _tasks(db, ["x", "y"])
        db.conn.set_trace_callback(None)

    await bench.engine.read(watched)
    (plan,) = [str(await bench.rows(f"EXPLAIN QUERY PLAN {one}")) for one in asked]
    assert "SCAN tasks" not in plan
    assert "SCAN listed" not in plan
