"""Bodies of deliveries, wholly in memory: bounded in size, in time, and all together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from bot.http.problems import Problem

LARGEST = 25 * 1024 * 1024
"""Bytes of a body: GitHub sends no event that is larger than 25 MB."""

TIME_LIMIT = 10.0
"""Seconds for a body to come; GitHub waits as long for the whole answer."""

MOST_HELD = 4 * LARGEST
"""Bytes of all bodies that are still coming."""


@dataclass(slots=True)
class SlowBodies:
    """Reads bodies that are still coming, within `time_limit` seconds, holding `most` bytes."""

    time_limit: float = TIME_LIMIT
    most: int = MOST_HELD
    held: int = 0

    async def read(self, request: web.BaseRequest) -> bytes:
        """Read a body as it comes, whatever its length was said to be.

        Raises:
            Problem: 413, 408 or 503: it is too large, too slow, or there are too many of them.
        """
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.time_limit):
                while chunk := await request.content.readany():
                    size += len(chunk)
                    self.held += len(chunk)
                    if size > LARGEST:
                        detail = f"A delivery has at most {LARGEST} bytes."
                        raise Problem(413, detail, code="too_large")
                    if self.held > self.most:
                        raise Problem(
                            503,
                            "Too many large deliveries come at once. Send this one again later.",
                            code="busy",
                            headers={"Retry-After": "30"},
                        )
                    chunks.append(chunk)
        except TimeoutError:
            detail = f"The body did not come within {self.time_limit:g} seconds. Send it again."
            raise Problem(408, detail, code="too_slow") from None
        finally:
            self.held -= size
        return b"".join(chunks)


def whole(request: web.BaseRequest) -> bytes:
    """A body that has come wholly before anybody asked for it, as most do."""
    body = request.content.read_nowait()
    if len(body) > LARGEST:
        raise Problem(413, f"A delivery has at most {LARGEST} bytes.", code="too_large")
    return body
