"""A thread that owns one connection: a `Database` never crosses threads."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from storage.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlite_utils import Database

GroupQueue = SimpleQueue[list[Job] | None]
"""What lanes take from: groups of jobs; `None` ends one lane."""


class Lane:
    """One thread, one connection, groups of jobs from a queue.

    Args:
        name: The thread's name, for people who look at a stuck process.
        groups: Where the work comes from; several lanes may share it.
        connect: Opens the connection, on the thread.
        perform: Does a group of jobs and sets their results or errors; raises nothing.
        done: Called on the event loop with a group that was done.
        finish: Closes the connection, on the thread.
    """

    def __init__(
        self,
        name: str,
        groups: GroupQueue,
        *,
        connect: Callable[[], Database],
        perform: Callable[[Database, Sequence[Job]], None],
        done: Callable[[Sequence[Job]], None],
        finish: Callable[[Database], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._groups = groups
        self._connect = connect
        self._perform = perform
        self._done = done
        self._finish = finish
        self._started: asyncio.Future[None] = self._loop.create_future()
        self._ended = asyncio.Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    async def start(self) -> None:
        """Start the thread and wait until its connection is open.

        Raises:
            Exception: Whatever `connect` raised; the thread has ended then.
        """
        self._thread.start()
        await self._started

    async def ended(self) -> None:
        """Wait until the thread has taken its `None` and closed its connection."""
        await self._ended.wait()
        self._thread.join()

    def _run(self) -> None:
        try:
            db = self._connect()
        except Exception as error:  # noqa: BLE001 - raised where `start` is awaited
            self._call(self._started.set_exception, error)
            return
        self._call(self._started.set_result, None)
        while jobs := self._groups.get():
            self._perform(db, jobs)
            self._call(self._done, jobs)
        self._finish(db)
        self._call(self._ended.set)

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        # The loop may be gone when the process is torn down; then nobody waits for the answer.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)
