"""What the forms of a task's page do: the same as the routes of the API, for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from pydantic import ValidationError

from bot.http import pages
from bot.http.caller import Caller
from bot.http.page_task import ONE_PAGE, TaskPage
from bot.http.pages import see_other
from bot.http.problems import Problem
from bot.http.task_acts import TaskActs
from bot.http.task_requests import Extension, NewMessage
from bot.http.task_sight import Seen

MINUTES = 60
_ACT = "{act:stop|retry|messages|extend}"
_TOLD_THERE = frozenset({409, 422, 429})
"""What is told on the task's page, beside what was typed."""


@dataclass(frozen=True, slots=True)
class TaskForms:
    """Takes the forms."""

    page: TaskPage
    acts: TaskActs

    def register(self, app: web.Application) -> None:
        """Serve what they are sent to."""
        pages.add(app, "POST", f"{ONE_PAGE}/{_ACT}", self._act)
        pages.add(app, "GET", f"{ONE_PAGE}/{_ACT}", self._back)
        pages.add(app, "GET", f"{ONE_PAGE}/delete", self._ask)
        pages.add(app, "POST", f"{ONE_PAGE}/delete", self._delete)

    async def _act(self, request: web.Request, caller: Caller) -> web.Response:
        fields = await self.page.sight.doorman.forms.read(request, caller)
        seen = await self.page.seen(request, caller)
        try:
            word = await self._do(request, seen, fields)
        except Problem as problem:
            if problem.status not in _TOLD_THERE:
                raise
            return await self.page.show(request, seen, problem, fields.get("text", ""))
        return see_other(f"/tasks/{seen.task.id}", word)

    async def _back(self, request: web.Request, caller: Caller) -> web.Response:
        """Whoever loads the address of a form anew, after it was refused, sees the task."""
        return see_other(f"/tasks/{(await self.page.seen(request, caller)).task.id}")

    async def _do(self, request: web.Request, seen: Seen, fields: Mapping[str, str]) -> str:
        """Do what the address says; the word for what was done."""
        match request.match_info["act"]:
            case "stop":
                await self.acts.stop(seen)
                return "stopped"
            case "retry":
                await self.acts.retry(request, seen)
                return "retried"
            case "extend":
                await self.acts.extend(seen, _seconds(fields))
                return "extended"
            case _:
                await self.acts.message(request, seen, _message(fields))
                return "said"

    async def _ask(self, request: web.Request, caller: Caller) -> web.Response:
        """Deleting asks first."""
        seen = await self.page.seen(request, caller)
        may = await self.page.may(seen)
        values = {"task": seen.task, "may": may, "now": self.page.clock()}
        return pages.show(request, "task_delete.html", values)

    async def _delete(self, request: web.Request, caller: Caller) -> web.Response:
        await self.page.sight.doorman.forms.read(request, caller)
        seen = await self.page.seen(request, caller)
        if await self.acts.delete(seen):
            return see_other("/", "deleted")
        return see_other(f"/tasks/{seen.task.id}", "deleting")


def _message(fields: Mapping[str, str]) -> NewMessage:
    """What somebody has to say.

    Raises:
        Problem: 422, nothing, or too much.
    """
    text = fields.get("text", "").replace("\r\n", "\n")
    try:
        return NewMessage(text=text)
    except ValidationError as error:
        raise Problem(422, f"The message was not sent: {error.errors()[0]['msg']}.") from None


def _seconds(fields: Mapping[str, str]) -> int:
    """How much more time.

    Raises:
        Problem: 422, it is no number of minutes.
    """
    try:
        return Extension(seconds=int(fields.get("minutes", "")) * MINUTES).seconds
    except ValueError:
        raise Problem(422, "Say by how many minutes the task gets more time.") from None
