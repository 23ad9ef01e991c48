"""Providers of models, and Fly, as one server: what they are asked, and what they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.providers import PROVIDERS
from bot.validation import fly


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    provider: str
    path: str
    key: str


@dataclass
class FakeProviders:
    """Takes the keys that are good, and answers as it is told to everything else."""

    good: set[str] = field(default_factory=set[str])
    status: int | None = 401
    """What is answered to other keys; None: the connection is cut, 0: nothing ever."""
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    asked: list[Asked] = field(default_factory=list[Asked])
    url: str = ""
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def bases(self) -> dict[str, str]:
        """Where to ask instead, by the address that it stands for."""
        known = {name: one.check for name, one in PROVIDERS.items()} | {"fly": fly("app").check}
        return {check.base: f"{self.url}/{name}" for name, check in known.items()}

    async def handle(self, request: web.Request) -> web.Response:
        name, _, path = request.path_qs.removeprefix("/").partition("/")
        check = fly("app").check if name == "fly" else PROVIDERS[name].check
        key = request.headers.get(check.header, "").removeprefix(check.prefix)
        self.asked.append(Asked(name, f"/{path}", key))
        if key in self.good:
            return web.json_response({"data": [{"id": "a-model"}]})
        if self.status == 0:
            await self._over.wait()
        if not self.status:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.Response(status=self.status, body=self.body, headers=self.headers)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[FakeProviders]:
        app = web.Application()
        app.router.add_get("/{path:.*}", self.handle)
        server = TestServer(app)
        await server.start_server()
        self.url = str(server.make_url("")).rstrip("/")
        try:
            yield self
        finally:
            self._over.set()
            await server.close()
