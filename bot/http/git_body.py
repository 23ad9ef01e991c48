"""The bytes of a push as they arrive from a worker, never more than a chunk of them at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp.http_exceptions import HttpProcessingError

from bot.http import git_commands
from bot.http.pktline import HEADER, PktBuffer, PktError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiohttp import StreamReader

    from bot.http.git_commands import PushRequest


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What one push may take: bytes, seconds without a byte of either side, seconds in all."""

    pack_bytes: int = 2 << 30
    silence: float = 120
    push_time: float = 3600


class BodyError(Exception):
    """The worker's bytes ended too early or went on too long. The text is a sentence for it."""


class PushBody:
    """A request's body, counted."""

    def __init__(self, content: StreamReader, limits: GateLimits) -> None:
        self._content = content
        self._limits = limits
        self._count = 0
        # An upload that was given up may still be waiting here when the draining begins.
        self._one_reader = asyncio.Lock()

    async def read(self) -> bytes:
        """Give the next bytes, none at the end.

        Raises:
            BodyError: The connection broke or fell silent, or the push is too large.
        """
        chunk = await self._receive()
        self._count += len(chunk)
        if self._count > self._limits.pack_bytes:
            raise BodyError(
                f"the push is larger than {self._limits.pack_bytes} bytes; "
                "leave large files out and push again"
            )
        return chunk

    async def drain(self) -> None:
        """Read what is left, up to one more full size, because git reads no answer before."""
        self._count = 0
        try:
            while await self.read():
                pass
        except BodyError:
            return

    async def _receive(self) -> bytes:
        try:
            async with self._one_reader, asyncio.timeout(self._limits.silence):
                return await self._content.readany()
        except TimeoutError:
            raise BodyError(
                f"nothing of the pack came for {self._limits.silence:g} seconds; push again"
            ) from None
        except (OSError, HttpProcessingError) as error:
            raise BodyError("the connection broke before the pack was whole; push again") from error


async def read_head(body: PushBody) -> tuple[PushRequest, bytes]:
    """Read the commands, and the bytes of the pack that came with them.

    Raises:
        PktError: It is not the beginning of a push.
        BodyError: See `PushBody.read`.
    """
    buffer = PktBuffer()
    lines: list[bytes] = []
    size = 0
    while chunk := await body.read():
        buffer.feed(chunk)
        while buffer.ready():
            line = buffer.take()
            if line is None:
                return git_commands.parse(lines), buffer.rest()
            lines.append(line)
            size += HEADER + len(line)  # lines of nothing are not free, either
            if size > git_commands.MAX_SECTION:
                raise PktError("too many refs; push the task's branch alone")
    raise PktError("the push ended before its commands did")


class Upload:
    """The body of the push to GitHub.

    `whole` tells whether all of it went out; `problem` why the worker's side of it ended early.
    """

    def __init__(self, head: bytes, pack_start: bytes, body: PushBody) -> None:
        self.whole = False
        self.problem: str | None = None
        self._start = head + pack_start
        self._body = body

    async def chunks(self, ended: Callable[[], None]) -> AsyncIterator[bytes]:
        """Give the bytes to send, once, and call `ended` when `whole` or `problem` is known.

        Raises:
            BodyError: The request must be broken off, so that GitHub changes nothing.
        """
        yield self._start
        try:
            while chunk := await self._body.read():
                yield chunk
            self.whole = True
        except BodyError as error:
            self.problem = str(error)
            raise
        finally:
            ended()
