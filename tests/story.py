"""A stage for stories: an offline GitHub, a Bellhop, real workers, and words for what happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web
from pydantic import SecretStr

from bot.app import Bellhop, Tempo, opened
from bot.settings import Settings
from handlers.task import Task
from simulator import Fault, Simulator
from simulator.model import Comment, Issue, Repository

AGENT = "echo fixed >> fix.txt; echo 'Added the missing line.'"
"""An agent that changes something and says so."""

PATIENCE = 30.0
"""Seconds after which a story that does not get on has failed."""

MARKER = re.compile(r"\n\n<!-- bellhop:\S+ -->\Z")
NAME = re.compile(r"\b[a-z]+-[a-z]+-[0-9a-f]{3}\b")


async def until(
    met: Callable[[], bool | Awaitable[bool]], what: str = "what was waited for"
) -> None:
    """Wait for a thing itself, by looking often."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                result = met()
                if result if isinstance(result, bool) else await result:
                    return
                await _a_moment()
    except TimeoutError:
        raise AssertionError(f"{what} did not come") from None


async def _a_moment() -> None:
    loop = asyncio.get_running_loop()
    moment = loop.create_future()
    loop.call_later(0.004, moment.set_result, None)
    await moment


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class Clock:
    """The real time, moved on by as much as a story says."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def time(self) -> float:
        return self().timestamp()

    def monotonic(self) -> float:
        return time.monotonic() + self.offset.total_seconds()

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        while self.monotonic() < until:
            await _a_moment()


@dataclass
class Stage:
    """Everybody who plays."""

    sim: Simulator
    folder: Path
    settings: Settings
    repository: Repository
    issue: Issue
    clock: Clock
    tempo: Tempo
    bellhop: Bellhop | None = None
    _end: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    @property
    def bot(self) -> Bellhop:
        """The running Bellhop."""
        assert self.bellhop is not None
        return self.bellhop

    async def start(self) -> None:
        """Start Bellhop, in this process but on a socket of its own."""
        bellhop = await self._end.enter_async_context(opened(self.settings, self.tempo))
        runner = web.AppRunner(bellhop.application(), access_log=None, shutdown_timeout=1)
        await runner.setup()
        self._end.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", self.settings.port).start()
        await bellhop.start()
        self._end.push_async_callback(bellhop.stop)
        self.bellhop = bellhop
        await until(lambda: bellhop.pump is not None, "Bellhop's start")

    async def stop(self) -> None:
        """Stop Bellhop as SIGTERM does; workers go on."""
        await self._end.aclose()
        self._end = contextlib.AsyncExitStack()
        self.bellhop = None

    async def end(self) -> None:
        """Stop everything that this story started."""
        if self.bellhop is not None:
            runner = self.bot.runners["process"]
            for key in await runner.alive():
                await runner.stop(key, 0.0)
        await self.stop()

    def comments(self, author: str, body: str, issue: Issue | None = None) -> Comment:
        """Somebody writes a comment."""
        return self.sim.comment(issue or self.issue, author=author, body=body)

    async def quiet(self) -> None:
        """Wait until every delivery is answered and Bellhop owes nothing."""
        await self.sim.settled()
        pump = self.bot.pump
        assert pump is not None
        waits = {"EditStatus"}

        async def met() -> bool:
            if await pump.idle():
                return True
            if not pump.busy and await self.bot.store.owed_kinds() == waits:
                self.time_passes(seconds=5)  # edits keep five seconds apart: time flies
            return False

        await until(met, "an idle Bellhop")
        await self.sim.settled()

    async def tasks(self, issue: Issue | None = None) -> tuple[Task, ...]:
        """The tasks of the issue, oldest first."""
        number = (issue or self.issue).number
        found = await self.bot.store.tasks_of_issue(self.repository.id, number)
        return tuple(reversed(found))

    async def task(self, issue: Issue | None = None) -> Task:
        """The newest task of the issue."""
        return (await self.tasks(issue))[-1]

    async def ended(self, count: int = 1, issue: Issue | None = None) -> Task:
        """Wait until so many tasks of the issue have ended and all is said; the newest of them."""

        async def met() -> bool:
            tasks = await self.tasks(issue)
            return len(tasks) >= count and all(task.ended for task in tasks)

        await until(met, f"the end of {count} tasks")
        await self.quiet()
        return await self.task(issue)

    async def in_state(self, state: str, issue: Issue | None = None) -> Task:
        """Wait until the newest task of the issue is in a status or state."""

        async def met() -> bool:
            tasks = await self.tasks(issue)
            return bool(tasks) and state in {tasks[-1].status.value, tasks[-1].state.state}

        await until(met, f"the state {state}")
        return await self.task(issue)

    def replies(self, issue: Issue | None = None) -> list[str]:
        """What Bellhop wrote on the issue, in order, without markers; names as NAME."""
        bot = self.sim.app.bot_login
        found = (issue or self.issue).comments
        texts = [MARKER.sub("", one.body) for one in found if one.user.login == bot]
        return [
            NAME.sub("NAME", text).replace(self.sim.url, "https://github.test") for text in texts
        ]

    def reply(self, issue: Issue | None = None) -> str:
        """The one thing that Bellhop wrote."""
        (only,) = self.replies(issue)
        return only

    def final(self, issue: Issue | None = None) -> str:
        """What Bellhop wrote last."""
        return self.replies(issue)[-1]

    def time_passes(self, **delta: float) -> None:
        """Move the clock on."""
        self.clock.offset += timedelta(**delta)
        self.bot.store.changed.set()

    def fault(self, method: str, path: str, kind: str, times: int = 1, **more: object) -> None:
        """Let GitHub fail."""
        self.sim.faults.add(Fault(method=method, path=path, kind=kind, times=times, **more))  # pyright: ignore[reportArgumentType]


@contextlib.asynccontextmanager
async def staged(folder: Path, **settings: object) -> AsyncGenerator[Stage]:
    """A stage with a repository, an issue, alice who may write and visitor who may not."""
    repos = folder / "github"
    repos.mkdir()
    port = free_port()
    async with await Simulator.start(repos) as sim:
        sim.webhook_url = f"http://127.0.0.1:{port}/api/webhooks/github"
        for login in ("alice", "bob", "tina", "visitor"):
            sim.add_user(login)
        repository = sim.add_repository("acme/widgets", {"README.md": "# Widgets\n"})
        repository.set_role("alice", "write")
        repository.set_role("bob", "write")
        repository.set_role("tina", "triage")
        sim.install(repository)
        issue = sim.open_issue(repository, author="alice", title="It is broken", body="Mend it.")
        clock = Clock()
        sim.now = clock
        stage = Stage(
            sim,
            folder,
            _settings(sim, folder, port, settings),
            repository,
            issue,
            clock,
            Tempo(backoff_unit=0.01, settle=0.05, clock=clock, github_clock=clock),
        )
        await stage.start()
        try:
            yield stage
        finally:
            await stage.end()


def _settings(sim: Simulator, folder: Path, port: int, more: dict[str, object]) -> Settings:
    values: dict[str, object] = {
        "port": port,
        "data": folder / "data",
        "app_id": sim.app.app_id,
        "client_id": sim.app.client_id,
        "private_key": SecretStr(sim.app.private_key_pem),
        "webhook_secret": SecretStr(sim.app.webhook_secret),
        "github_api_url": sim.api_url,
        "github_url": sim.url,
        "agent_command": AGENT,
    }
    clean = {key for key in os.environ if key.startswith("BELLHOP_")}
    assert clean <= {"BELLHOP_PAYLOADS"}, "stories are told without settings from outside"
    return Settings.model_validate(values | more)
