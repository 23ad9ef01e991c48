"""Who sees which task: every route that is about one finds it here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from bot.http.access import Doorman
from bot.http.caller import Caller
from bot.http.ids import id_in, not_found
from bot.http.problems import Problem
from bot.roles import Roles
from handlers.access import sees
from handlers.roles import Role
from handlers.task import Task
from handlers.values import Where
from storage import Store
from storage.lists import Place

Scope = Literal["tasks:read", "tasks:write"]

ONE_TASK = "/tasks/{task_id:(?!(?:history|events)$)[^{}/]+}"
"""The address of one task; what is no id is told so, but other routes keep their names."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A task that exists for its caller, and what they may do in its repository.

    `role` is NONE for operators who only look: nobody was asked about them.
    """

    task: Task
    caller: Caller
    role: Role

    @property
    def mine(self) -> bool:
        """Whether the caller is told what only its owner and operators are told."""
        return self.caller.operator or self.task.owner.id == self.caller.person.id


@dataclass(frozen=True, slots=True)
class TaskSight:
    """Finds the task that a request is about."""

    store: Store
    doorman: Doorman
    roles: Roles

    async def task(self, request: web.Request, scope: Scope) -> Seen:
        """The task of a request's path.

        Raises:
            Problem: 400 for what is no id, 401, 403, 429 from the door, 404 for a task that is
                absent or not theirs to see, 503 where GitHub does not say.
        """
        caller = await self.doorman.caller(request, scope)
        return await self.task_of(caller, id_in(request, "task_id"), acting=scope == "tasks:write")

    async def task_of(self, caller: Caller, task_id: str, *, acting: bool = False) -> Seen:
        """The task of an id, for somebody who only looks or who is about to act on it.

        Raises:
            Problem: 404 for a task that is absent or not theirs to see, 503 where GitHub does not
                say.
        """
        task = await self.store.task(task_id)
        if task is None:
            raise no_task()
        role = Role.NONE
        if acting or not caller.operator:
            role = await self.roles.role(place_of(task.where), caller.person)
        if not sees(task, caller.person, role, operator=caller.operator):
            raise no_task()
        return Seen(task, caller, role)


def place_of(where: Where) -> Place:
    """The repository of a task."""
    return Place(where.repository_id, where.installation_id, where.repository)


def no_task() -> Problem:
    """The one answer for what is not there and for what is not yours."""
    return not_found("task")
