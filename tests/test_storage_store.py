"""The files of a store, and what is kept in them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from handlers import events
from handlers.commands import Role
from handlers.task import Status
from storage import Store
from storage.keeping import Keep
from storage.logs import LogLine
from storage.numbers import UNUSED
from storage.sqlite import StorageFailed
from tests.makers import (
    HEAD,
    HOUR,
    MINUTE,
    NOON,
    RULES,
    SECOND,
    id_of,
    of_launch,
    task_in,
)
from tests.storage_support import Bench, opened


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path) as made:
        yield made


async def test_it_is_known_when_something_has_to_be_done_next(bench: Bench) -> None:
    assert await bench.store.next_due(NOON) is None
    task = await bench.ask()
    for one in await bench.owed():
        await bench.store.mark(one, "done", bench.now)
    assert await bench.store.next_due(bench.now) is None
    await bench.claim(task)
    heard_by = bench.now + 2 * MINUTE
    (edit,) = await bench.owed()
    assert await bench.store.next_due(bench.now) == heard_by
    await bench.store.postpone(edit, bench.now + SECOND, "later")
    assert await bench.store.next_due(bench.now) == bench.now + SECOND
    assert await bench.store.due(heard_by - SECOND) == ()
    assert await bench.store.due(heard_by) == (task.id,)
    assert await bench.store.next_due(heard_by) == heard_by, "what is overdue is due at once"


async def test_what_is_not_there_is_none(bench: Bench) -> None:
    assert await bench.store.task("x") is None
    assert await bench.store.brief("x") is None
    assert await bench.store.named(1, "x") is None
    assert (await bench.store.claim(NOON, (), 10)).owed == ()
    assert await bench.store.recall("x") is None


async def test_facts_about_bellhop_itself_are_kept(bench: Bench) -> None:
    await bench.store.remember("app", "1")
    await bench.store.remember("app", "2")
    assert await bench.store.recall("app") == "2"


async def test_what_is_old_is_forgotten(bench: Bench) -> None:
    await bench.ask(role=Role.TRIAGE)
    await bench.store.keep_token(task_in(Status.RUNNING), b"s", NOON + HOUR, NOON)
    await bench.sql("INSERT INTO tombstones VALUES ('x', '2026-03-01T12:00:00.000000Z')")
    for one in await bench.owed():
        await bench.store.mark(one, "done", bench.now)
    await bench.store.logs.append("x", 1, [LogLine("info", "hello", NOON)])
    tables = ("refusals", "tombstones", "effects", "tokens", "deliveries")

    async def left() -> list[str]:
        found = [table for table in tables if await bench.rows(f"SELECT 1 FROM {table} LIMIT 1")]
        return [*found, *(["logs"] if await bench.store.logs.of_task("x") else [])]

    days = timedelta(days=1)
    found = []
    for age in (timedelta(0), 2 * HOUR, 15 * days, 25 * days, 31 * days):
        await bench.store.forget_old(NOON + age, Keep(10 * days, 30 * days, 20 * days))
        found.append(await left())
    assert found == [
        ["refusals", "tombstones", "effects", "tokens", "deliveries", "logs"],
        ["tombstones", "effects", "deliveries", "logs"],
        ["tombstones", "logs"],
        ["logs"],
        [],
    ]


async def test_numbers_grow_over_both_files_and_across_a_restart(tmp_path: Path) -> None:
    async def numbers(bench: Bench, task_id: str) -> tuple[list[int], list[int]]:
        happened = [one.id for one in await bench.store.timeline(task_id)]
        return happened, [number for number, _ in await bench.store.logs.of_task(task_id)]

    line = LogLine("info", "hello", NOON)
    async with opened(tmp_path) as bench:
        task = await bench.ask()
        await bench.store.logs.append(task.id, 1, [line, line])
        await bench.claim(task)
        assert await numbers(bench, task.id) == ([1, 2, 5], [3, 4])
        await bench.store.logs.append(task.id, 1, [line])
    async with opened(tmp_path) as bench:
        bench.count = 50
        await bench.store.apply(events.Pushed(*of_launch(task), HEAD), NOON)
        later = UNUSED + 7
        assert await numbers(bench, task.id) == ([1, 2, 5, later], [3, 4, 6])
        assert [one.id for one in await bench.store.timeline(task.id, after=5)] == [later]


@pytest.mark.parametrize("spoilt", ["bellhop.db", "bellhop-logs.db"])
async def test_a_file_that_is_no_database_is_named(tmp_path: Path, spoilt: str) -> None:
    (tmp_path / spoilt).write_bytes(b"no database, but long enough to be read as one" * 100)
    with pytest.raises(StorageFailed, match=spoilt):
        await Store.open(tmp_path / "bellhop.db", RULES)


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        pass
    with pytest.raises(StorageFailed, match="closed"):
        await bench.store.task(id_of(1))
