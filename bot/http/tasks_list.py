"""`GET /api/tasks` and `GET /api/tasks/history`: many tasks, page by page."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from bot.http.access import Caller
from bot.http.answers import json_answer
from bot.http.problems import Problem
from bot.http.routes import add_route
from bot.http.task_bodies import task_body
from bot.http.task_lists import DayBody, History, TaskList, finished_task
from bot.http.task_narrowing import Narrowed, narrow
from bot.http.task_queries import (
    MOST_DAYS,
    USUAL_DAYS,
    bad_cursor,
    cursor_from,
    number_of,
    read_query,
)
from bot.http.task_sight import TaskSight
from handlers.task import Task
from storage.times import from_text, to_text

_NUMBER = re.compile(r"[0-9]{1,18}")
_END = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)/([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ListDesk:
    """Tells of many tasks."""

    sight: TaskSight
    clock: Callable[[], datetime]
    web_url: str

    def register(self, app: web.Application) -> None:
        """Serve the routes."""
        add_route(app, "GET", "/tasks", self._list)
        add_route(app, "GET", "/tasks/history", self._history)

    async def _list(self, request: web.Request) -> web.Response:
        caller = await self.sight.doorman.caller(request, "tasks:read")
        asked = read_query(request)
        before = _number(asked.cursor)
        narrowed = await narrow(self.sight, caller, asked)
        if narrowed is None:
            return json_answer(TaskList(tasks=[], count=0, count_exact=True, next_cursor=None))
        scope, query = narrowed.scope, narrowed.query
        lists = self.sight.store.lists
        page = await lists.page(scope, query, asked.limit, before)
        count, exact = await lists.count(scope, query)
        cursor = None if page.next is None else cursor_from(str(page.next))
        told = TaskList(
            tasks=[task_body(one, self.web_url, mine=_mine(caller, one)) for one in page.tasks],
            count=count,
            count_exact=exact,
            next_cursor=cursor,
        )
        return json_answer(told, headers=_link(request, cursor))

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
        before = _end(asked.cursor)
        narrowed = await narrow(self.sight, caller, asked)
        if narrowed is None:
            return json_answer(History(tasks=[], days=[], next_cursor=None))
        lists = self.sight.store.lists
        page = await lists.history(narrowed.scope, narrowed.query, asked.limit, before)
        cursor = None
        if page.next is not None:
            cursor = cursor_from(f"{to_text(page.next[0])}/{page.next[1]}")
        told = History(
            tasks=[finished_task(one, self.web_url, mine=_mine(caller, one)) for one in page.tasks],
            days=await self._days(narrowed, days),
            next_cursor=cursor,
        )
        return json_answer(told, headers=_link(request, cursor))

    async def _days(self, narrowed: Narrowed, days: int) -> list[DayBody]:
        since = self.clock().date() - timedelta(days=days - 1)
        totals = await self.sight.store.lists.totals(narrowed.scope, narrowed.query, since)
        return [DayBody.of(one) for one in totals]


def _mine(caller: Caller, task: Task) -> bool:
    return caller.operator or task.owner.id == caller.person.id


def _number(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if _NUMBER.fullmatch(cursor) is None:
        raise bad_cursor()
    return int(cursor)


def _end(cursor: str | None) -> tuple[datetime, int] | None:
    if cursor is None:
        return None
    match = _END.fullmatch(cursor)
    if match is None:
        raise bad_cursor()
    try:
        return from_text(match[1]), int(match[2])
    except ValueError:
        raise bad_cursor() from None


def _link(request: web.Request, cursor: str | None) -> dict[str, str]:
    """Where the next page is, for those who follow links."""
    if cursor is None:
        return {}
    return {"Link": f'<{request.rel_url.update_query(cursor=cursor)}>; rel="next"'}
