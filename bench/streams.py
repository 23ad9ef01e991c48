"""A thousand people watch: how soon the last of them hears of an event, and what that costs.

    python -m bench.streams [STREAMS [EVENTS]]

Bellhop runs in another process, the readers in this one. Half of them follow the task, half follow
all tasks. Delays begin before the event is stored and end when its bytes are read here, so they
hold the writing to disk and the reader's own work too. Ends with 1 when an aim is missed.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import cast

import uvloop

from bench.neighbour import Neighbour, beside
from bot.files import allow_many_files

AIM_MEMORY = 150_000_000
AIM_DELAY = 0.200
SPACING = 0.1
"""Seconds between two events."""
OF_ONE_PERSON = 40
PATIENCE = 60.0

_EVENT = re.compile(rb'"message":"(\d+) ([\d.]+)"')


@dataclass(slots=True)
class Measured:
    """Delays are in seconds, from an event to its last reader; memory is in bytes."""

    streams: int
    events: int
    delays: list[float] = field(default_factory=list[float])
    before: int = 0
    """With no stream open."""
    after: int = 0
    in_order: int = 0
    """Streams that got all events, in their order."""

    @property
    def fast(self) -> bool:
        return max(self.delays) < AIM_DELAY

    @property
    def small(self) -> bool:
        return self.after < AIM_MEMORY

    @property
    def complete(self) -> bool:
        return self.in_order == self.streams


@dataclass(slots=True)
class Crowd:
    """All readers together."""

    events: int
    last: list[float]
    """When each event was read last."""
    sent: list[float]
    open: int = 0
    done: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Reader(asyncio.Protocol):
    """One stream."""

    def __init__(self, crowd: Crowd, request: bytes) -> None:
        self._crowd = crowd
        self._request = request
        self._rest = b""
        self._begun = False
        self.got: list[int] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        now, crowd = time.monotonic(), self._crowd
        whole, mark, rest = (self._rest + data).rpartition(b"\n\n")
        self._rest = rest if mark else self._rest + data
        if not self._begun and b"retry: " in whole:
            self._begun = True
            crowd.open += 1
            crowd.changed.set()
        for number, sent in _EVENT.findall(whole):
            place = int(number)
            self.got.append(place)
            crowd.sent[place] = float(sent)
            crowd.last[place] = max(crowd.last[place], now)
            if len(self.got) == crowd.events:
                crowd.done += 1
                crowd.changed.set()


async def measure(streams: int, events: int, folder: Path) -> Measured:
    allow_many_files()
    people = -(-streams // OF_ONE_PERSON)
    measured = Measured(streams, events)
    running = beside("bench.stream_house", folder, people)
    async with running as house, asyncio.timeout(PATIENCE):
        measured.before = (await house.tell("memory"))["memory"]
        crowd = Crowd(events, [0.0] * events, [0.0] * events)
        readers = await follow(house, crowd, streams)
        told = await house.tell(f"events {events} {SPACING}")
        await until(crowd, lambda: crowd.done == streams)
        measured.after = max(told["memory"], (await house.tell("memory"))["memory"])
        measured.in_order = sum(reader.got == list(range(events)) for reader in readers)
        measured.delays = [last - sent for last, sent in zip(crowd.last, crowd.sent, strict=True)]
    return measured


async def follow(house: Neighbour, crowd: Crowd, streams: int) -> list[Reader]:
    """Open the streams, and wait until each is answered."""
    loop = asyncio.get_running_loop()
    task, keys, port = (house.facts[name] for name in ("task", "keys", "port"))
    readers: list[Reader] = []
    for number in range(streams):
        path = "/api/tasks/events" if number % 2 else f"/api/tasks/{task}/events"
        request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {keys[number // OF_ONE_PERSON]}\r\n\r\n"
        )
        reader = Reader(crowd, request.encode())
        await loop.create_connection(lambda reader=reader: reader, "127.0.0.1", port)
        readers.append(reader)
    await until(crowd, lambda: crowd.open == streams)
    return readers


async def until(crowd: Crowd, met: Callable[[], bool]) -> None:
    while not met():
        await crowd.changed.wait()
        crowd.changed.clear()


def report(measured: Measured) -> bool:
    """Print it; whether all aims are met."""
    delays = [one * 1e3 for one in measured.delays]
    cuts = quantiles(delays, n=100, method="inclusive") if len(delays) > 1 else delays * 99
    each = (measured.after - measured.before) / measured.streams / 1e3
    print(
        f"\n{measured.streams} streams, {measured.events} events, one each {SPACING * 1e3:.0f} ms"
    )
    print(
        f"  every event, in order          {measured.in_order} of {measured.streams} streams"
        f"   {_word(measured.complete)}"
    )
    print(
        f"  event -> its last reader       p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, "
        f"max {max(delays):.1f} ms   max < {AIM_DELAY * 1e3:.0f} ms {_word(measured.fast)}"
    )
    print(
        f"  memory of Bellhop's process    {measured.after / 1e6:.1f} MB, "
        f"{measured.before / 1e6:.1f} MB before, {each:.1f} kB a stream"
        f"   < {AIM_MEMORY / 1e6:.0f} MB {_word(measured.small)}"
    )
    return measured.complete and measured.fast and measured.small


def _word(met: bool) -> str:  # noqa: FBT001 - one word for one fact
    return "met" if met else "MISSED"


def main(streams: int = 1_000, events: int = 100) -> int:
    # A folder here, on disk: the system's temporary folder may be memory.
    with TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as name:
        measured = uvloop.run(measure(streams, events, Path(name)))
    return 0 if report(measured) else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
