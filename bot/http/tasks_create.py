"""`POST /api/tasks`: a program, or a person on the page, asks for a task."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from bot.http.access import Doorman
from bot.http.answers import check_declined, json_text
from bot.http.bodies import read_body
from bot.http.problems import Problem
from bot.http.routes import add_route
from bot.http.task_asking import TaskAsking
from bot.http.task_bodies import task_body
from bot.http.task_requests import NewTask
from handlers.events import WorkRequested
from handlers.task import Task
from storage import Store
from storage.idempotency import FirstAnswer, OnceKey

_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class CreateDesk:
    """Takes requests for tasks."""

    store: Store
    doorman: Doorman
    asking: TaskAsking
    clock: Callable[[], datetime]
    web_url: str

    def register(self, app: web.Application) -> None:
        """Serve the route."""
        add_route(app, "POST", "/tasks", self._create)

    async def _create(self, request: web.Request) -> web.Response:
        caller = await self.doorman.caller(request, "tasks:write")
        key = _key_of(request)
        new = await read_body(request, NewTask)
        digest = _digest(new)
        once = None if key is None else OnceKey(caller.person.id, key, digest)
        before = None if once is None else await self.store.answered(once, self.clock())
        if before is None:
            await self.doorman.count_creation(request, caller)
            event = await self.asking.event(caller, new)
            before = await self._decide(event, once, digest)
        if before.digest != digest:
            raise Problem(
                422,
                "This Idempotency-Key was sent with another body within the last 24 hours. "
                "Take a new key for a new request.",
                code="key_reused",
            )
        return json_text(before.body, 202, {"Location": before.location})

    async def _decide(self, event: WorkRequested, once: OnceKey | None, digest: str) -> FirstAnswer:
        def answer(task: Task) -> FirstAnswer:
            body = task_body(task, self.web_url, mine=True).model_dump_json(by_alias=True)
            return FirstAnswer(digest, f"/api/tasks/{task.id}", body)

        if once is None:
            decision = await self.store.apply(event, self.clock())
        else:
            done = await self.store.apply_once(event, once, answer, self.clock())
            if isinstance(done, FirstAnswer):
                return done
            decision = done
        check_declined(decision)
        if decision.task is None:
            raise LookupError("a request was neither admitted nor declined")
        return answer(decision.task)


def _key_of(request: web.Request) -> str | None:
    keys = request.headers.getall("Idempotency-Key", [])
    if not keys:
        return None
    if len(keys) > 1 or _KEY.fullmatch(keys[0]) is None:
        raise Problem(400, "An Idempotency-Key is 1 to 255 printable ASCII characters, given once.")
    return keys[0]


def _digest(new: NewTask) -> str:
    """By which two bodies are compared: what they say, however it is spelt."""
    text = json.dumps(new.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
