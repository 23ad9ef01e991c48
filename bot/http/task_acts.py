"""What people and programs do to a task that is there: asked by a route, or by a form of a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from bot.asked import Asked
from bot.facts import Facts
from bot.github.values import RepoRef
from bot.http.answers import check_declined
from bot.http.lookups import looking_up
from bot.http.problems import Problem
from bot.http.task_asking import repository_facts
from bot.http.task_requests import NewMessage
from bot.http.task_sight import Seen, TaskSight, no_task
from handlers import refusals
from handlers.access import may_act, may_delete, may_end
from handlers.admission import kind_then
from handlers.circumstances import Circumstances
from handlers.events import (
    DeletionRequested,
    Event,
    ExtensionRequested,
    MessageSent,
    RetryRequested,
    StopRequested,
)
from handlers.roles import Role
from handlers.task import Task
from handlers.values import FollowUp


@dataclass(frozen=True, slots=True)
class TaskActs:
    """Does it, for those who may: each raises a Problem (403, 404, 409, 422, 429, 503) otherwise.

    `seen` is the task as somebody sees it who is about to act on it.
    """

    sight: TaskSight
    facts: Facts
    clock: Callable[[], datetime]
    new_id: Callable[[], str]

    async def message(
        self, request: web.Request, seen: Seen, said: NewMessage
    ) -> tuple[FollowUp, Task]:
        """Say something more to the worker, or begin another attempt with it."""
        check_may_act(seen)
        await self.sight.doorman.count_creation(request, seen.caller)
        outsider = seen.role < Role.WRITE
        message = FollowUp(self.new_id(), said.text, seen.caller.person, said.model, outsider)
        found = await self._found(seen) if seen.task.ended else None
        return message, await self._do(seen, MessageSent(seen.task.id, message, found))

    async def retry(self, request: web.Request, seen: Seen) -> Task:
        """Begin another attempt."""
        check_may_act(seen)
        await self.sight.doorman.count_creation(request, seen.caller)
        found = await self._found(seen)
        return await self._do(seen, RetryRequested(seen.task.id, seen.caller.person, found))

    async def stop(self, seen: Seen) -> Task:
        """Let it end."""
        caller = seen.caller
        if not may_end(seen.task, caller.person, seen.role, operator=caller.operator):
            raise Problem(403, refusals.stop_not_yours(seen.role), code="forbidden")
        return await self._do(seen, StopRequested(seen.task.id, caller.person))

    async def extend(self, seen: Seen, seconds: int) -> Task:
        """Give it more time."""
        check_may_act(seen)
        return await self._do(seen, ExtensionRequested(seen.task.id, seconds))

    async def delete(self, seen: Seen) -> bool:
        """Remove it, at once or when its worker is gone: whether it is gone now."""
        caller = seen.caller
        if not may_delete(seen.task, caller.person, operator=caller.operator):
            raise Problem(
                403,
                "Only the owner of a task and operators of this Bellhop may remove it; what was "
                "never approved, operators alone.",
                code="forbidden",
            )
        store = self.sight.store
        event = DeletionRequested(seen.task.id, caller.person)
        decision = await store.apply(event, self.clock())
        task = await store.task(seen.task.id)
        if task is not None and not task.ended:
            return False
        if decision.task is None:  # somebody else removed it since it was looked at
            raise no_task()
        return True

    async def _do(self, seen: Seen, event: Event) -> Task:
        store = self.sight.store
        check_declined(await store.apply(event, self.clock()))
        task = await store.task(seen.task.id)
        if task is None:
            raise no_task()
        return task

    async def _found(self, seen: Seen) -> Circumstances:
        """What GitHub says of the place where another attempt would work."""
        where = seen.task.where
        repo = RepoRef(where.installation_id, where.repository_id, where.repository)
        with looking_up():
            repository = await repository_facts(self.facts, repo)
            if repository is None:
                raise Problem(409, "Bellhop may not see the repository any more.", code="conflict")
            ask = self.facts.discussion.subject
            asked = Asked(
                repo=repo,
                default_branch=repository.default_branch,
                archived=repository.archived,
                login=seen.caller.person.login,
                at=self.clock(),
                subject=None if where.number is None else await ask(repo, where.number),
            )
            return await self.facts.about_request(asked, seen.role, task=seen.task)


def check_may_act(seen: Seen) -> None:
    """See that the caller may ask for more work on a task.

    Raises:
        Problem: 403.
    """
    if not may_act(seen.task, seen.role):
        detail = refusals.not_permitted(kind_then(seen.task.wish), seen.role)
        raise Problem(403, detail, code="forbidden")
