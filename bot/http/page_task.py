"""`/tasks/{task_id}`: one task, whole, as it is now; a script keeps it so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.http.caller import Caller
from bot.http.ids import is_id
from bot.http.markdown import rendered
from bot.http.pages import add, done, show
from bot.http.problems import Problem
from bot.http.task_may import May, may
from bot.http.task_sight import Seen, TaskSight, no_task
from bot.http.task_timeline import rows
from handlers.exact import exact
from handlers.preferences import longest
from handlers.task import Status
from storage.logs import LogLine

ONE_PAGE = "/tasks/{task_id:(?!new$)[^{}/]+}"
LINES = 200
"""Lines of the log that a page has by itself; a script brings all of them."""
LONGEST_PROMPT = 10_000

NOTICES = {
    "asked": "The task is on its way.",
    "stopped": "The task is being stopped.",
    "retried": "Another attempt is on its way.",
    "said": "Your message is on its way to the worker.",
    "extended": "The task has more time.",
    "deleting": "The task is being stopped, and is deleted after that.",
}

_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some lines of a log; `after` is where the next ones begin, None where these are the last."""

    lines: tuple[LogLine, ...]
    newest: bool
    after: int | None = None
    more_before: bool = False


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Shows a task."""

    sight: TaskSight
    clock: Callable[[], datetime]
    web_url: str

    def register(self, app: web.Application) -> None:
        """Serve the page."""
        add(app, "GET", ONE_PAGE, self._task)

    async def seen(self, request: web.Request, caller: Caller) -> Seen:
        """The task of a request's path, and what its reader may do.

        Raises:
            Problem: 404 for one that is absent or not theirs; 503, GitHub does not say.
        """
        task_id = request.match_info["task_id"].lower()
        if not is_id(task_id):
            raise no_task()
        try:
            return await self.sight.task_of(caller, task_id, acting=True)
        except Problem as problem:
            if problem.status != 503 or not caller.operator:  # noqa: PLR2004 - GitHub does not say
                raise
            return await self.sight.task_of(caller, task_id)

    async def may(self, seen: Seen) -> May:
        """What is offered to whoever looks."""
        store, task = self.sight.store, seen.task
        kept = await store.scopes.kept(task.where.installation_id, task.requester.id)
        most, _ = longest(task.wish, kept, store.rules)
        return may(seen, most)

    async def show(
        self,
        request: web.Request,
        seen: Seen,
        problem: Problem | None = None,
        message: str = "",
    ) -> web.Response:
        """The page, perhaps with what was wrong with what was asked, and the message again."""
        store, task, now = self.sight.store, seen.task, self.clock()
        after = store.feed.settled  # before the rest is read: nothing is missed
        brief = await store.brief(task.id)
        if brief is None:
            raise no_task()
        task = brief.task
        waiting, prompt = task.status is Status.QUEUED, task.wish.prompt[:LONGEST_PROMPT]
        values: dict[str, Any] = {
            "task": task,
            "may": await self.may(Seen(task, seen.caller, seen.role)),
            "attempts": brief.attempts,
            "timeline": rows(brief.attempts, await store.states(task.id), now, ended=task.ended),
            "place": await store.place_in_queue(task.id) if waiting else 0,
            # Who is to approve it, or looks at what was, sees what is in it.
            "prompt": exact(prompt) if task.approval else prompt,
            "cut": len(task.wish.prompt) > LONGEST_PROMPT,
            "awaiting": exact(task.awaiting.source) if task.awaiting else None,
            "summary": rendered(task.summary) if task.summary else None,
            "log": await self._log(request, task.id),
            "after": after,
            "now": now,
            "web_url": self.web_url,
            "notice": done(request, NOTICES),
            "problem": problem,
            "message": message,
        }
        return show(request, "task.html", values, 200 if problem is None else problem.status)

    async def _task(self, request: web.Request, caller: Caller) -> web.Response:
        return await self.show(request, await self.seen(request, caller))

    async def _log(self, request: web.Request, task_id: str) -> LogPage:
        """The newest lines, or those after a number of the address."""
        logs, asked = self.sight.store.logs, request.query.get("log", "")
        if not _NUMBER.fullmatch(asked):
            found = await logs.newest_of_task(task_id, LINES + 1)
            lines = tuple(line for _, line in found[-LINES:])
            return LogPage(lines, newest=True, more_before=len(found) > LINES)
        found = await logs.of_task(task_id, int(asked), LINES + 1)
        shown = found[:LINES]
        after = shown[-1][0] if len(found) > LINES else None
        return LogPage(
            tuple(line for _, line in shown),
            newest=False,
            after=after,
            more_before=int(asked) > 0,
        )
