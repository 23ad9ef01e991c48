"""A light load: prepared requests over kept connections, the next one after each answer.

    python -m bench.load PORT FIRST COUNT command|chatter

Prints one line of JSON: seconds, the latencies' median and 99th percentile, answers by status.

It never sleeps: a sleeping client must be woken by the server's `send`, which on a virtual machine
can cost more than the whole request, and costs a server the more the slower it is. Where the system
knows such a thing, it has what the server leaves idle and nothing more: GitHub takes no processor
away from Bellhop.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bench.comments import CHATTER, COMMAND, request, template

CONNECTIONS = 32


@dataclass(slots=True)
class Caller:
    """One connection: what is still to send, when it began, what has come back."""

    connection: socket.socket
    unsent: bytes | memoryview = b""
    began: float = 0.0
    seen: bytes = b""

    def begin(self, request_: bytes) -> None:
        """Send a request; what the socket does not take at once follows later."""
        self.began = time.perf_counter()
        self.seen = b""
        self.unsent = memoryview(request_)
        self.send()

    def send(self) -> None:
        while self.unsent:
            try:
                self.unsent = self.unsent[self.connection.send(self.unsent) :]
            except BlockingIOError:
                return

    def answered(self) -> str | None:
        """The status once the whole answer is there."""
        self.seen += self.connection.recv(65_536)
        head, separator, body = self.seen.partition(b"\r\n\r\n")
        if not separator:
            return None
        at = head.index(b"Content-Length: ") + 16
        if len(body) < int(head[at:].split(b"\r\n", 1)[0]):
            return None
        return head[9:12].decode()


def call(port: int, requests: list[bytes]) -> dict[str, object]:
    """Send all requests; seconds, latencies in seconds, statuses."""
    latencies: list[float] = []
    statuses: Counter[str] = Counter()
    remaining = iter(requests)
    with selectors.DefaultSelector() as selector:
        for _ in range(CONNECTIONS):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ, Caller(connection))
        began = time.perf_counter()
        for key in list(selector.get_map().values()):
            _next(selector, key.data, remaining)
        while selector.get_map():
            for key, _ in selector.select(0):
                caller: Caller = key.data
                if (status := caller.answered()) is not None:
                    latencies.append(time.perf_counter() - caller.began)
                    statuses[status] += 1
                    _next(selector, caller, remaining)
        seconds = time.perf_counter() - began
    latencies.sort()
    return {
        "seconds": seconds,
        "p50": latencies[len(latencies) // 2],
        "p99": latencies[len(latencies) * 99 // 100],
        "statuses": statuses,
    }


def _next(selector: selectors.BaseSelector, caller: Caller, remaining: Iterator[bytes]) -> None:
    following = next(remaining, None)
    if following is None:
        selector.unregister(caller.connection)
        caller.connection.close()
    else:
        caller.begin(following)


def main(port: str, first: str, count: str, kind: str) -> None:
    body = template(COMMAND if kind == "command" else CHATTER)
    requests = [request(body, int(first) + number) for number in range(int(count))]
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    print(json.dumps(call(int(port), requests)))


if __name__ == "__main__":
    main(*sys.argv[1:])
