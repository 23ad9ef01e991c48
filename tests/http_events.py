"""A Bellhop that only remembers and tells, tasks in it, and people who follow their events."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
from uuid_utils import uuid7
from yarl import URL

from bot.app import opened
from bot.bellhop import Bellhop
from bot.http.event_stream import Pace
from bot.http.limiting import Limits
from bot.http.listening import listening
from bot.key_desk import KeyDesk
from bot.keys import SCOPES
from handlers.circumstances import Circumstances
from handlers.commands import Command, Options
from handlers.events import (
    DeletionRequested,
    MessageSent,
    PlaceOffered,
    WorkerClaimed,
    WorkerCompleted,
    WorkerGone,
    WorkRequested,
)
from handlers.repo_config import RepoConfig
from handlers.roles import Role
from handlers.task import Task
from handlers.values import FollowUp, Origin, Person, Where
from simulator.model import Repository
from storage.logs import LogLine
from tests.first_start import lay_out_in
from tests.story import Stage, staged

PATIENCE = 20.0
SILENT = Pace(heartbeat=60.0)
MANY = Limits(100_000, 100_000, 100_000, 100_000)


@dataclass(frozen=True)
class Event:
    """One event as a browser sees it."""

    id: str
    type: str
    data: Any

    @property
    def number(self) -> int:
        return int(self.id)

    @property
    def message(self) -> str:
        return self.data["message"]


@dataclass
class Following:
    """An open stream, read event by event."""

    answer: aiohttp.ClientResponse
    beats: int = 0
    retry: str = ""
    _id: str = ""

    async def one(self) -> Event | None:
        """The next event; None where the stream has ended."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            while line := await self.answer.content.readline():
                name, _, value = line.decode().rstrip("\n").partition(":")
                if line == b"\n" and "data" in fields:
                    self._id = fields.get("id", self._id)
                    return Event(self._id, fields["event"], json.loads(fields["data"]))
                if line.startswith(b":"):
                    self.beats += 1
                elif name == "retry":
                    self.retry = value.strip()
                elif name:
                    fields[name] = value.removeprefix(" ")
        return None

    async def some(self, count: int) -> list[Event]:
        """The next events."""
        found = [await self.one() for _ in range(count)]
        assert None not in found
        return [one for one in found if one is not None]

    async def rest(self) -> list[Event]:
        """What comes until the stream ends."""
        found: list[Event] = []
        while (one := await self.one()) is not None:
            found.append(one)
        return found


