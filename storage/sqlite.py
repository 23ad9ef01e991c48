"""The engine: one writer thread that commits in groups, a few readers, one file.

A durable commit costs one `fsync`, whatever it holds. So the writer takes everything that waits,
gives each piece a savepoint of its own, commits once, and only then tells the callers: the more
there is to do, the cheaper each piece becomes, and an answer always means that the disk has it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from storage.checkpoints import Checkpointer, empty_log
from storage.connections import StorageFailed, Synchronous, open_reader, open_writer
from storage.gathering import Gathering
from storage.jobs import Job, Work, commit_together, deliver_all, read_alone
from storage.lanes import GroupQueue, Lane
from storage.schema import bring_up_to_date
from storage.timings import SHORT, Timings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlite_utils import Database, Migrations

__all__ = ["Engine", "StorageFailed"]

T = TypeVar("T")
Item = TypeVar("Item")

LARGEST_GROUP = 256
"""Jobs in one commit: enough to share an `fsync`, few enough that nobody waits long for it."""


class Engine:
    """One SQLite file, used by this process alone; made by `Engine.open`."""

    def __init__(self, path: Path, group_ended: Callable[[], None]) -> None:
        self._path = path
        self._group_ended = group_ended
        self._writes = GroupQueue()
        self._reads = GroupQueue()
        self._gathering = Gathering(self._writes.put, LARGEST_GROUP)
        self._readers: list[Lane] = []
        self._checkpointer = Checkpointer(path)
        self._open = False
        self.commits = Timings(SHORT)
        """How long transactions took, each with all that was done in it."""
        self.failing = False
        """Whether the last write failed for the database's own reasons."""

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        migrations: Migrations,
        readers: int = 3,
        synchronous: Synchronous = "FULL",
        group_ended: Callable[[], None] = lambda: None,
        migrate: bool = True,
    ) -> Engine:
        """Open the file, make it if it is absent, and bring its tables up to date.

        Args:
            path: The database file; its folder exists.
            migrations: The steps that make its tables.
            readers: How many reads can go on at the same time.
            synchronous: "FULL" loses nothing that was answered, "NORMAL" may lose the last moments
                when the machine loses power.
            group_ended: Called on the writer's thread when a group of writes was committed or
                rolled back, before anybody hears what became of it.
            migrate: Whether tables may be changed: not while another process uses the file.

        Raises:
            StorageFailed: The file cannot be opened, is no database, or is of another version.
        """
        engine = cls(path, group_ended)
        connect = partial(_open_up_to_date, path, migrations, synchronous, migrate)
        await engine._start(connect, readers)
        return engine

    async def _start(self, connect: Callable[[], Database], readers: int) -> None:
        self._writer = Lane(
            "bellhop-writer",
            self._writes,
            connect=connect,
            perform=self._commit,
            done=self._gathering.done,
            finish=_close_writer,
        )
        await self._writer.start()
        for number in range(readers):
            reader = Lane(
                f"bellhop-reader-{number}",
                self._reads,
                connect=partial(open_reader, self._path),
                perform=read_alone,
                done=deliver_all,
                finish=_close_reader,
            )
            await reader.start()
            self._readers.append(reader)
        self._checkpointer.start()
        self._open = True

    async def write(self, work: Callable[[Database], T]) -> T:
        """Run `work` on the writer thread and return its result once it is durable.

        `work` runs inside a savepoint of the group's transaction and neither commits nor rolls
        back. What it raises undoes its own writes only. When the caller is cancelled, the work may
        still be done.

        Raises:
            StorageFailed: Disk full, input or output error, locked: nothing was stored.
            Exception: What `work` raised.
        """
        job = self._job(lambda db, _: [work(db)], None)
        self._gathering.add(job)
        return await self._stored(job.future)

    async def write_together(
        self, work: Callable[[Database, Sequence[Item]], Sequence[T]], item: Item
    ) -> T:
        """Run `work` once for the items of all callers that wait with the same `work`.

        For the hot path: each statement of the writer costs a change of threads, so one statement
        for a hundred rows is far cheaper than a hundred. `work` returns one result for each item,
        in order, and writes by one statement only, which may then be the whole transaction. When
        it raises, it runs again for each item alone.

        Raises:
            StorageFailed: As for `write`.
            Exception: What `work` raised for this item alone.
        """
        job = self._job(work, item, alone=True)
        self._gathering.add(job)
        return await self._stored(job.future)

    async def read(self, work: Callable[[Database], T]) -> T:
        """Run `work` on a reader thread, on one consistent view of all that was committed before.

        Raises:
            StorageFailed: The file cannot be read.
            Exception: What `work` raised.
        """
        job = self._job(lambda db, _: [work(db)], None)
        self._reads.put([job])
        return await job.future

    async def close(self) -> None:
        """Finish what was given, then close the file; a second call does nothing."""
        if not self._open:
            return
        self._open = False
        for _ in self._readers:
            self._reads.put(None)
        for reader in self._readers:
            await reader.ended()
        await asyncio.to_thread(self._checkpointer.stop)
        await self._gathering.end()
        self._writes.put(None)
        await self._writer.ended()

    def _commit(self, db: Database, jobs: Sequence[Job]) -> None:
        start = time.perf_counter()
        commit_together(db, jobs)
        self.commits.add(time.perf_counter() - start)
        self._group_ended()

    async def _stored(self, outcome: asyncio.Future[T]) -> T:
        """What became of a write, which tells whether the database takes any."""
        try:
            return await outcome
        finally:
            if outcome.done() and not outcome.cancelled():
                self.failing = isinstance(outcome.exception(), StorageFailed)

    def _job(self, work: Work, item: object, *, alone: bool = False) -> Job:
        if not self._open:
            raise StorageFailed("The database is closed.")
        return Job(work, item, asyncio.get_running_loop().create_future(), alone)


def _open_up_to_date(
    path: Path,
    migrations: Migrations,
    synchronous: Synchronous,
    migrate: bool,  # noqa: FBT001 - given by a partial
) -> Database:
    try:
        db = open_writer(path, synchronous)
    except sqlite3.Error as error:
        raise StorageFailed(f"{path} cannot be used as the database: {error}.") from error
    try:
        bring_up_to_date(db, migrations, migrate=migrate)
    except sqlite3.Error as error:
        db.close()
        raise StorageFailed(f"{path} cannot be brought up to date: {error}.") from error
    except StorageFailed:
        db.close()
        raise
    return db


def _close_writer(db: Database) -> None:
    empty_log(db)
    db.close()


def _close_reader(db: Database) -> None:
    db.close()
