"""A short answer that is written at once, for the path that is asked most.

aiohttp's own response first finds out whether it has cookies, is compressed or comes in chunks, and
that costs as much as all that is done for a delivery that asks for nothing.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

JSON = "application/json"


def brief(
    request: web.BaseRequest, status: int, body: bytes, head: CIMultiDict[str]
) -> web.StreamResponse:
    """A JSON answer to a request; aiohttp's own where a head tells what the connection does."""
    head[hdrs.CONTENT_TYPE] = JSON
    if request.version != HttpVersion11 or not request.keep_alive:
        return web.Response(status=status, body=body, headers=head)
    head[hdrs.CONTENT_LENGTH] = str(len(body))
    head[hdrs.DATE] = _date(int(time.time()))
    return _Brief(request.writer, status, head, body)


class _Brief(web.StreamResponse):
    """Of a request by HTTP/1.1 whose connection is kept."""

    def __init__(
        self, writer: AbstractStreamWriter, status: int, head: CIMultiDict[str], body: bytes
    ) -> None:
        super().__init__(status=status)
        self._writer = writer
        self._head = head
        self._whole = body

    @property
    def keep_alive(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:  # noqa: ARG002
        await self._writer.write_headers(f"HTTP/1.1 {self.status} {self.reason}", self._head)
        return self._writer

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002
        await self._writer.write_eof(self._whole)


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    """As in RFC 9110, 5.6.7."""
    return formatdate(second, usegmt=True)
