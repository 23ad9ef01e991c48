"""What every route shares, and how a request meets the faults and the log."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from simulator.auth import Actor, Tokens
    from simulator.faults import Fault, Faults
    from simulator.limits import Limits
    from simulator.manifests import Manifests
    from simulator.pulls import World


@dataclass(slots=True, kw_only=True)
class Record:
    """One request to REST or git, as the log keeps it.

    `path` is below the API base and without the query. `status` is 0 where no answer was given.
    """

    method: str
    path: str
    query: str
    status: int
    actor: str
    time: datetime


OnRequest: TypeAlias = "Callable[[Record, bool], None]"
"""Told of each request: False as it arrives, True when it is done but its answer has yet to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """The world, who may enter it, what goes wrong in it, and what was asked of it."""

    world: World
    tokens: Tokens
    faults: Faults
    limits: Limits
    manifests: Manifests
    log: list[Record] = field(default_factory=list[Record])
    on_request: list[OnRequest] = field(default_factory=list["OnRequest"])

    async def answer(
        self,
        request: web.Request,
        path: str,
        actor: Actor | None,
        act: Callable[[], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Do what a request asks unless a fault is in the way, and log it either way."""
        record = Record(
            method=request.method,
            path=path,
            query=request.query_string,
            status=0,
            actor=str(actor or "unknown"),
            time=self.world.now(),
        )
        self.log.append(record)
        self._tell(record, done=False)
        fault = self.faults.take(request.method, path) or self.faults.take(
            request.method, f"{path}?{request.query_string}"
        )
        if fault and fault.kind in ("status", "rate_limited"):
            answer = _refuse(fault)
        elif fault and fault.kind == "cut_before":
            return _cut(request)
        else:
            if fault and fault.kind == "slow":
                await self.faults.hold(fault.seconds)
            answer = await act()
            self._tell(record, done=True)
            if fault and fault.kind == "cut_after":
                return _cut(request)
        record.status = answer.status
        return answer

    def _tell(self, record: Record, *, done: bool) -> None:
        for listener in self.on_request:
            listener(record, done)


def _cut(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()
    return web.Response()


def _refuse(fault: Fault) -> web.Response:
    if fault.kind == "status":
        text = fault.body if fault.body is not None else f'{{"message": "Fault {fault.status}"}}'
        kind = "application/json" if text.startswith("{") else "text/plain"
        headers = {"Content-Type": kind, **fault.headers}
        return web.Response(status=fault.status, text=text, headers=headers)
    if fault.retry_after is not None:
        message = "You have exceeded a secondary rate limit. Please wait a few minutes."
        headers = {"retry-after": str(fault.retry_after)}
    else:
        message = "API rate limit exceeded for installation."
        reset = int(time.time()) + fault.reset_after
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
    status = fault.status if fault.status in (403, 429) else 403
    body = {
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": str(status),
    }
    return web.json_response(body, status=status, headers={**headers, **fault.headers})
