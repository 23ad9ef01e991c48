"""`/metrics`: for operators, and for a program that has a token of its own."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.exposition import Readings, exposition
from bot.github.client import GitHub
from bot.http.access import Doorman
from bot.meters import Meters
from storage import Store


@dataclass(frozen=True, slots=True)
class MetricsRoute:
    """What it tells of; `token` is empty where none is set."""

    doorman: Doorman
    token: str
    meters: Meters
    store: Store
    github: GitHub
    ready: Callable[[], bool]
    folder: Path
    clock: Callable[[], datetime]

    def register(self, app: web.Application) -> None:
        """Serve it."""
        app.router.add_get("/metrics", self._metrics)

    async def _metrics(self, request: web.Request) -> web.Response:
        if not self._has_token(request):
            await self.doorman.caller(request, "operator")
        readings = Readings(
            self.meters,
            self.github.heard,
            self.store.commits,
            await self.store.census(),
            self.ready(),
            self.folder,
            self.clock(),
        )
        body = await asyncio.to_thread(exposition, readings)
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})

    def _has_token(self, request: web.Request) -> bool:
        scheme, _, text = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if not self.token or scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(text.strip().encode(errors="replace"), self.token.encode())
