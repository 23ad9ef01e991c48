"""Looks over Bellhop's shoulder: when things arrive and leave, and whom it waited for meanwhile.

Nothing in Bellhop is changed for it: a middleware sees what arrives, aiohttp's own tracing sees
the calls to GitHub, and the runner, the pace and who answers deliveries ahead of all middlewares
are asked through something that notes the time.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp
from aiohttp import web

from bot.bellhop import Bellhop
from bot.github.clock import Clock
from bot.github.pace import Pace, Priority
from bot.http.server import AHEAD, Answerer
from bot.runners.base import Exit, Runner, WorkerKey, WorkerSpec

NOBODY_WAITS = re.compile(
    r"POST .*/reactions|POST .*/issues/\d+/comments|PATCH .*|DELETE .*|.*/requested_reviewers"
)
"""Calls beside the way from a comment to a worker, or from a completion to its comment."""
_Over = aiohttp.TraceRequestEndParams | aiohttp.TraceRequestExceptionParams

A_COMMENT = re.compile(r"/issues/\d+/comments")


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds of the monotonic clock."""

    begin: float
    end: float


@dataclass(slots=True)
class Watch:
    """What was seen since `forget`; times are in seconds of the monotonic clock."""

    waits: list[Span] = field(default_factory=list[Span])
    delivered: float = 0.0
    spawned: float = 0.0
    completed: float = 0.0
    commented: float = 0.0
    calls: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def forget(self) -> None:
        self.waits.clear()
        self.delivered = self.spawned = self.completed = self.commented = 0.0
        self.done.clear()

    def attach(self, house: Bellhop, app: web.Application) -> None:
        """Look at this Bellhop, which has not started yet."""
        app.middlewares.insert(0, self._completion)
        app[AHEAD] = {path: partial(self._delivery, first) for path, first in app[AHEAD].items()}
        # The session is Bellhop's own; the list of its traces is how aiohttp lets one be added.
        trace = self._trace()
        trace.freeze()
        house.session.trace_configs.append(trace)
        house.github.pace = WatchedPace(house.github.clock, self)
        for name, runner in house.runners.items():
            house.runners[name] = WatchedRunner(runner, self)

    async def _delivery(self, first: Answerer, request: web.BaseRequest) -> web.StreamResponse:
        arrived = time.monotonic()
        answer = await first(request)
        # Bellhop's own comments are delivered as well, and ignored.
        if answer.status == HTTPStatus.ACCEPTED:
            self.delivered = arrived
        return answer

    @web.middleware
    async def _completion(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if request.path.endswith("/callbacks/complete"):
            self.completed = time.monotonic()
        return await handler(request)

    def _trace(self) -> aiohttp.TraceConfig:
        trace = aiohttp.TraceConfig()

        async def begins(
            _: aiohttp.ClientSession,
            call: SimpleNamespace,
            __: aiohttp.TraceRequestStartParams,
        ) -> None:
            self.calls += 1
            call.begin = time.monotonic()

        async def sent(
            _: aiohttp.ClientSession,
            __: SimpleNamespace,
            asked: aiohttp.TraceRequestChunkSentParams,
        ) -> None:
            comment = asked.method == "POST" and A_COMMENT.search(asked.url.path)
            if comment and self.completed and not self.commented:
                self.commented = time.monotonic()
                self.done.set()

        async def ends(_: aiohttp.ClientSession, call: SimpleNamespace, asked: _Over) -> None:
            if not NOBODY_WAITS.fullmatch(f"{asked.method} {asked.url.path}"):
                self.waits.append(Span(call.begin, time.monotonic()))

        trace.on_request_start.append(begins)
        trace.on_request_chunk_sent.append(sent)
        trace.on_request_end.append(ends)
        trace.on_request_exception.append(ends)
        return trace


class WatchedPace(Pace):
    """GitHub's pace, which notes how long it made somebody wait."""

    def __init__(self, clock: Clock, watch: Watch) -> None:
        super().__init__(clock)
        self._watch = watch

    async def spend(self, installation_id: int, priority: Priority) -> None:
        begin = time.monotonic()
        await super().spend(installation_id, priority)
        if priority is Priority.FINAL:
            self._watch.waits.append(Span(begin, time.monotonic()))


class WatchedRunner:
    """A runner, which notes when a worker began to run and how long that took."""

    def __init__(self, inner: Runner, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch
        self.name = inner.name

    async def open(self, on_exit: Callable[[Exit], Awaitable[None]]) -> None:
        await self._inner.open(on_exit)

    async def start(self, spec: WorkerSpec) -> None:
        begin = time.monotonic()
        await self._inner.start(spec)
        self._watch.spawned = time.monotonic()
        self._watch.waits.append(Span(begin, self._watch.spawned))

    async def stop(self, key: WorkerKey, grace: float) -> None:
        await self._inner.stop(key, grace)

    async def alive(self) -> set[WorkerKey]:
        return await self._inner.alive()

    async def forget(self, key: WorkerKey) -> None:
        await self._inner.forget(key)

    async def close(self) -> None:
        await self._inner.close()


def covered(spans: Iterable[Span], begin: float, end: float) -> float:
    """The seconds between two times that at least one span covers."""
    total, at = 0.0, begin
    for span in sorted(spans, key=lambda one: one.begin):
        total += max(0.0, min(span.end, end) - max(span.begin, at))
        at = max(at, span.end)
    return total
