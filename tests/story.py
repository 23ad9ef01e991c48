"""A stage for stories: an offline GitHub, a Bellhop, real workers, and words for what happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver
from pydantic import SecretStr

from bot.app import opened
from bot.bellhop import Bellhop
from bot.github.app import WORKER_PERMISSIONS
from bot.http.listening import listening
from bot.runners.base import WorkerKey
from bot.runners.process import ProcessRunner
from bot.settings import Settings
from bot.tempo import Tempo
from bot.worker_tokens import WorkerTokens
from handlers.task import Task
from simulator import Fault, Simulator
from simulator.model import Comment, Installation, Issue, Repository, Token
from tests.first_start import lay_out_in
from tests.ports import free_port

AGENT = "echo fixed >> fix.txt; echo 'Added the missing line.'"
"""An agent that changes something and says so."""

PATIENCE = 30.0
"""Seconds after which a story that does not get on has failed."""

SHORT = 10.0
"""Seconds that a sleeping Bellhop skips."""

MARKER = re.compile(r"\n\n<!-- bellhop:\S+ -->\Z")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)")
SPAN = re.compile(r"(?<=\bin )\d+ s\b|(?<=\| )\d+ s(?= \|)")
PAGE = re.compile(r"http://127\.0\.0\.1:\d+/tasks/[0-9a-f-]{36}")
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
    timer = loop.call_later(0.004, moment.set_result, None)
    try:
        await moment
    finally:
        timer.cancel()


def plain(text: str) -> str:
    """A text with PAGE, NAME, TIME and SPAN for what differs from run to run."""
    return SPAN.sub("SPAN", TIME.sub("TIME", NAME.sub("NAME", PAGE.sub("PAGE", text))))


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
        """Short waits between two calls take no time: the clock is moved on instead."""
        until = self.monotonic() + seconds
        if seconds < SHORT:
            self.offset += timedelta(seconds=seconds)
        while self.monotonic() < until:
            await _a_moment()


@dataclass
class Stage:
    """Everybody who plays."""

    sim: Simulator
    folder: Path
    settings: Settings
    repository: Repository
    installation: Installation
    issue: Issue
    clock: Clock
    tempo: Tempo
    resolver: AbstractResolver | None = None
    """What looks up the hosts of webhooks to programs."""
    trust: ssl.SSLContext | None = None
    """Whose certificates count of those hosts."""
    provider_bases: dict[str, str] = field(default_factory=dict)
    """Where providers of models are instead, by their own address."""
    bellhop: Bellhop | None = None
    _end: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    @property
    def bot(self) -> Bellhop:
        """The running Bellhop."""
        assert self.bellhop is not None
        return self.bellhop

    async def start(self) -> None:
        """Start Bellhop, in this process but on a socket of its own."""
        lay_out_in(self.settings)
        bellhop = await self._end.enter_async_context(
            opened(self.settings, self.tempo, self.resolver, self.trust, self.provider_bases)
        )
        await bellhop.introduce()
        address = ("127.0.0.1", self.settings.port)
        listener = self._end.enter_context(socket.create_server(address))
        served = listening(bellhop.application(), listener, patience=1)
        await self._end.enter_async_context(served)
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
        """Stop everything that this story started: first Bellhop, or it begins anew what ends."""
        await self.stop()
        runner = ProcessRunner(self.settings.data / "workers")
        for key in await runner.alive():
            await runner.stop(key, 0.0)

    def comments(self, author: str, body: str, issue: Issue | None = None) -> Comment:
        """Somebody writes a comment."""
        return self.sim.comment(issue or self.issue, author=author, body=body)

    async def quiet(self) -> None:
        """Wait until every delivery is answered and Bellhop owes nothing."""
        await self.sim.settled()
        pump = self.bot.pump
        assert pump is not None

        async def met() -> bool:
            await self._time_flies()
            return self.bot.store.held is None and await pump.idle()

        await until(met, "an idle Bellhop")
        await self.sim.settled()

    async def _time_flies(self) -> None:
        """Where all that Bellhop does is wait, and nobody works for it, skip the wait."""
        pump = self.bot.pump
        if pump is None or pump.busy or await self.bot.runners["process"].alive():
            return
        for issue in (*self.repository.issues, *self.repository.pulls):
            found = await self.bot.store.tasks_of_issue(self.repository.id, issue.number)
            if any(one.clocks.heard_by or one.clocks.first_call_by for one in found):
                return
        now = self.clock()
        due = await self.bot.store.next_due(now)
        if due is not None and due - now < timedelta(minutes=2):
            self.clock.offset += due - now
            self.bot.store.changed.set()

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
            await self._time_flies()
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
        return [plain(text).replace(self.sim.url, "https://github.test") for text in texts]

    def reply(self, issue: Issue | None = None) -> str:
        """The one thing that Bellhop wrote."""
        (only,) = self.replies(issue)
        return only

    def final(self, issue: Issue | None = None) -> str:
        """What Bellhop wrote last."""
        return self.replies(issue)[-1]

    async def call(
        self, method: str, name: str, task: Task, body: dict[str, object]
    ) -> tuple[int, dict[str, object]]:
        """Call back as the worker of a task does."""
        key = WorkerKey(task.id, task.attempt, task.launch)
        token = WorkerTokens(self.bot.vault.worker_key).make(key)
        url = f"{self.settings.public_url}/api/callbacks/{name}"
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, json=body, headers=headers) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def report(self, task: Task, outcome: dict[str, object]) -> int:
        """Complete as the worker of a task does; the status of the answer."""
        return (await self.call("POST", "complete", task, {"taskId": task.id, **outcome}))[0]

    async def report_together(
        self, task: Task, outcome: dict[str, object], count: int
    ) -> list[int]:
        """Complete many times at once."""
        return await asyncio.gather(*(self.report(task, outcome) for _ in range(count)))

    async def warned(self) -> bool:
        """Whether the newest task was warned about its time."""
        return (await self.task()).warning is not None

    async def at_work(self, attempt: int) -> bool:
        """Whether the agent of an attempt of the newest task works."""
        tasks = await self.tasks()
        return bool(tasks) and (tasks[-1].attempt, tasks[-1].state.state) == (attempt, "working")

    async def minutes_pass(self, minutes: int) -> None:
        """Let time pass in which the worker of the newest task goes on being heard."""
        for _ in range(minutes):
            self.time_passes(minutes=1)
            await self.call("POST", "progress", await self.task(), {})

    async def attempt(self, number: int) -> None:
        """Wait until the newest task is at its attempt of this number."""

        async def met() -> bool:
            return (await self.task()).attempt == number

        await until(met, f"attempt {number}")

    async def kill_worker(self) -> None:
        """Kill the worker of the newest task, and it alone."""
        os.kill(await self._worker(), signal.SIGKILL)

    async def freeze_worker(self) -> None:
        """Let the worker of the newest task say nothing any more."""
        os.kill(await self._worker(), signal.SIGSTOP)

    async def _worker(self) -> int:
        task = await self.task()
        key = WorkerKey(task.id, task.attempt, task.launch)
        record = self.settings.data / "workers" / str(key) / "record.json"
        return int(json.loads(record.read_text())["pid"])

    def worker_tokens(self) -> list[Token]:
        """The GitHub tokens that were made for workers."""
        return [one for one in self.sim.tokens.all() if one.permissions == dict(WORKER_PERMISSIONS)]

    def time_passes(self, **delta: float) -> None:
        """Move the clock on."""
        self.clock.offset += timedelta(**delta)
        self.bot.store.changed.set()

    def fault(self, method: str, path: str, kind: str, times: int = 1, **more: object) -> None:
        """Let GitHub fail."""
        self.sim.faults.add(Fault(method=method, path=path, kind=kind, times=times, **more))  # pyright: ignore[reportArgumentType]


@contextlib.asynccontextmanager
async def staged(
    folder: Path,
    *,
    start: bool = True,
    prepare: Callable[[Stage], None] = lambda _: None,
    resolver: AbstractResolver | None = None,
    trust: ssl.SSLContext | None = None,
    **settings: object,
) -> AsyncGenerator[Stage]:
    """A stage with a repository, an issue, alice who may write and visitor who may not.

    `prepare` may change it before Bellhop starts.
    """
    repos = folder / "github"
    repos.mkdir()
    port = free_port()
    async with await Simulator.start(repos) as sim:
        sim.webhook_url = f"http://127.0.0.1:{port}/api/webhooks/github"
        sim.callback_urls = [f"http://127.0.0.1:{port}/api/auth/github/callback"]
        for login in ("alice", "bob", "tina", "visitor"):
            sim.add_user(login)
        sim.add_user("robot[bot]", "Bot")
        repository = sim.add_repository("acme/widgets", {"README.md": "# Widgets\n"})
        repository.set_role("alice", "write")
        repository.set_role("bob", "write")
        repository.set_role("tina", "triage")
        installation = sim.install(repository)
        issue = sim.open_issue(repository, author="alice", title="It is broken", body="Mend it.")
        clock = Clock()
        sim.now = clock
        stage = Stage(
            sim,
            folder,
            _settings(sim, folder, port, settings),
            repository,
            installation,
            issue,
            clock,
            Tempo(
                backoff_unit=0.01,
                settle=0.05,
                redelivery=PATIENCE,
                clock=clock,
                github_clock=clock,
            ),
            resolver,
            trust,
        )
        prepare(stage)
        if start:
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
        "client_secret": SecretStr(sim.app.client_secret),
        "private_key": SecretStr(sim.app.private_key_pem),
        "webhook_secret": SecretStr(sim.app.webhook_secret),
        "github_api_url": sim.api_url,
        "github_url": sim.url,
        "agent_command": AGENT,
    }
    clean = {key for key in os.environ if key.startswith("BELLHOP_")}
    assert clean <= {"BELLHOP_PAYLOADS"}, "stories are told without settings from outside"
    return Settings.model_validate(values | more)
