"""`DELETE` of one task, or of all that somebody has and that ended in some way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from bot.http.answers import json_answer
from bot.http.caller import Caller
from bot.http.problems import Problem
from bot.http.routes import add_route
from bot.http.task_acts import TaskActs
from bot.http.task_bodies import DeletedTasks
from bot.http.task_queries import repository_of
from bot.http.task_requests import ENDINGS
from bot.http.task_sight import ONE_TASK, TaskSight
from handlers.task import Status
from storage.tasks import Owned

AT_ONCE = 100
"""Tasks of one transaction, so that decisions do not wait for it."""


@dataclass(frozen=True, slots=True)
class DeleteDesk:
    """Removes tasks."""

    sight: TaskSight
    clock: Callable[[], datetime]
    acts: TaskActs

    def register(self, app: web.Application) -> None:
        """Serve the routes."""
        add_route(app, "DELETE", "/tasks", self._many)
        add_route(app, "DELETE", ONE_TASK, self._one)

    async def _one(self, request: web.Request) -> web.Response:
        seen = await self.sight.task(request, "tasks:write")
        if not await self.acts.delete(seen):
            return json_answer(DeletedTasks(deleted_count=0), 202)
        return json_answer(DeletedTasks(deleted_count=1))

    async def _many(self, request: web.Request) -> web.Response:
        caller = await self.sight.doorman.caller(request, "tasks:write")
        statuses = _statuses_of(request)
        repository = repository_of(request)
        places = await self.sight.store.lists.places(caller.person.id, repository)
        scope = await self.sight.roles.scope(caller, places)
        mine = {one.repository_id for one in places}
        reach = frozenset(mine) if scope.everything else scope.readable & mine
        count = 0
        for status in sorted(statuses):
            count += await self._remove(caller, Owned(caller.person.id, status, reach))
        return json_answer(DeletedTasks(deleted_count=count))

    async def _remove(self, caller: Caller, which: Owned) -> int:
        store = self.sight.store
        count, after = 0, ""
        while ids := await store.owned(which, after, AT_ONCE):
            count += await store.delete_some(ids, {which.status}, caller.person, self.clock())
            after = ids[-1]
        return count


def _statuses_of(request: web.Request) -> set[Status]:
    """The ends that `action` names."""
    words = [word for given in request.query.getall("action", []) for word in given.split(",")]
    if not words or not set(words) <= set(ENDINGS):
        raise Problem(
            422,
            f"Name what to remove: action={','.join(ENDINGS)}, or one or two of them.",
            errors=[{"field": "action", "message": f"some of {', '.join(ENDINGS)}"}],
        )
    return {Status(word) for word in words}
