from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlite_utils import Migrations

from storage.checkpoints import Checkpointer, checkpoint
from storage.lock import FolderInUse, FolderLock
from storage.sqlite import Engine, StorageFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
    from pathlib import Path

    from sqlite_utils import Database

migrations = Migrations("notes")


@migrations()
def notes(db: Database) -> None:
    db.executescript("CREATE TABLE notes (text TEXT PRIMARY KEY) STRICT;")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = await Engine.open(tmp_path / "notes.db", migrations=migrations)
    yield engine
    await engine.close()


def add(text: str) -> Callable[[Database], str]:
    def work(db: Database) -> str:
        db.conn.execute("INSERT INTO notes VALUES (?)", (text,))
        return text

    return work


def add_all(db: Database, texts: Sequence[str]) -> list[str]:
    marks = ",".join(["(?)"] * len(texts))
    db.conn.execute(f"INSERT INTO notes VALUES {marks}", list(texts))
    return [f"{text} of {len(texts)}" for text in texts]


def texts(db: Database) -> list[str]:
    return [text for (text,) in db.conn.execute("SELECT text FROM notes ORDER BY rowid")]


async def hold(engine: Engine) -> tuple[asyncio.Task[None], threading.Event]:
    """Keep the writer busy, so that what is given meanwhile becomes one group."""
    begun, release = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work(_: Database) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert release.wait(30)

    holding = asyncio.create_task(engine.write(work))
    await begun.wait()
    return holding, release


def started(*works: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(work) for work in works]


async def test_a_read_sees_every_write_that_was_awaited(engine: Engine) -> None:
    for number in range(20):
        assert await engine.write(add(str(number))) == str(number)
        assert len(await engine.read(texts)) == number + 1


async def test_what_was_written_survives_in_the_file(tmp_path: Path, engine: Engine) -> None:
    await asyncio.gather(*(engine.write(add(str(number))) for number in range(500)))
    with closing(sqlite3.connect(tmp_path / "notes.db")) as other:
        assert other.execute("SELECT count(*) FROM notes").fetchone() == (500,)


async def test_waiting_writes_share_one_commit_and_keep_their_order(
    tmp_path: Path, engine: Engine
) -> None:
    seen: list[int] = []

    def count_elsewhere(db: Database) -> None:
        db.conn.execute("INSERT INTO notes VALUES (?)", (str(len(seen)),))
        with closing(sqlite3.connect(tmp_path / "notes.db")) as other:
            seen.append(other.execute("SELECT count(*) FROM notes").fetchone()[0])

    holding, release = await hold(engine)
    writes = [asyncio.create_task(engine.write(count_elsewhere)) for _ in range(10)]
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(holding, *writes)
    assert seen == [0] * 10
    assert await engine.read(texts) == [str(number) for number in range(10)]


async def test_an_exception_undoes_only_the_work_that_raised_it(engine: Engine) -> None:
    def bad(db: Database) -> None:
        add("lost")(db)
        raise LookupError("my own mistake")

    holding, release = await hold(engine)
    writes = started(engine.write(add("a")), engine.write(bad), engine.write(add("b")))
    await asyncio.sleep(0)
    release.set()
    first, second, third = await asyncio.gather(*writes, return_exceptions=True)
    await holding
    assert (first, third) == ("a", "b")
    assert isinstance(second, LookupError)
    assert await engine.read(texts) == ["a", "b"]


@pytest.mark.parametrize("error", [StopIteration, sqlite3.OperationalError, ZeroDivisionError])
async def test_every_kind_of_exception_reaches_its_caller(
    engine: Engine, error: type[Exception]
) -> None:
    def bad(_: Database) -> None:
        raise error

    for give in (engine.write, engine.read):
        with pytest.raises((error, RuntimeError)):
            await give(bad)
    assert await engine.write(add("fine")) == "fine"


async def test_neighbours_with_the_same_work_run_at_once(engine: Engine) -> None:
    holding, release = await hold(engine)
    writes = started(
        engine.write_together(add_all, "a"),
        engine.write_together(add_all, "b"),
        engine.write(add("between")),
        engine.write_together(add_all, "c"),
    )
    await asyncio.sleep(0)
    release.set()
    assert await asyncio.gather(*writes) == ["a of 2", "b of 2", "between", "c of 1"]
    await holding


