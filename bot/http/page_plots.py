"""`/plots`: what became of tasks, how long pull requests took, and what it cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from bot.http.caller import Caller
from bot.http.page_forms import mendable
from bot.http.page_narrowing import asked_by, without_blanks
from bot.http.pages import add, see_other, show
from bot.http.plots import OUTCOMES, costs_of, days_of, times_of
from bot.http.problems import Problem
from bot.http.task_narrowing import narrow
from bot.http.task_queries import MOST_DAYS, USUAL_DAYS, number_of
from bot.http.task_sight import TaskSight
from bot.http.task_totals import Totals, totals_of

PERIODS = (7, 30, 90, 365)
"""Days."""
KEPT = ("days", "repository", "whose")


@dataclass(frozen=True, slots=True)
class PlotsPage:
    """Draws the plots of what its reader may see."""

    sight: TaskSight
    clock: Callable[[], datetime]

    def register(self, app: web.Application) -> None:
        """Serve the page."""
        add(app, "GET", "/plots", self._plots)

    async def _plots(self, request: web.Request, caller: Caller) -> web.Response:
        if not all(request.query.values()):
            return see_other("/plots" + without_blanks(request.query, KEPT))
        days, found, problem = USUAL_DAYS, Totals(), None
        try:
            days = number_of(request, "days", USUAL_DAYS, MOST_DAYS)
            found = await self._found(request, caller, days)
        except Problem as wrong:
            problem = mendable(wrong)
        values = self._values(request, found, days, problem)
        return show(request, "plots.html", values, 200 if problem is None else problem.status)

    async def _found(self, request: web.Request, caller: Caller, days: int) -> Totals:
        asked = asked_by(request)
        asked = replace(asked, search=replace(asked.search, words=()))
        narrowed = await narrow(self.sight, caller, asked)
        return await totals_of(self.sight.store.lists, narrowed, days, self.clock().date())

    def _values(
        self, request: web.Request, found: Totals, days: int, problem: Problem | None
    ) -> dict[str, Any]:
        today = self.clock().date()
        first = today - timedelta(days=days - 1)
        return {
            "days": days,
            "periods": sorted({*PERIODS, days}),
            "asked": {name: request.query.get(name, "") for name in KEPT},
            "problem": problem,
            "outcomes": OUTCOMES,
            "first": first,
            "today": today,
            "by_day": days_of(found.days, first, days),
            "times": times_of(found.times),
            "costs": costs_of(found.days),
            "repositories": sorted({one.repository for one in found.days}),
            "anything": bool(found.days),
        }
