"""Who may see which events, for as long as a stream is open."""

from __future__ import annotations

from typing import Protocol

from bot.http.caller import Caller
from bot.http.problems import Problem
from bot.http.task_sight import TaskSight, place_of
from handlers.access import sees_those_of
from handlers.roles import Role
from storage.feed import Fed


class Audience(Protocol):
    """Somebody who reads events."""

    @property
    def task_id(self) -> str | None:
        """The task whose events are read; None: all tasks."""
        ...

    async def sees(self, fed: Fed) -> bool:
        """Whether an event exists for them.

        Raises:
            Problem: 503, GitHub does not say.
        """
        ...

    async def still(self) -> bool:
        """Look again whether they may read at all, and forget what they could see until now."""
        ...


class OfTask:
    """Reads the events of one task, which exists for the caller."""

    def __init__(self, sight: TaskSight, caller: Caller, task_id: str) -> None:
        self._sight = sight
        self._caller = caller
        self.task_id: str | None = task_id
        self._id = task_id

    async def sees(self, fed: Fed) -> bool:  # noqa: ARG002 - all events of a task are alike
        """All of them."""
        return True

    async def still(self) -> bool:
        """Whether the task exists for the caller now."""
        if not await self._sight.doorman.still(self._caller):
            return False
        try:
            await self._sight.task_of(self._caller, self._id)
        except Problem:
            return False
        return True


class OfAll:
    """Reads the events of all tasks that exist for the caller, asked for as they come up."""

    task_id: str | None = None

    def __init__(self, sight: TaskSight, caller: Caller) -> None:
        self._sight = sight
        self._caller = caller
        self._roles: dict[int, Role] = {}

    async def sees(self, fed: Fed) -> bool:
        """Those of tasks that exist for the caller."""
        caller = self._caller
        if caller.operator:
            return True
        role = self._roles.get(fed.repository_id)
        if role is None:
            role = await self._ask(fed)
        return sees_those_of(fed.owner_id, caller.person, role)

    async def still(self) -> bool:
        """Whether the caller would be let in now."""
        self._roles.clear()
        return await self._sight.doorman.still(self._caller)

    async def _ask(self, fed: Fed) -> Role:
        task = await self._sight.store.task(fed.task_id)
        if task is None:
            return Role.NONE  # it was removed since; the repository is asked about another time
        role = await self._sight.roles.role(place_of(task.where), self._caller.person)
        self._roles[fed.repository_id] = role
        return role
