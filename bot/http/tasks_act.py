"""What can be asked of a task that is there: another attempt, its end, a message, more time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from bot.facts import Asked, Facts
from bot.github.values import RepoRef
from bot.http.answers import check_declined, json_answer
from bot.http.bodies import read_body
from bot.http.lookups import looking_up
from bot.http.problems import Problem
from bot.http.routes import add_route
from bot.http.task_asking import repository_facts
from bot.http.task_bodies import MessageTaken, TaskBody, task_body
from bot.http.task_requests import Extension, NewMessage
from bot.http.task_sight import Seen, TaskSight, no_task
from handlers import replies
from handlers.access import may_act, may_end
from handlers.commands import COMMANDS
from handlers.events import (
    Circumstances,
    Event,
    ExtensionRequested,
    MessageSent,
    RetryRequested,
    StopRequested,
)
from handlers.values import FollowUp


@dataclass(frozen=True, slots=True)
class ActDesk:
    """Takes what is asked of tasks."""

    sight: TaskSight
    facts: Facts
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    web_url: str

    def register(self, app: web.Application) -> None:
        """Serve the routes."""
        add_route(app, "POST", "/tasks/{task_id}/messages", self._message)
        add_route(app, "POST", "/tasks/{task_id}/retry", self._retry)
        add_route(app, "POST", "/tasks/{task_id}/stop", self._stop)
        add_route(app, "POST", "/tasks/{task_id}/extend", self._extend)

    async def _message(self, request: web.Request) -> web.Response:
        seen = await self._acting(request)
        said = await read_body(request, NewMessage)
        await self.sight.doorman.count_creation(request, seen.caller)
        message = FollowUp(self.new_id(), said.text, seen.caller.person, said.model)
        found = await self._found(seen) if seen.task.ended else None
        task = await self._do(seen, MessageSent(seen.task.id, message, found))
        return json_answer(MessageTaken(message_id=message.id, task=task), 202)

    async def _retry(self, request: web.Request) -> web.Response:
        seen = await self._acting(request)
        await self.sight.doorman.count_creation(request, seen.caller)
        found = await self._found(seen)
        event = RetryRequested(seen.task.id, seen.caller.person, found)
        return json_answer(await self._do(seen, event), 202)

    async def _stop(self, request: web.Request) -> web.Response:
        seen = await self.sight.task(request, "tasks:write")
        caller = seen.caller
        if not may_end(seen.task, caller.person, seen.role, operator=caller.operator):
            raise Problem(403, replies.stop_not_yours(seen.role), code="forbidden")
        event = StopRequested(seen.task.id, caller.person)
        return json_answer(await self._do(seen, event), 202)

    async def _extend(self, request: web.Request) -> web.Response:
        seen = await self._acting(request)
        more = await read_body(request, Extension)
        event = ExtensionRequested(seen.task.id, more.seconds)
        return json_answer(await self._do(seen, event), 202)

    async def _acting(self, request: web.Request) -> Seen:
        """The task, for somebody who may ask for more work on it."""
        seen = await self.sight.task(request, "tasks:write")
        if not may_act(seen.task, seen.role):
            kind = COMMANDS[seen.task.wish.command]
            raise Problem(403, replies.not_permitted(kind, seen.role), code="forbidden")
        return seen

    async def _do(self, seen: Seen, event: Event) -> TaskBody:
        store = self.sight.store
        check_declined(await store.apply(event, self.clock()))
        task = await store.task(seen.task.id)
        if task is None:
            raise no_task()
        return task_body(task, self.web_url, mine=seen.mine)

    async def _found(self, seen: Seen) -> Circumstances:
        """What GitHub says of the place where another attempt would work."""
        where = seen.task.where
        repo = RepoRef(where.installation_id, where.repository_id, where.repository)
        with looking_up():
            repository = await repository_facts(self.facts, repo)
            if repository is None:
                raise Problem(409, "Bellhop may not see the repository any more.", code="conflict")
            number = where.number
            asked = Asked(
                repo=repo,
                default_branch=repository.default_branch,
                archived=repository.archived,
                login=seen.caller.person.login,
                at=self.clock(),
                subject=None if number is None else await self.facts.subject(repo, number),
            )
            return await self.facts.about_request(asked, seen.role, task=seen.task)
