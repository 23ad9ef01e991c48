"""A Bellhop without an App on a socket, beside an offline GitHub where none is installed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from structlog.testing import capture_logs

from bot.serve import run
from bot.settings import Settings
from bot.stored_app import with_stored
from bot.tempo import Tempo
from simulator import Simulator
from simulator.model import Repository
from tests.plain_browser import Browser, Page, browsing
from tests.story import Clock, until

AGENT = "echo fixed >> fix.txt; echo 'Added the missing line.'"
GREEN = {"agent_command": AGENT}
"""What Bellhop needs to work, beside an App, with an offline GitHub."""


@dataclass
class Setting:
    """Everybody who plays."""

    sim: Simulator
    folder: Path
    repository: Repository
    clock: Clock
    browser: Browser
    logs: list[MutableMapping[str, Any]]
    more: dict[str, object]
    port: int = 0
    running: asyncio.Task[None] | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        values: dict[str, object] = {
            "port": self.port,
            "data": self.folder / "data",
            "github_api_url": self.sim.api_url,
            "github_url": self.sim.url,
        }
        return Settings.model_validate(values | self.more)

    async def start(self) -> None:
        """Start as the command does, whatever it finds stored."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._stop = asyncio.Event()
        tempo = Tempo(backoff_unit=0.01, settle=0.05, clock=self.clock, github_clock=self.clock)

        async def serve() -> None:
            with listener:
                await run(with_stored(self.settings), listener, self._stop, tempo)

        begun = len(self.logs)
        self.running = asyncio.create_task(serve())
        await until(lambda: len(self.logs) > begun or self.ended, "Bellhop's first words")

    async def stop(self) -> None:
        """Stop as SIGTERM does."""
        self._stop.set()
        if self.running is not None:
            await asyncio.gather(self.running, return_exceptions=True)

    @property
    def ended(self) -> bool:
        return self.running is not None and self.running.done()

    def said(self, line: str) -> list[MutableMapping[str, Any]]:
        """The lines of the log of this kind."""
        return [one for one in self.logs if one["event"] == line]

    @property
    def code(self) -> str:
        """The newest code of the log."""
        return self.said("waiting to be set up")[-1]["code"]

    async def status(self, path: str, method: str = "GET", **headers: str) -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self.url}{path}", headers=headers) as answer,
        ):
            return answer.status

    async def ready(self) -> bool:
        try:
            return await self.status("/readyz") == 200
        except aiohttp.ServerDisconnectedError:  # as the set-up's server goes
            return False

    async def let_in(self, browser: Browser | None = None) -> Page:
        """Give the code; what is asked for next."""
        browser = browser or self.browser
        page = await browser.open(f"{self.url}/setup")
        return await browser.send(page, code=self.code)

    async def to_github(self, **wish: str) -> Page:
        """Give the code and the address; the button that leads to GitHub."""
        fields = {"public_url": self.url, "name": "Ring Ring", "organisation": "acme", **wish}
        return await self.browser.send(await self.let_in(), **fields)

    async def made(self, **wish: str) -> Page:
        """All of it, to the end."""
        github = await self.browser.send(await self.to_github(**wish))
        assert github.status == 200, github.text
        return await self.browser.send(github)


@contextlib.asynccontextmanager
async def setting(folder: Path, *, start: bool = True, **more: object) -> AsyncGenerator[Setting]:
    """Bellhop as it starts without an App; `more` are further settings."""
    (folder / "github").mkdir()
    clock = Clock()
    with capture_logs() as logs:
        async with await Simulator.start(folder / "github") as sim, browsing() as browser:
            sim.now = clock
            sim.add_user("alice")
            repository = sim.add_repository("acme/widgets", {"README.md": "# Widgets\n"})
            repository.set_role("alice", "write")
            made = Setting(sim, folder, repository, clock, browser, logs, more)
            if start:
                await made.start()
            try:
                yield made
            finally:
                await made.stop()
