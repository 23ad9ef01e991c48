"""What the tests of `bot/github` share: a clock that jumps, and a scripted server."""

from __future__ import annotations

import asyncio
import functools
import json
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, DummyCookieJar, web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from bot.github.app import AppIdentity
from bot.github.client import GitHub
from bot.github.values import RepoRef
from simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from simulator.model import Repository

START = 1_800_000_000.0
REPO = RepoRef(installation_id=7, repository_id=42, full_name="acme/widgets")
OTHER = RepoRef(installation_id=8, repository_id=43, full_name="acme/gadgets")
APP_ID = 99


class JumpingClock:
    """Nobody waits: who sleeps moves the time on."""

    def __init__(self, now: float = START) -> None:
        self.now = now
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@functools.cache
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def identity(client_id: str = "Iv23fake") -> AppIdentity:
    return AppIdentity(APP_ID, client_id, SecretStr(private_key()))


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    data: Any


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answers; no status at all cuts the connection."""

    status: int | None
    data: Any = None
    headers: dict[str, str] | None = None
    content_type: str = "application/json"


CUT = Reply(None)
HANG = Reply(0)


class FakeServer:
    """Answers from a script: per method and path the replies in order, the last one for ever."""

    def __init__(self, clock: JumpingClock) -> None:
        self.clock = clock
        self.seen: list[Seen] = []
        self.tokens: list[str] = []
        self.url = ""
        self._script: dict[tuple[str, str], list[Reply]] = defaultdict(list)
        self._over = asyncio.Event()

    def on(self, method: str, path: str, *replies: Reply) -> None:
        self._script[method, path] = list(replies)

    def on_tokens(self, *replies: Reply, installation: int = 7) -> None:
        self.on("POST", f"/app/installations/{installation}/access_tokens", *replies)

    def to(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    def minted(self, installation: int = 7) -> list[Seen]:
        return self.to(f"/app/installations/{installation}/access_tokens")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        path = request.rel_url.raw_path.removeprefix("/api/v3")
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(
            Seen(
                request.method,
                path,
                dict(request.query),
                headers,
                json.loads(text) if text else None,
            )
        )
        replies = self._script.get((request.method, path))
        if not replies:
            if path.endswith("/access_tokens"):
                return self._mint()
            return web.json_response({"message": "Not Found"}, status=404)
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply is HANG:
            await self._over.wait()
        if reply.status is None or reply is HANG:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        body = reply.data if isinstance(reply.data, str) else json.dumps(reply.data)
        return web.Response(
            status=reply.status,
            text=body,
            headers=reply.headers,
            content_type=reply.content_type,
        )

    def _mint(self) -> web.Response:
        self.tokens.append(f"ghs_secret{len(self.tokens)}")
        ends = datetime.fromtimestamp(self.clock.time() + 3600, UTC)
        return web.json_response(
            {"token": self.tokens[-1], "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ")},
            status=201,
        )

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[FakeServer]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        server = TestServer(app)
        await server.start_server()
        self.url = str(server.make_url("/api/v3"))
        try:
            yield self
        finally:
            self._over.set()
            await server.close()


@asynccontextmanager
async def scripted(**options: Any) -> AsyncIterator[tuple[GitHub, FakeServer]]:
    """A GitHub facade and the scripted server that it talks to."""
    clock = JumpingClock()
    async with (
        FakeServer(clock).serve() as server,
        ClientSession(cookie_jar=DummyCookieJar()) as session,
    ):
        yield GitHub(session, identity(), api_url=server.url, clock=clock, **options), server


@dataclass(frozen=True, slots=True)
class Town:
    """An offline GitHub with one repository, and the facade installed on it."""

    github: GitHub
    sim: Simulator
    clock: JumpingClock
    widgets: Repository
    repo: RepoRef
    start: datetime

    @property
    def app_id(self) -> int:
        return self.sim.app.app_id

    def asked(self, method: str, path: str) -> int:
        """How many requests arrived."""
        return sum(1 for seen in self.sim.requests if (seen.method, seen.path) == (method, path))


@asynccontextmanager
async def simulated(folder: Path, **options: Any) -> AsyncIterator[Town]:
    """The facade against the simulator, both by the same jumping clock."""
    clock = JumpingClock(time.time())
    start = datetime.fromtimestamp(clock.now, UTC)
    async with (
        await Simulator.start(folder, now=lambda: datetime.fromtimestamp(clock.now, UTC)) as sim,
        ClientSession(cookie_jar=DummyCookieJar()) as session,
    ):
        widgets = sim.add_repository("acme/widgets", {"README.md": "# Widgets\n"})
        installation = sim.install(widgets)
        app = AppIdentity(sim.app.app_id, sim.app.client_id, SecretStr(sim.app.private_key_pem))
        github = GitHub(session, app, api_url=sim.api_url, clock=clock, **options)
        repo = RepoRef(installation.id, widgets.id, widgets.full_name)
        yield Town(github, sim, clock, widgets, repo, start)
