"""A light load: prepared requests over kept connections, the next one after each answer.

    python -m bench.load PORT FIRST COUNT command|chatter

Prints one line of JSON: seconds, the latencies' median and 99th percentile, answers by status.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, cast

import uvloop

from bench.comments import CHATTER, COMMAND, request, template

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTIONS = 32


class Caller(asyncio.Protocol):
    """Sends requests one after another over one connection."""

    def __init__(
        self, requests: Iterator[bytes], latencies: list[float], statuses: Counter[str]
    ) -> None:
        self._requests = requests
        self._latencies = latencies
        self._statuses = statuses
        self._seen = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def begin(self) -> None:
        following = next(self._requests, None)
        if following is None:
            self._transport.close()
            self.done.set_result(None)
            return
        self._began = time.perf_counter()
        self._transport.write(following)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, separator, body = self._seen.partition(b"\r\n\r\n")
        if not separator:
            return
        at = head.index(b"Content-Length: ") + 16
        if len(body) < int(head[at:].split(b"\r\n", 1)[0]):
            return
        self._latencies.append(time.perf_counter() - self._began)
        self._statuses[head[9:12].decode()] += 1
        self._seen = b""
        self.begin()


async def call(port: int, requests: list[bytes]) -> dict[str, object]:
    latencies: list[float] = []
    statuses: Counter[str] = Counter()
    remaining = iter(requests)
    loop = asyncio.get_running_loop()
    callers: list[Caller] = []
    for _ in range(CONNECTIONS):
        _, caller = await loop.create_connection(
            lambda: Caller(remaining, latencies, statuses), "127.0.0.1", port
        )
        callers.append(caller)
    began = time.perf_counter()
    for caller in callers:
        caller.begin()
    await asyncio.gather(*(caller.done for caller in callers))
    seconds = time.perf_counter() - began
    latencies.sort()
    return {
        "seconds": seconds,
        "p50": latencies[len(latencies) // 2],
        "p99": latencies[len(latencies) * 99 // 100],
        "statuses": statuses,
    }


def main(port: str, first: str, count: str, kind: str) -> None:
    body = template(COMMAND if kind == "command" else CHATTER)
    requests = [request(body, int(first) + number) for number in range(int(count))]
    print(json.dumps(uvloop.run(call(int(port), requests))))


if __name__ == "__main__":
    main(*sys.argv[1:])
