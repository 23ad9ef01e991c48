"""Copies of a database in use, what they know, and how one goes on from them."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from handlers.task import Status
from storage import StorageFailed, Store, backup
from storage.connections import try_out
from tests.makers import MINUTE, NOON, RULES
from tests.storage_support import opened


async def copied(source: Path, folder: Path) -> Path:
    """A marked copy, as a data folder has it."""

    def work() -> Path:
        folder.mkdir()
        target = folder / "bellhop.db"
        backup.copy(source, target)
        backup.mark(target, NOON)
        backup.check(target)
        return target

    return await asyncio.to_thread(work)


async def test_a_copy_has_all_that_was_committed_while_others_write(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        before = [await bench.ask(number=number) for number in range(1, 20)]

        async def go_on() -> None:
            for number in range(20, 60):
                await bench.ask(number=number)

        writing = asyncio.create_task(go_on())
        target = await copied(tmp_path / "bellhop.db", tmp_path / "copy")
        await writing
    store = await Store.open(target, RULES)
    try:
        assert [await store.task(task.id) for task in before] != [None] * len(before)
        assert all([await store.task(task.id) for task in before])
    finally:
        await store.close()


async def test_a_start_from_a_copy_begins_with_care(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        tasks = [await bench.ask(number=number) for number in range(1, 6)]
        await bench.owed(2)
        await bench.sql(
            "INSERT INTO sessions VALUES (x'00', 's', 1, 'ada', '', ?, ?, ?)", *["2026"] * 3
        )
        await bench.sql("INSERT INTO user_tokens VALUES (1, 'ada', x'00', NULL, NULL)")
        target = await copied(tmp_path / "bellhop.db", tmp_path / "copy")
    async with opened(target.parent) as bench:
        store = bench.store
        assert store.held == NOON
        await store.hold()
        tries = await bench.rows("SELECT DISTINCT tries FROM effects WHERE state = 'waiting'")
        assert tries == [(1,)]
        assert await bench.rows("SELECT count(*) FROM sessions") == [(0,)]
        assert await bench.rows("SELECT count(*) FROM user_tokens") == [(0,)]
        assert set(await store.unfinished()) == {task.id for task in tasks}
        waiting = [task for task in tasks if await bench.status(task) is Status.QUEUED]
        await store.restarted(bench.now)
        busy = await bench.working()
        assert len(waiting) == len(tasks) - len(busy)
        await bench.sql("UPDATE effects SET due_at = '2026'")
        assert {one.tries for one in await bench.owed()} == {2}
        await store.go_on(bench.now)
        assert store.held is None
    async with opened(target.parent) as bench:
        assert bench.store.held is None


async def test_nobody_is_given_a_place_before_it_goes_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        for number in range(1, 5):
            await bench.ask(number=number)
        assert len(await bench.working()) == RULES.max_running_per_repository
        target = await copied(tmp_path / "bellhop.db", tmp_path / "copy")
    async with opened(target.parent) as bench:
        await bench.sql("DELETE FROM tasks WHERE status = 'starting'")
        await bench.store.restarted(bench.now + MINUTE)
        assert await bench.working() == []
        await bench.store.go_on(bench.now + MINUTE)
        assert len(await bench.working()) == 1


def test_a_database_is_tried_out_without_a_change(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (x)")
        before = path.read_bytes()
        assert try_out(path) == 1
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            try_out(path, patience=0.01)
    assert path.read_bytes() == before
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        try_out(tmp_path / "absent.db")


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    none = tmp_path / "none.db"
    none.write_text("this is no database, however long it is" * 99)
    with pytest.raises(StorageFailed, match=r"none\.db cannot be copied: file is not a database"):
        backup.copy(none, tmp_path / "copy.db")
    with pytest.raises(StorageFailed, match="no database of Bellhop's"):
        backup.mark(none, NOON)
    with pytest.raises(StorageFailed, match=r"none\.db is damaged"):
        backup.check(none)
    with pytest.raises(StorageFailed, match="cannot be copied"):
        backup.copy(tmp_path / "absent.db", tmp_path / "copy.db")


def test_a_damaged_copy_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (x TEXT)")
        db.execute("CREATE INDEX i ON t (x)")
        db.executemany("INSERT INTO t VALUES (?)", [(f"{number:0200d}",) for number in range(500)])
        db.commit()
    backup.check(path)
    content = bytearray(path.read_bytes())
    content[8 * 4096 : 9 * 4096] = bytes(4096)
    path.write_bytes(content)
    with pytest.raises(StorageFailed, match="is damaged"):
        backup.check(path)
