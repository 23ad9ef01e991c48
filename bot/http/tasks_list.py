"""`GET /api/tasks` and `GET /api/tasks/history`: many tasks, page by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from bot.http.answers import json_answer
from bot.http.caller import Caller
from bot.http.cursors import cursor_of_end, end_in, place_in
from bot.http.problems import Problem
from bot.http.routes import add_reading_route, add_route
from bot.http.task_bodies import task_body
from bot.http.task_listing import listing
from bot.http.task_lists import DayBody, History, PullTimesBody, TaskList, finished_task
from bot.http.task_narrowing import narrow
from bot.http.task_queries import (
    MOST_DAYS,
    USUAL_DAYS,
    number_of,
    read_query,
)
from bot.http.task_sight import TaskSight
from bot.http.task_totals import totals_of
from handlers.task import Task
from storage.lists import Finished


@dataclass(frozen=True, slots=True)
class ListDesk:
    """Tells of many tasks."""

    sight: TaskSight
    clock: Callable[[], datetime]
    web_url: str

    def register(self, app: web.Application) -> None:
        """Serve the routes."""
        add_route(app, "GET", "/tasks", self._list)
        add_reading_route(app, "/tasks/history", self._history)

    async def _list(self, request: web.Request) -> web.Response:
        caller = await self.sight.doorman.caller(request, "tasks:read")
        found = await listing(self.sight, caller, read_query(request), place_in(request))
        told = TaskList(
            tasks=[task_body(one, self.web_url, mine=_mine(caller, one)) for one in found.tasks],
            count=found.count,
            count_exact=found.exact,
            next_cursor=found.cursor,
        )
        return json_answer(told, headers=_link(request, found.cursor))

    async def _history(self, request: web.Request) -> web.Response:
        caller = await self.sight.doorman.caller(request, "tasks:read")
        asked = read_query(request)
        days = number_of(request, "days", USUAL_DAYS, MOST_DAYS)
        if asked.search.words:
            raise Problem(
                400,
                f"`q` cannot hold words here, `{asked.search.words[0]}`: "
                "GET /api/tasks looks for them.",
                code="bad_query",
            )
        before = end_in(request)
        narrowed = await narrow(self.sight, caller, asked)
        lists = self.sight.store.lists
        page = Finished((), None)
        if narrowed is not None:
            page = await lists.history(narrowed.scope, narrowed.query, asked.limit, before)
        cursor = None if page.next is None else cursor_of_end(page.next)
        totals = await totals_of(lists, narrowed, days, self.clock().date())
        told = History(
            tasks=[finished_task(one, self.web_url, mine=_mine(caller, one)) for one in page.tasks],
            days=[DayBody.of(one) for one in totals.days],
            pull_times=[PullTimesBody.of(one) for one in totals.times],
            next_cursor=cursor,
        )
        return json_answer(told, headers=_link(request, cursor))


def _mine(caller: Caller, task: Task) -> bool:
    return caller.operator or task.owner.id == caller.person.id


def _link(request: web.Request, cursor: str | None) -> dict[str, str]:
    """Where the next page is, for those who follow links."""
    if cursor is None:
        return {}
    return {"Link": f'<{request.rel_url.update_query(cursor=cursor)}>; rel="next"'}
