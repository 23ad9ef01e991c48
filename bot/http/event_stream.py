"""One open event stream: first what is in the table, then what happens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp_sse import EventSourceResponse

from bot.http.event_audience import Audience
from bot.http.event_bodies import event_bytes
from bot.http.problems import Problem
from bot.live import Follower, Hub, Over, Piece
from storage import StorageFailed

PAGE = 200
"""Events that one stream reads from the table at once; fewer where they are long."""
SLICE = 64 * 1024
"""Bytes that are written at once: what one stream holds beside what all share."""
SMALL = 16_384
"""Bytes that a transport takes without asking anybody to wait."""
RETRY = b"retry: 3000\n\n"
"""Milliseconds after which a browser comes again when its stream has ended."""
END = b"event: end\ndata: {}\n\n"


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between two heartbeats, between two looks at who may read, for a write."""

    heartbeat: float = 15.0
    look: float = 60.0
    patience: float = 30.0


class _NoAccess(Exception):  # noqa: N818 - never leaves this module
    """Whoever reads may do so no longer, or nobody says whether they may."""


class Stream:
    """Sends events to one client, each once and in order.

    aiohttp-sse begins the answer and keeps it alive. Its `send` makes the bytes of an event anew
    for every stream; they are the same for all, so they are written through the answer's `write`.
    """

    def __init__(
        self,
        request: web.Request,
        hub: Hub,
        audience: Audience,
        after: int,
        pace: Pace,
    ) -> None:
        self._request = request
        self._hub = hub
        self._audience = audience
        self._last = after
        self._pace = pace
        self._looked = asyncio.get_running_loop().time()

    async def run(self) -> web.StreamResponse:
        """Send until the client leaves, the task ends, Bellhop stops, or access is lost."""
        request = self._request
        if request.transport is None:
            return web.Response()  # the client has left, nobody gets this
        response = _begun(self._pace)
        with self._hub.follow(self._audience.task_id, lambda: _abort(request)) as follower:
            await response.prepare(request)
            async with response:
                try:
                    await self._write(response, RETRY)
                    await self._send_all(response, follower)
                except _NoAccess:
                    pass
                except (ConnectionError, TimeoutError, StorageFailed):
                    _abort(request)
        return response

    async def _send_all(self, response: EventSourceResponse, follower: Follower) -> None:
        await self._catch_up(response, follower)
        self._hub.begin(follower)
        await self._catch_up(response, follower)
        if await self._is_at_the_end():
            await self._write(response, END)
            return
        while self._request.transport is not None:
            pieces = await follower.take()
            await self._send(response, pieces)
            if follower.over is not None and not follower.waiting:
                if follower.over is Over.ENDED:
                    await self._write(response, END)
                return

    async def _catch_up(self, response: EventSourceResponse, follower: Follower) -> None:
        """Send what is in the table, a page at a time, as fast as the client takes it."""
        more = True
        while more and follower.over is None and response.is_connected():
            page = await self._hub.feed.page(self._last, PAGE, self._audience.task_id)
            await self._send(response, [Piece(fed, event_bytes(fed)) for fed in page.events])
            self._last, more = page.next, page.more

    async def _is_at_the_end(self) -> bool:
        task_id = self._audience.task_id
        if task_id is None:
            return False
        last = await self._hub.feed.last_of_ended(task_id)
        return last is not None and last <= self._last

    async def _send(self, response: EventSourceResponse, pieces: list[Piece]) -> None:
        """Send what the client does not have and may see; look now and then whether it still may.

        Raises:
            _NoAccess: it may not.
        """
        now = asyncio.get_running_loop().time()
        if now - self._looked >= self._pace.look:
            self._looked = now
            if not await self._audience.still():
                raise _NoAccess
        try:
            raws = [
                piece.raw
                for piece in pieces
                if piece.fed.id > self._last and await self._audience.sees(piece.fed)
            ]
        except Problem as problem:
            raise _NoAccess from problem
        for part in _slices(raws):
            await self._write(response, part)
        if pieces:
            self._last = max(self._last, pieces[-1].fed.id)

    async def _write(self, response: EventSourceResponse, raw: bytes) -> None:
        """Write, and wait while the client is behind, but not for long.

        Raises:
            TimeoutError: it takes nothing.
            ConnectionError: it has left.
        """
        if len(raw) <= SMALL and not self._is_behind():
            await response.write(raw)  # into the transport, which is empty: nothing waits here
            return
        async with asyncio.timeout(self._pace.patience):
            await response.write(raw)

    def _is_behind(self) -> bool:
        transport = self._request.transport
        return transport is not None and transport.get_write_buffer_size() > 0


def _slices(raws: list[bytes]) -> Iterator[bytes]:
    """The events in order, several at a time as long as they are small."""
    part: list[bytes] = []
    size = 0
    for raw in raws:
        if part and size + len(raw) > SLICE:
            yield b"".join(part)
            part, size = [], 0
        part.append(raw)
        size += len(raw)
    if part:
        yield part[0] if len(part) == 1 else b"".join(part)


def _begun(pace: Pace) -> EventSourceResponse:
    response = EventSourceResponse(
        sep="\n", ping_interval=pace.heartbeat, send_timeout=pace.patience
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _abort(request: web.Request) -> None:
    transport: Any = request.transport
    if transport is not None:
        transport.abort()
