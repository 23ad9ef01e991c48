"""Making one group of the jobs that come at about the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from storage.jobs import Job, deliver_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


QUIET_TURNS = 4
"""Turns of the loop without a new job after which a group is complete; some 10 µs each."""


class Gathering:
    """What waits for the writer, which has one group at a time; lives on the event loop.

    The writer is not called for the first job: others are often a few requests behind it, and
    calling it costs as much as they do. It is called when a few turns of the loop have brought
    nothing new, so nobody waits long for something that may never come.

    Args:
        give: Hands a group over.
        most: The largest group.
    """

    def __init__(self, give: Callable[[list[Job]], None], most: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._give = give
        self._most = most
        self._waiting: list[Job] = []
        self._seen = self._quiet = 0
        self._busy = False
        self._ended: asyncio.Future[None] | None = None

    def add(self, job: Job) -> None:
        """Let a job be done with the next group."""
        self._waiting.append(job)
        if not self._busy and len(self._waiting) == 1:
            self._loop.call_soon(self._look)

    def done(self, jobs: Sequence[Job]) -> None:
        """Wake the callers of a group that was done, and go on with what has come meanwhile."""
        self._busy = False
        deliver_all(jobs)
        if self._waiting:
            self._loop.call_soon(self._look)
        elif self._ended is not None:
            self._ended.set_result(None)

    async def end(self) -> None:
        """Wait until everything that was added is done; nothing is added any more."""
        if self._busy or self._waiting:
            self._ended = self._loop.create_future()
            await self._ended

    def _look(self) -> None:
        count = len(self._waiting)
        self._quiet = self._quiet + 1 if count == self._seen else 0
        self._seen = count
        if count < self._most and self._quiet < QUIET_TURNS:
            self._loop.call_soon(self._look)
            return
        self._busy = True
        self._quiet = self._seen = 0
        group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        self._give(group)