@dataclass
class House:
    """The Bellhop, and words for what happens in it."""

    stage: Stage
    pace: Pace
    session: aiohttp.ClientSession
    bellhop: Bellhop | None = None
    keys: dict[str, str] = field(default_factory=dict)
    _end: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    @property
    def bot(self) -> Bellhop:
        assert self.bellhop is not None
        return self.bellhop

    async def start(self) -> None:
        tempo = replace(self.stage.tempo, limits=MANY, pace=self.pace)
        lay_out_in(self.stage.settings)
        self.bellhop = await self._end.enter_async_context(opened(self.stage.settings, tempo))
        app = self.bellhop.application()
        listener = socket.create_server(("127.0.0.1", self.stage.settings.port))
        self._end.enter_context(listener)
        await self._end.enter_async_context(listening(app, listener, patience=15))

    async def stop(self) -> None:
        """As SIGTERM does."""
        await self._end.aclose()
        self.bellhop = None

    def person(self, login: str) -> Person:
        return Person(self.stage.sim.user(login).id, login)

    async def key(self, login: str) -> str:
        if login not in self.keys:
            desk = KeyDesk(self.bot.store.people, self.bot.vault, self.stage.clock)
            made = await desk.new_key(self.person(login), "a test's", frozenset(SCOPES), None)
            self.keys[login] = made.secret
        return self.keys[login]

    async def lose_key(self, login: str) -> None:
        (key,) = await self.bot.store.people.keys_of(self.person(login).id)
        assert await self.bot.store.people.drop_key(key.id)

    async def task(self, owner: str = "alice", repository: Repository | None = None) -> Task:
        """A task that runs, of which three things happened."""
        there = repository or self.stage.repository
        installation = self.stage.sim.installation_of(there)
        assert installation is not None
        where = Where(installation.id, there.id, there.full_name, None, False, "")
        work = WorkRequested(
            str(uuid7()),
            Command("ask", "Why?", Options(), None, 0, addressed=True),
            where,
            self.person(owner),
            Origin("api", 0, 0, ""),
            Circumstances(Role.WRITE, RepoConfig(), "main"),
        )
        now, store = self.stage.clock(), self.bot.store
        await store.apply(work, now)
        await store.apply(PlaceOffered(work.task_id), now)
        task = await self._now(work.task_id)
        await store.apply(WorkerClaimed(task.id, task.attempt, task.launch, "a-worker"), now)
        return await self._now(task.id)

    async def say(self, task: Task, *words: str) -> None:
        """Lines of the worker's log."""
        lines = [LogLine("command", word, self.stage.clock()) for word in words]
        await self.bot.store.logs.append(task.id, task.attempt, lines)

    async def end(self, task: Task) -> None:
        """The worker is done."""
        done = WorkerCompleted(
            task.id, task.attempt, task.launch, "completed", "{}", summary="Because."
        )
        await self.bot.store.apply(done, self.stage.clock())
        assert (await self._now(task.id)).ended

    async def tell(self, task: Task, text: str) -> None:
        """Its owner has something more to say."""
        message = FollowUp(str(uuid7()), text, task.owner)
        await self.bot.store.apply(MessageSent(task.id, message), self.stage.clock())

    async def give_up(self, task: Task) -> None:
        """Its owner wants it gone; its worker is to stop first."""
        await self.bot.store.apply(DeletionRequested(task.id, task.owner), self.stage.clock())

    async def remove(self, task: Task) -> None:
        """The worker of a task that is given up has stopped: nothing is left."""
        now, store = self.stage.clock(), self.bot.store
        await store.apply(WorkerGone(task.id, task.attempt, task.launch), now)
        assert await store.delete(task.id, now)

    async def _now(self, task_id: str) -> Task:
        task = await self.bot.store.task(task_id)
        assert task is not None
        return task

    @contextlib.asynccontextmanager
    async def get(
        self, path: str, login: str = "alice", **headers: str
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask for something below `/api/tasks`."""
        sent = {"Authorization": f"Bearer {await self.key(login)}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = URL(f"{self.stage.settings.public_url}/api/tasks{path}", encoded=True)
        async with self.session.get(url, headers=sent) as answer:
            yield answer

    async def lazy(self, path: str, login: str) -> socket.socket:
        """Open a stream of which nothing is read but the beginning."""
        loop = asyncio.get_running_loop()
        lazy = self._end.enter_context(socket.socket())
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.setblocking(False)
        await loop.sock_connect(lazy, ("127.0.0.1", self.stage.settings.port))
        lines = f"GET /api/tasks{path} HTTP/1.1", "Host: here", await self._credentials(login)
        await loop.sock_sendall(lazy, "\r\n".join([*lines, "", ""]).encode())
        assert (await loop.sock_recv(lazy, 12)).endswith(b"200")
        return lazy

    async def _credentials(self, login: str) -> str:
        return f"Authorization: Bearer {await self.key(login)}"

    @contextlib.asynccontextmanager
    async def follow(
        self, path: str, login: str = "alice", **headers: str
    ) -> AsyncIterator[Following]:
        """Open a stream."""
        async with self.get(path, login, **headers) as answer:
            assert answer.status == 200, await answer.text()
            assert answer.content_type == "text/event-stream"
            yield Following(answer)

    async def page(self, path: str, login: str = "alice") -> tuple[list[Event], int]:
        """Read a page."""
        async with self.get(path, login, Accept="application/json") as answer:
            assert answer.status == 200, await answer.text()
            told = await answer.json()
        events = [Event(str(one["id"]), one["type"], one) for one in told["events"]]
        return events, told["next"]

    async def status(self, path: str, login: str = "alice", **headers: str) -> int:
        async with self.get(path, login, **headers) as answer:
            return answer.status


@contextlib.asynccontextmanager
async def house(folder: Path, pace: Pace = SILENT, **settings: object) -> AsyncGenerator[House]:
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        staged(folder, start=False, **settings) as stage,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        made = House(stage, pace, session)
        await made.start()
        try:
            yield made
        finally:
            await made.stop()