async def test_one_statement_is_a_transaction_of_its_own(engine: Engine) -> None:
    holding, release = await hold(engine)
    writes = started(*(engine.write_together(add_all, text) for text in "abc"))
    await asyncio.sleep(0)
    release.set()
    assert await asyncio.gather(*writes) == ["a of 3", "b of 3", "c of 3"]
    await holding
    assert await engine.read(texts) == ["a", "b", "c"]


async def test_a_bad_item_spoils_none_of_its_neighbours(engine: Engine) -> None:
    await engine.write(add("b"))
    holding, release = await hold(engine)
    writes = started(*(engine.write_together(add_all, text) for text in "abc"))
    await asyncio.sleep(0)
    release.set()
    first, second, third = await asyncio.gather(*writes, return_exceptions=True)
    await holding
    assert (first, third) == ("a of 1", "c of 1")
    assert isinstance(second, sqlite3.IntegrityError)
    assert await engine.read(texts) == ["b", "a", "c"]


async def test_a_full_disk_fails_the_whole_group_and_can_be_got_over(engine: Engine) -> None:
    def fill(db: Database) -> None:
        pages = db.conn.execute("PRAGMA page_count").fetchone()[0]
        db.conn.execute(f"PRAGMA max_page_count = {pages}")

    def make_room(db: Database) -> None:
        db.conn.execute("PRAGMA max_page_count = 1000000")

    await engine.write(fill)
    holding, release = await hold(engine)
    writes = started(engine.write(add("small")), engine.write(add("x" * 100_000)))
    await asyncio.sleep(0)
    release.set()
    results = await asyncio.gather(*writes, return_exceptions=True)
    await holding
    assert [str(result) for result in results] == [
        "The database failed: database or disk is full."
    ] * 2
    with pytest.raises(StorageFailed):
        await engine.write_together(add_all, "y" * 100_000)
    assert await engine.read(texts) == []
    await engine.write(make_room)
    assert await engine.write(add("x" * 100_000)) == "x" * 100_000


@pytest.mark.parametrize("beside", [True, False])
async def test_work_that_forgets_a_result_fails_its_group(engine: Engine, beside: bool) -> None:
    def forget(_: Database, texts: Sequence[str]) -> list[str]:
        return list(texts)[1:]

    holding, release = await hold(engine)
    writes = started(engine.write_together(forget, "a"), engine.write_together(forget, "b"))
    if beside:
        writes += started(engine.write(add("beside")))
    await asyncio.sleep(0)
    release.set()
    results = await asyncio.gather(*writes, return_exceptions=True)
    await holding
    assert {type(result) for result in results} == {StorageFailed}
    assert await engine.write(add("fine")) == "fine"
    assert await engine.read(texts) == ["fine"]


async def test_work_that_ends_the_transaction_fails_its_group(engine: Engine) -> None:
    def meddle(db: Database) -> None:
        db.conn.execute("ROLLBACK")
        raise LookupError("after the fact")

    with pytest.raises(StorageFailed, match="ended early: after the fact"):
        await engine.write(meddle)
    assert await engine.write(add("fine")) == "fine"


async def test_a_commit_that_is_refused_stores_nothing(engine: Engine) -> None:
    def owe(db: Database) -> None:
        db.conn.execute(
            "CREATE TABLE debts (note TEXT REFERENCES notes (text) DEFERRABLE INITIALLY DEFERRED)"
        )
        db.conn.execute("INSERT INTO debts VALUES ('nobody')")

    with pytest.raises(StorageFailed, match="refused: FOREIGN KEY"):
        await engine.write(owe)
    assert engine.failing
    assert await engine.write(add("fine")) == "fine"
    assert not engine.failing


async def test_a_file_that_is_damaged_is_said_to_be(tmp_path: Path, engine: Engine) -> None:
    await engine.close()
    path = tmp_path / "notes.db"
    content = path.read_bytes()
    page = int.from_bytes(content[16:18], "big")
    path.write_bytes(content[:page] + b"\xff" * page * 5)
    with pytest.raises(StorageFailed, match=r"notes\.db cannot be brought up to date: .*malformed"):
        await Engine.open(path, migrations=migrations)


async def test_damage_that_shows_later_fails_the_read(tmp_path: Path, engine: Engine) -> None:
    await engine.write(add("x" * 100_000))
    await engine.close()
    path = tmp_path / "notes.db"
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + b"\xff" * (len(content) - middle))
    again = await Engine.open(path, migrations=migrations)
    with pytest.raises(StorageFailed, match="malformed"):
        await again.read(texts)
    await again.close()


