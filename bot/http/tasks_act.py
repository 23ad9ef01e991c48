"""What can be asked of a task that is there: another attempt, its end, a message, more time."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.http.answers import json_answer
from bot.http.bodies import read_body
from bot.http.routes import add_route
from bot.http.task_acts import TaskActs, check_may_act
from bot.http.task_bodies import MessageTaken, task_body
from bot.http.task_requests import Extension, NewMessage
from bot.http.task_sight import Seen
from handlers.task import Task


@dataclass(frozen=True, slots=True)
class ActDesk:
    """Takes what is asked of tasks."""

    acts: TaskActs
    web_url: str

    def register(self, app: web.Application) -> None:
        """Serve the routes."""
        add_route(app, "POST", "/tasks/{task_id}/messages", self._message)
        add_route(app, "POST", "/tasks/{task_id}/retry", self._retry)
        add_route(app, "POST", "/tasks/{task_id}/stop", self._stop)
        add_route(app, "POST", "/tasks/{task_id}/extend", self._extend)

    async def _message(self, request: web.Request) -> web.Response:
        seen = await self._acting(request)
        check_may_act(seen)
        said = await read_body(request, NewMessage)
        message, task = await self.acts.message(request, seen, said)
        told = task_body(task, self.web_url, mine=seen.mine)
        return json_answer(MessageTaken(message_id=message.id, task=told), 202)

    async def _retry(self, request: web.Request) -> web.Response:
        seen = await self._acting(request)
        return self._taken(seen, await self.acts.retry(request, seen))

    async def _stop(self, request: web.Request) -> web.Response:
        seen = await self._acting(request)
        return self._taken(seen, await self.acts.stop(seen))

    async def _extend(self, request: web.Request) -> web.Response:
        seen = await self._acting(request)
        check_may_act(seen)
        more = await read_body(request, Extension)
        return self._taken(seen, await self.acts.extend(seen, more.seconds))

    async def _acting(self, request: web.Request) -> Seen:
        return await self.acts.sight.task(request, "tasks:write")

    def _taken(self, seen: Seen, task: Task) -> web.Response:
        return json_answer(task_body(task, self.web_url, mine=seen.mine), 202)
