"""`POST /api/tasks`: a program asks for a task."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import web

from bot.http.access import Doorman
from bot.http.answers import json_text
from bot.http.bodies import read_body
from bot.http.problems import Problem
from bot.http.routes import add_route
from bot.http.task_requests import NewTask
from bot.http.tasks_make import TaskMaker

_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class CreateDesk:
    """Takes requests for tasks."""

    doorman: Doorman
    maker: TaskMaker

    def register(self, app: web.Application) -> None:
        """Serve the route."""
        add_route(app, "POST", "/tasks", self._create)

    async def _create(self, request: web.Request) -> web.Response:
        caller = await self.doorman.caller(request, "tasks:write")
        key = _key_of(request)
        new = await read_body(request, NewTask)
        made = await self.maker.make(request, caller, new, key)
        return json_text(made.body, 202, {"Location": made.location})


def _key_of(request: web.Request) -> str | None:
    keys = request.headers.getall("Idempotency-Key", [])
    if not keys:
        return None
    if len(keys) > 1 or _KEY.fullmatch(keys[0]) is None:
        raise Problem(400, "An Idempotency-Key is 1 to 255 printable ASCII characters, given once.")
    return keys[0]
