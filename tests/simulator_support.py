"""What the simulator's tests share: a running simulator, a client, a receiver of webhooks."""

from __future__ import annotations

import asyncio
import json
import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import aiohttp
import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization

from simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from simulator.model import Installation, Repository

ALL = {"contents": "write", "issues": "write", "pull_requests": "write"}


@cache
def _key(pem: str) -> Any:
    """Read a key once: OpenSSL checks it each time, which takes longer than most tests."""
    return serialization.load_pem_private_key(pem.encode(), password=None)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@dataclass(slots=True)
class Place:
    """A simulator with acme/widgets, where alice may write and the App is installed."""

    sim: Simulator
    repo: Repository
    installation: Installation
    session: aiohttp.ClientSession
    folder: Path

    def jwt(self, **changes: Any) -> str:
        now = int(time.time())
        claims = {"iat": now - 60, "exp": now + 540, "iss": self.sim.app.client_id, **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, _key(self.sim.app.private_key_pem), algorithm="RS256")

    @property
    def client_headers(self) -> dict[str, str]:
        """The App by its client id and secret."""
        app = self.sim.app
        return {"Authorization": aiohttp.encode_basic_auth(app.client_id, app.client_secret)}

    async def token(self, **narrowing: Any) -> str:
        path = f"/app/installations/{self.installation.id}/access_tokens"
        answer = await self.call("POST", path, self.jwt(), body=narrowing)
        assert answer.status == 201, answer.raw
        return answer.json["token"]

    async def call(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {"X-GitHub-Api-Version": "2026-03-10", **(headers or {})}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        url = path if path.startswith("http") else f"{self.sim.api_url}{path}"
        async with self.session.request(
            method,
            url,
            headers=sent,
            json=body,
            allow_redirects=False,
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    def git_url(self, token: str | None = None, name: str = "acme/widgets") -> str:
        place = (
            self.sim.url.replace("://", f"://x-access-token:{token}@") if token else self.sim.url
        )
        return f"{place}/{name}.git"

    async def clone(self, token: str | None = None) -> Path:
        folder = self.folder / "clone"
        await git("clone", "-q", self.git_url(token), str(folder), cwd=self.folder)
        return folder


async def git(*arguments: str, cwd: Path, ok: bool = True) -> str:
    process = await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.com",
            "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.com",
        },
    )
    output, _ = await process.communicate()
    assert (process.returncode == 0) is ok, output.decode()
    return output.decode()


@asynccontextmanager
async def running(folder: Path, **options: Any) -> AsyncIterator[Place]:
    async with (
        await Simulator.start(folder / "github", **options) as sim,
        aiohttp.ClientSession() as session,
    ):
        repo = sim.add_repository("acme/widgets", {"README.md": "hello\n", "src/a.py": "x = 1\n"})
        sim.add_user("alice")
        repo.set_role("alice", "write")
        yield Place(sim, repo, sim.install(repo), session, folder)


@dataclass(slots=True)
class Receiver:
    """A webhook receiver; `gate` holds its answers while cleared."""

    url: str = ""
    status: int = 202
    text: str = "taken"
    got: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((request.headers, await request.read()))
        await self.gate.wait()
        return web.Response(status=self.status, text=self.text)

    @property
    def events(self) -> list[tuple[str, str | None]]:
        return [
            (headers["X-GitHub-Event"], json.loads(body).get("action"))
            for headers, body in self.got
        ]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    receiver.gate.set()
    application = web.Application()
    application.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        receiver.gate.set()
        await runner.cleanup()
