"""A caller of the tasks API on a stage: keys, requests, and what they are answered."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from bot.http.limiting import Limits
from bot.key_desk import KeyDesk
from bot.keys import SCOPES
from handlers.task import Task
from handlers.values import Person
from tests.story import Stage, staged, until

WAITS = "while ! test -e go; do sleep 0.05; done; echo fixed >> fix.txt; echo 'Mended.'"
"""An agent that works until it is stopped: nobody makes the file."""
ABSENT = "01900000-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Reply:
    """An answer, read whole."""

    status: int
    raw: bytes
    headers: Mapping[str, str]

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def id(self) -> str:
        return self.body["taskId"]

    @property
    def fields(self) -> list[str]:
        """The fields that a refusal names."""
        return [one["field"] for one in self.body.get("errors", [])]


@dataclass
class Client:
    """Somebody with a key."""

    stage: Stage
    session: aiohttp.ClientSession
    key: str

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | str | None = None,
    ) -> Reply:
        """Call a route below `/api`."""
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        if body is not None:
            data = json.dumps(body)
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
            data = data.encode() if isinstance(data, str) else data
        url = URL(f"{self.stage.settings.public_url}/api{path}", encoded=True)
        stream = None if data is None else io.BytesIO(data)
        async with self.session.request(
            method, url, data=stream, headers=sent, allow_redirects=False
        ) as answer:
            return Reply(answer.status, await answer.read(), answer.headers)

    async def ask(
        self, prompt: str = "Mend it.", *, key: str | None = None, **fields: object
    ) -> Reply:
        """Ask for a task in the stage's repository."""
        body = {"repoUrl": f"{self.stage.settings.github_url}/acme/widgets", "prompt": prompt}
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.call("POST", "/tasks", {**body, **fields}, headers=headers)

    async def get(self, task_id: str) -> Reply:
        return await self.call("GET", f"/tasks/{task_id}")


@dataclass
class Desk:
    """A stage on which people have keys."""

    stage: Stage
    session: aiohttp.ClientSession

    @property
    def keys(self) -> KeyDesk:
        bot = self.stage.bot
        return KeyDesk(bot.store.people, bot.vault, self.stage.clock)

    def person(self, login: str) -> Person:
        return Person(self.stage.sim.user(login).id, login)

    async def client(self, login: str, *, scopes: tuple[str, ...] = SCOPES) -> Client:
        """Somebody with a new key."""
        made = await self.keys.new_key(self.person(login), "a test's", frozenset(scopes), None)
        return Client(self.stage, self.session, made.secret)

    async def secret(self, login: str) -> None:
        """Somebody makes a secret for their webhooks."""
        assert await self.keys.new_webhook_secret(self.person(login))

    async def task(self, task_id: str) -> Task:
        task = await self.stage.bot.store.task(task_id)
        assert task is not None
        return task

    async def count(self) -> int:
        """How many tasks there are."""
        path = self.stage.settings.data / self.stage.settings.database
        with contextlib.closing(sqlite3.connect(path)) as db:
            return int(db.execute("SELECT count(*) FROM tasks").fetchone()[0])

    async def in_state(self, task_id: str, state: str) -> Task:
        """Wait until a task is in a status or state."""

        async def met() -> bool:
            task = await self.task(task_id)
            return state in {task.status.value, task.state.state}

        await until(met, f"the state {state}")
        return await self.task(task_id)

    async def ended(self, task_id: str) -> Task:
        """Wait until a task has ended and all is said."""

        async def met() -> bool:
            return (await self.task(task_id)).ended

        await until(met, "the end of the task")
        await self.stage.quiet()
        return await self.task(task_id)

    async def gone(self, task_id: str) -> None:
        """Wait until nothing is left of a task."""

        async def met() -> bool:
            self.stage.bot.store.changed.set()
            return await self.stage.bot.store.task(task_id) is None

        await until(met, "the end of the task's record")


def unlimited(stage: Stage) -> None:
    """Let callers ask as often as they like."""
    many = Limits(key=10**6, person=10**6, creations=10**6, failures=10**6)
    stage.tempo = replace(stage.tempo, limits=many)


@contextlib.asynccontextmanager
async def desk(folder: Path, **settings: Any) -> AsyncGenerator[tuple[Desk, Client]]:
    """A stage, and alice who may write with a key of hers."""
    async with staged(folder, **settings) as stage, aiohttp.ClientSession() as session:
        made = Desk(stage, session)
        yield made, await made.client("alice")
