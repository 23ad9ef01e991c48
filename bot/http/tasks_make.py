"""Makes a task, whoever asks for it: a program through the API, or a person on the page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from bot.http.access import Doorman
from bot.http.answers import check_declined
from bot.http.caller import Caller
from bot.http.problems import Problem
from bot.http.task_asking import TaskAsking
from bot.http.task_bodies import task_body
from bot.http.task_requests import NewTask
from handlers.events import WorkRequested
from handlers.task import Task
from storage import Store
from storage.idempotency import FirstAnswer, OnceKey


@dataclass(frozen=True, slots=True)
class TaskMaker:
    """Decides about requests for tasks."""

    store: Store
    doorman: Doorman
    asking: TaskAsking
    clock: Callable[[], datetime]
    web_url: str

    async def make(
        self, request: web.Request, caller: Caller, new: NewTask, key: str | None
    ) -> FirstAnswer:
        """The new task, or what was answered to the same request within a day.

        Args:
            request: It counts as one that makes work.
            caller: Who asks; a session's task comes from the page, a key's from the API.
            new: What is asked for.
            key: By which the same request is known again, None for one that is always new.

        Raises:
            Problem: 403, 409, 422 for what may not be, 429 too often, 503 where GitHub is silent.
        """
        digest = digest_of(new)
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
        return before

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


def digest_of(new: NewTask) -> str:
    """By which two bodies are compared: what they say, however it is spelt."""
    text = json.dumps(new.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
