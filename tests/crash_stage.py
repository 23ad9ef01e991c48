"""An offline GitHub and a Bellhop in a process of its own, which is started again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sqlite3
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

from bot.settings import Settings
from simulator import Fault, Record, Simulator
from simulator.auth import LIFETIME
from simulator.model import Comment, Issue, Repository, Token
from tests import crash_bot
from tests.first_start import lay_out_in
from tests.forks import FORKS, ended
from tests.ports import free_port

AGENT = "echo fixed >> fix.txt; echo 'Added the missing line.'"
PATIENCE = 60.0
"""Seconds after which a case that does not get on has failed."""
WORKER_TOKEN = {"contents": "read", "metadata": "read"}
"""The permissions by which a token that was made for a worker is known."""
DYING = timedelta(seconds=0.5)
"""A token that GitHub made this shortly before or after a death may have reached nobody."""


async def a_moment(seconds: float = 0.02) -> None:
    """Let others go on before looking again."""
    loop = asyncio.get_running_loop()
    moment = loop.create_future()
    loop.call_later(seconds, lambda: moment.done() or moment.set_result(None))
    await moment


async def until(met: Callable[[], bool]) -> None:
    """Wait for a thing itself, by looking often."""
    async with asyncio.timeout(PATIENCE):
        while not met():
            await a_moment()


@dataclass
class Mortal:
    """A Bellhop that dies at times and is started again at once, on the same data folder."""

    settings: dict[str, object]
    folder: Path
    endings: list[int | None] = field(default_factory=list[int | None])
    """The exit codes of those that ended; a signal's number is negative."""
    deaths: list[datetime] = field(default_factory=list[datetime])
    """When it was killed."""

    def __post_init__(self) -> None:
        self.leaving = False
        self._dying = False
        self._begun = 0
        self._process = self._start()
        self._keeping = asyncio.create_task(self._keep())

    @property
    def pid(self) -> int | None:
        """The process that lives now."""
        return self._process.pid

    async def dies(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill it and wait until it has begun again."""
        before = len(self.endings)
        self.signal(number)
        await until(lambda: len(self.endings) > before)

    @property
    def settled(self) -> bool:
        """Whether it is at work: not about to end, nor about to have begun again.

        One that ends as it should, with what it was about, leaves nothing to be seen of that.
        """
        return not self._dying and b'"ready"' in self._said()[self._begun :]

    async def leave(self) -> None:
        """End it for good, cleanly."""
        self.leaving = True
        self.signal(signal.SIGTERM)
        await self._keeping

    def output(self) -> str:
        """What it logged, in all its lives."""
        return self._said().decode()

    def signal(self, number: signal.Signals) -> None:
        """A signal to this one process."""
        if self.pid is not None and self._process.is_alive():
            self._dying = True
            self.deaths.append(datetime.now(UTC))
            os.kill(self.pid, number)

    def _said(self) -> bytes:
        log = self.folder / "bot.log"
        return log.read_bytes() if log.exists() else b""

    def _start(self) -> BaseProcess:
        self._dying, self._begun = False, len(self._said())
        process = FORKS.Process(target=crash_bot.run, args=(self.settings, self.folder / "bot.log"))
        process.start()
        return process

    async def _keep(self) -> None:
        while True:
            await ended(self._process)
            self.endings.append(self._process.exitcode)
            self._process.close()
            if self.leaving:
                return
            self._process = self._start()


@dataclass
class Scene:
    """Where a Bellhop is killed: its GitHub, its people, its repositories."""

    sim: Simulator
    folder: Path
    bot: Mortal
    repositories: list[Repository]
    issues: list[Issue]
    asked: list[Comment] = field(default_factory=list[Comment])

    async def asks(self, issue: Issue, body: str = "/fix it please") -> Comment:
        """Alice writes a comment, and what GitHub could not deliver is delivered again."""
        comment = self.sim.comment(issue, author="alice", body=body)
        self.asked.append(comment)
        delivery = self.sim.deliveries[-1]
        await self.sim.settled()
        while delivery.status != "OK":
            await a_moment()
            delivery = self.sim.redeliver(delivery)
            await self.sim.settled()
        return comment

    async def ends(self) -> list[str]:
        """Wait until every task has ended and Bellhop owes nothing; else what it says instead."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not self.over():
                    await a_moment(0.1)
        except TimeoutError:
            return [f"no end: {self.rows()}", *self.bot.output().splitlines()[-20:]]
        return []

    def over(self) -> bool:
        """Whether all is done, and Bellhop is there to say so."""
        return (
            self.bot.settled
            and not self.rows("SELECT 1 FROM effects WHERE state = 'waiting'")
            and len(self.rows("SELECT 1 FROM tasks WHERE completed_at IS NOT NULL"))
            == len(self.asked)
        )

    def rows(
        self, query: str = "SELECT status, doc ->> '$.state.state' FROM tasks"
    ) -> list[tuple[object, ...]]:
        """What the database says; the process that owns it may be dead."""
        path = self.folder / "data" / "bellhop.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return db.execute(query).fetchall()

    def broken(self) -> list[str]:
        """The promises that did not hold, where all that was asked for can be done."""
        return [
            *self.left_over(),
            *(f"task {row}" for row in self.rows() if row[0] != "completed"),
            *(text for one in self.repositories for text in self._broken_in(one)),
            *(
                text
                for one in self.repositories
                for thread in one.threads.values()
                for text in self._broken_on(thread)
            ),
        ]

    def left_over(self) -> list[str]:
        """What is still there or owed after the end, and what went wrong on the way."""
        found = {
            "effects": self.rows("SELECT key, state, error FROM effects WHERE state <> 'done'"),
            "deliveries": self.rows("SELECT id FROM deliveries WHERE state <> 'done'"),
            "tokens kept": self.rows("SELECT attempt FROM tokens"),
            "tokens alive": [one.permissions for one in self._tokens_in_hand()],
            "workers": workers_in(self.folder),
            "folders": [one.name for one in (self.folder / "data" / "workers").iterdir()],
            "refs": [ref for one in self.repositories for ref in one.git.refs("refs/bellhop")],
            "mistakes": [one for one in self.bot.output().splitlines() if "exception" in one],
        }
        return [f"{name}: {what}" for name, what in found.items() if what]

    def said(self, thread: Issue) -> list[str]:
        """What Bellhop wrote in a discussion."""
        return [one.body for one in thread.comments if one.user == self.sim.bot]

    def _broken_on(self, thread: Issue) -> list[str]:
        """What is not as it should be in a discussion: each thing is there once."""
        asked = [comment for comment in thread.comments if comment in self.asked]
        said = self.said(thread)
        finals = [text for text in said if text.startswith("🛎️ Done: ")]
        statuses = [text for text in said if text.startswith("✅ **`/fix`**")]
        counts = [len(finals), len(statuses), len(said)]
        wanted = [len(asked), len(asked), 2 * len(asked)]
        eyes = [[one.content for one in comment.reactions] for comment in asked]
        return [
            *([f"comments {counts} instead of {wanted}: {said}"] if counts != wanted else []),
            *([f"reactions {eyes}"] if any(one != ["eyes"] for one in eyes) else []),
        ]

    def _broken_in(self, repository: Repository) -> list[str]:
        """What is not as it should be in a repository: a pull for each issue's task, commits."""
        asked = [one.issue for one in self.asked if one.issue.repository is repository]
        pulls = {pull.head_branch: pull for pull in repository.pulls}
        new = [issue for issue in asked if issue not in repository.pulls]
        commits = {
            name: repository.git.count("main", name)
            for name in repository.branches()
            if name != "main"
        }
        wanted = {name: 1 + asked.count(pull) for name, pull in pulls.items()}
        return [
            *([f"{len(pulls)} pulls instead of {len(new)}"] if len(pulls) != len(new) else []),
            *([f"commits {commits} instead of {wanted}"] if commits != wanted else []),
            *([f"{len(repository.pulls)} pulls"] if len(repository.pulls) != len(pulls) else []),
        ]

    def _tokens_in_hand(self) -> list[Token]:
        """The living tokens of workers, but for those of which a dying Bellhop never heard."""
        return [
            token
            for token in self.sim.tokens.all()
            if token.permissions == WORKER_TOKEN
            and not token.revoked
            and not any(
                self._unheard(token.expires_at - LIFETIME, death) for death in self.bot.deaths
            )
        ]

    def _unheard(self, made: datetime, death: datetime) -> bool:
        """Whether it may be one that died who asked for what was made then.

        What the dead one had asked for may be made for as long as the next one has asked nothing.
        """
        begun = (one.time for one in self.sim.requests if one.path == "/app" and one.time > death)
        return death - DYING < made < max(death + DYING, next(begun, death))


def workers_in(folder: Path) -> list[int]:
    """The processes that live in a folder: workers and what they start have their home there."""
    mark = f"HOME={folder}/".encode()  # a folder `1` is none of those of `11`
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


@dataclass
class KillAt:
    """Kills Bellhop at a request to GitHub, before it is done or when it is.

    Either way one that dies of SIGKILL does not hear of it; after SIGTERM the request goes on. One
    that is to end for good is let go.

    Attributes:
        number: which request, from 1, of those that match.
        done: whether GitHub does what was asked.
        method: an HTTP method, or `*` for any.
        path: a regular expression for the path, as in `Fault`.
        how: the signal.
        struck: the request at which Bellhop was killed.
    """

    stage: Scene
    number: int = 1
    done: bool = False
    method: str = "*"
    path: str = "/"
    how: signal.Signals = signal.SIGKILL
    struck: Record | None = field(default=None, init=False)
    _heard: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.stage.sim.on_request.append(self)

    def __call__(self, record: Record, done: bool) -> None:
        """Hear of a request."""
        if not done and not self.stage.bot.leaving and self._matches(record):
            self._heard += 1
            if self._heard == self.number:
                self.struck = record
                if not self.done:
                    self.stage.bot.signal(self.how)
                    if self.how is signal.SIGKILL:
                        self.stage.sim.faults.add(Fault(kind="cut_before"))
        elif done and self.done and record is self.struck:
            self.stage.bot.signal(self.how)

    def __str__(self) -> str:
        what = f"{self.struck.method} {self.struck.path}" if self.struck else "nothing"
        return f"{self.how.name} {'after' if self.done else 'before'} {self.number}, {what}"

    def _matches(self, record: Record) -> bool:
        return self.method in ("*", record.method) and re.match(self.path, record.path) is not None


@contextlib.asynccontextmanager
async def scene(folder: Path, repositories: int = 1, **settings: object) -> AsyncGenerator[Scene]:
    """A GitHub with some repositories of one issue each, and a Bellhop that is about to start."""
    port = free_port()
    async with await Simulator.start(folder / "github") as sim:
        sim.webhook_url = f"http://127.0.0.1:{port}/api/webhooks/github"
        sim.add_user("alice")
        made = [sim.add_repository(f"acme/widgets-{n + 1}") for n in range(repositories)]
        issues: list[Issue] = []
        for repository in made:
            repository.set_role("alice", "write")
            issues.append(sim.open_issue(repository, author="alice", title="It is broken"))
        sim.install(*made)
        await sim.settled()
        told = _settings(sim, folder, port) | settings
        lay_out_in(Settings.model_validate(told))
        bot = Mortal(told, folder)
        try:
            yield Scene(sim, folder, bot, made, issues)
        finally:
            await bot.leave()
            for pid in workers_in(folder):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _settings(sim: Simulator, folder: Path, port: int) -> dict[str, object]:
    return {
        "port": port,
        "data": folder / "data",
        "app_id": sim.app.app_id,
        "client_id": sim.app.client_id,
        "private_key": sim.app.private_key_pem,
        "webhook_secret": sim.app.webhook_secret,
        "github_api_url": sim.api_url,
        "github_url": sim.url,
        "agent_command": AGENT,
    }
