"""Events to open streams: read once, encoded once, handed to everybody who follows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import structlog

from storage.feed import Fed, Feed

_log = structlog.stdlib.get_logger(__name__)

MOST = 1_000
"""Events that may wait for one stream; a reader that is further behind is dropped, and resumes."""
PAGE = 500
"""Events that are read at once."""
PARTING = 1.0
"""Seconds that streams get to end by themselves when Bellhop stops."""


class Over(Enum):
    """Why nothing more comes."""

    ENDED = auto()
    """The task has ended, and all of its events were handed over."""
    SLOW = auto()
    STOPPED = auto()
    """By Bellhop: the reader may come again."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An event, with the bytes that every stream sends for it."""

    fed: Fed
    raw: bytes


class Follower:
    """What one stream is still to send; made by `Hub.follow`."""

    def __init__(self, task_id: str | None, drop: Callable[[], None]) -> None:
        self.task_id = task_id
        """None: all tasks."""
        self.over: Over | None = None
        self._drop = drop
        self._pieces: list[Piece] = []
        self._waiter: asyncio.Future[None] | None = None

    @property
    def waiting(self) -> bool:
        """Whether there is something to take."""
        return bool(self._pieces)

    def push(self, pieces: Sequence[Piece]) -> None:
        """Hand over some events; who did not take the earlier ones in time is dropped."""
        if self.over is not None:
            return
        if len(self._pieces) + len(pieces) > MOST:
            self._pieces.clear()
            self.finish(Over.SLOW)
            self._drop()
            return
        self._pieces += pieces
        self.wake()

    def finish(self, why: Over) -> None:
        """Nothing more comes."""
        self.over = self.over or why
        self.wake()

    def wake(self) -> None:
        """Let `take` return, whatever there is."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def drop(self) -> None:
        """Cut the connection: its reader does not take what was sent long ago."""
        self._drop()

    async def take(self) -> list[Piece]:
        """What has come; nothing now and then, when all is silent, or when nothing more comes.

        There is no timer for it: a thousand of them at each event would cost as much as sending.
        """
        if not self._pieces and self.over is None:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        pieces, self._pieces = self._pieces, []
        return pieces


class Hub:
    """Reads what is new, once for all, as long as somebody follows.

    Events are handed over in the order of their numbers: a follower that has read the table up to
    the end after it began, and leaves out what it has, misses none and doubles none.

    Args:
        feed: Where events are read.
        encode: Makes the bytes that are sent for an event.
        beat: After so many seconds each follower is woken, so that it looks around.
    """

    def __init__(self, feed: Feed, encode: Callable[[Fed], bytes], beat: float) -> None:
        self.feed = feed
        self._encode = encode
        self._beat = beat
        self._open: set[Follower] = set()
        self._of_all: set[Follower] = set()
        self._of_task: dict[str, set[Follower]] = {}
        self._position = 0
        self._woken = asyncio.Event()
        self._nobody = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._beating: asyncio.TimerHandle | None = None
        self._stopped = False

    @contextlib.contextmanager
    def follow(self, task_id: str | None, drop: Callable[[], None]) -> Generator[Follower]:
        """A place for one stream; events come from `begin` on. `drop` cuts its connection."""
        follower = Follower(task_id, drop)
        if self._stopped:
            follower.finish(Over.STOPPED)
        self._open.add(follower)
        self._nobody.clear()
        try:
            yield follower
        finally:
            self._leave(follower)

    def begin(self, follower: Follower) -> None:
        """Hand over what settles from now on."""
        if self._reading is None:
            self._position = self.feed.settled
            self.feed.listen(self)
            self._reading = asyncio.create_task(self._read())
            self._next_beat()
        if follower.task_id is None:
            self._of_all.add(follower)
        else:
            self._of_task.setdefault(follower.task_id, set()).add(follower)

    async def stop(self) -> None:
        """Let all streams end: at once those that wait, soon after those that are being read."""
        self._stopped = True
        self._nobody.set()
        if self._open:
            self._nobody.clear()
            self._finish(self._open, Over.STOPPED)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PARTING):
                await self._nobody.wait()
        for follower in self._open:
            follower.drop()

    def settled(self) -> None:
        """There are new events."""
        self._woken.set()

    def removed(self, task_id: str) -> None:
        """A task is gone: its streams are at their end."""
        self._finish([one for one in self._open if one.task_id == task_id], Over.ENDED)

    def _leave(self, follower: Follower) -> None:
        self._open.discard(follower)
        self._of_all.discard(follower)
        if follower.task_id is not None and (of_task := self._of_task.get(follower.task_id)):
            of_task.discard(follower)
            if not of_task:
                del self._of_task[follower.task_id]
        if not self._open:
            self._nobody.set()
        if self._reading is not None and not self._of_all and not self._of_task:
            self._reading.cancel()
            self._rest()

    def _rest(self) -> None:
        self._reading = None
        self.feed.listen(None)
        if self._beating is not None:
            self._beating.cancel()

    def _next_beat(self) -> None:
        for follower in self._open:
            follower.wake()
        self._beating = asyncio.get_running_loop().call_later(self._beat, self._next_beat)

    async def _read(self) -> None:
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                await self._read_on()
        except Exception:  # noqa: BLE001 - whatever it is, it is told, and streams begin anew
            # Nobody is left waiting for events that do not come: they resume where they are.
            _log.exception("events cannot be read")
            self._rest()
            self._finish(self._open, Over.STOPPED)

    async def _read_on(self) -> None:
        more = True
        while more:
            page = await self.feed.page(self._position, PAGE)
            self._position, more = page.next, page.more
            self._hand_out([Piece(fed, self._encode(fed)) for fed in page.events])
            for task_id in {fed.task_id for fed in page.events if fed.ended}:
                await self._end(task_id)

    def _hand_out(self, pieces: Sequence[Piece]) -> None:
        if not pieces:
            return
        for follower in self._of_all:
            follower.push(pieces)
        for task_id in {piece.fed.task_id for piece in pieces} & self._of_task.keys():
            own = [piece for piece in pieces if piece.fed.task_id == task_id]
            for follower in self._of_task[task_id]:
                follower.push(own)

    async def _end(self, task_id: str) -> None:
        """Say so to those who follow a task that has ended and of which they have everything."""
        if task_id not in self._of_task:
            return
        last = await self.feed.last_of_ended(task_id)
        if last is not None and last <= self._position:
            self._finish(self._of_task.get(task_id, ()), Over.ENDED)

    def _finish(self, followers: Sequence[Follower] | set[Follower], why: Over) -> None:
        for follower in followers:
            follower.finish(why)