async def test_a_cancelled_caller_leaves_the_others_alone(engine: Engine) -> None:
    holding, release = await hold(engine)
    first, second = started(engine.write(add("first")), engine.write(add("second")))
    await asyncio.sleep(0)
    first.cancel()
    release.set()
    assert await second == "second"
    await holding
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await engine.read(texts) == ["first", "second"]


async def test_a_reader_cannot_write(engine: Engine) -> None:
    with pytest.raises(StorageFailed, match="readonly"):
        await engine.read(add("x"))


async def test_a_read_looks_at_one_moment(tmp_path: Path, engine: Engine) -> None:
    def twice(db: Database) -> tuple[int, int]:
        before = len(texts(db))
        with closing(sqlite3.connect(tmp_path / "notes.db")) as other, other:
            other.execute("INSERT INTO notes VALUES ('meanwhile')")
        return before, len(texts(db))

    assert await engine.read(twice) == (0, 0)
    assert await engine.read(texts) == ["meanwhile"]


async def test_close_finishes_what_was_given_and_empties_the_log(tmp_path: Path) -> None:
    engine = await Engine.open(tmp_path / "notes.db", migrations=migrations)
    writes = started(*(engine.write(add(str(number))) for number in range(50)))
    reads = started(*(engine.read(texts) for _ in range(5)))
    await asyncio.sleep(0)
    await engine.close()
    await engine.close()
    assert len(await asyncio.gather(*writes)) == 50
    await asyncio.gather(*reads)
    assert not (tmp_path / "notes.db-wal").exists()
    for give in (engine.write, engine.read):
        with pytest.raises(StorageFailed, match="closed"):
            await give(texts)


async def test_more_work_than_a_group_holds(engine: Engine) -> None:
    holding, release = await hold(engine)
    writes = started(*(engine.write(add(str(number))) for number in range(700)))
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(holding, *writes)
    assert len(await engine.read(texts)) == 700


@pytest.mark.parametrize("content", [b"this is no database, " * 500, None])
async def test_what_cannot_be_opened_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "absent" / "notes.db"
    if content is not None:
        path = tmp_path / "notes.db"
        path.write_bytes(content)
    with pytest.raises(StorageFailed, match=r"notes\.db cannot be used as the database"):
        await Engine.open(path, migrations=migrations)


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    newer = Migrations("notes")
    newer(name="notes")(notes)
    newer(name="shelves")(lambda db: db.conn.execute("CREATE TABLE shelves (id)"))
    await (await Engine.open(tmp_path / "notes.db", migrations=newer)).close()
    with pytest.raises(StorageFailed, match=r"newer Bellhop .* unknown step shelves"):
        await Engine.open(tmp_path / "notes.db", migrations=migrations)


@pytest.mark.parametrize(("large", "modes"), [(1000, ["PASSIVE"]), (10, ["PASSIVE", "RESTART"])])
def test_a_long_log_is_begun_anew(tmp_path: Path, large: int, modes: list[str]) -> None:
    path = tmp_path / "notes.db"
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as db,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("CREATE TABLE notes (text)")
        db.execute("INSERT INTO notes VALUES (zeroblob(200000))")
        statements: list[str] = []
        other.set_trace_callback(statements.append)
        checkpoint(other, large)
    assert statements == [f"PRAGMA wal_checkpoint({mode})" for mode in modes]


def test_the_checkpointer_moves_pages_while_nobody_writes(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("CREATE TABLE notes (text)")
        db.execute("INSERT INTO notes VALUES (zeroblob(200000))")
        small = path.stat().st_size
        checkpointer = Checkpointer(path, period=0.001)
        checkpointer.start()
        waiting = threading.Event()
        for _ in range(1000):
            if path.stat().st_size > small + 200_000:
                break
            waiting.wait(0.005)
        checkpointer.stop()
        assert path.stat().st_size > small + 200_000


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    with FolderLock(tmp_path), pytest.raises(FolderInUse) as refused:
        FolderLock(tmp_path)
    assert str(refused.value) == (
        f"The data folder {tmp_path} is in use by another Bellhop (process {os.getpid()}). "
        "Stop that one first, or give this one a data folder of its own."
    )
    FolderLock(tmp_path).release()
