"""A provider of models that takes some keys, and not others."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.providers import PROVIDERS
from tests.story import Stage

GOOD = "sk-good-0123456789-abcd"
BAD = "sk-ended-0123456789-wxyz"
ANTHROPIC = PROVIDERS["anthropic"].check
FLY = "https://api.machines.dev"


@dataclass
class Provider:
    """What was asked, by the key that was sent; it takes the good one, unless it is down."""

    down: bool = False
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def stands_in(self, stage: Stage) -> None:
        """Be asked instead of Anthropic and of Fly."""
        stage.provider_bases |= {ANTHROPIC.base: self.url, FLY: self.url}

    async def answer(self, request: web.Request) -> web.Response:
        key = request.headers.get(ANTHROPIC.header) or request.headers["Authorization"][7:]
        self.asked.append(key)
        if self.down:
            return web.Response(status=500)
        return web.json_response({}, status=200 if key == GOOD else 401)


@contextlib.asynccontextmanager
async def provider() -> AsyncGenerator[Provider]:
    """A provider that listens."""
    made = Provider()
    app = web.Application()
    app.router.add_get("/v1/{rest:.*}", made.answer)
    async with TestServer(app) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made
