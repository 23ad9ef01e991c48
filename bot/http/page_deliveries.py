"""`/deliveries`: for operators, what came in and what became of it, and what went out."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from bot.http import pages
from bot.http.access import only_operators
from bot.http.caller import Caller
from bot.http.cursors import cursor_of_place, place_in
from bot.http.deliveries import DeliveriesDesk
from bot.http.forms import Forms
from bot.http.page_forms import mendable, text_in
from bot.http.problems import Problem
from storage.arrived import GIVEN_UP, Arrived
from storage.outbound import Sent

PATH = "/deliveries"
SHOWN = 25
NOTICES = {
    "sent": "It is sent again now. Load the page anew to see how that went.",
    "taken": "It is taken again now, as if it had just come.",
}
BECAME = {
    "new": "waits",
    "task": "became a task",
    "answered": "was answered",
    "ignored": "asked for nothing",
    "gone": "was gone when it was found",
    "restored": "was dealt with before the backup",
    "failed": "given up: a mistake in Bellhop, see the log",
    "unreadable": "given up: its text cannot be read any more",
    "no_access": "given up: the App had no access",
}
"""What became of a line that may be a command."""
CAME = {
    "redelivery": "missed, and delivered again",
    "log": "missed, and taken from GitHub's log",
}
"""How a delivery came that did not come at once."""


@dataclass(frozen=True, slots=True)
class DeliveryPages:
    """What the pages need."""

    desk: DeliveriesDesk
    forms: Forms

    def register(self, app: web.Application) -> None:
        """Serve the pages."""
        pages.add(app, "GET", PATH, self._show)
        pages.add(app, "POST", f"{PATH}/{{delivery_id}}/replay", self._replay)

    async def _show(self, request: web.Request, caller: Caller) -> web.Response:
        only_operators(caller)
        return await self._list(request)

    async def _list(self, request: web.Request, problem: Problem | None = None) -> web.Response:
        outbound = request.query.get("direction") == "outbound"
        before = place_in(request)
        found = await self._sent(before) if outbound else await self._arrived(before)
        shown = found[:SHOWN]
        older = cursor_of_place(shown[-1].number) if len(found) > SHOWN else None
        values = {
            "outbound": outbound,
            "found": shown,
            "first": before is None,
            "older": older and _link(outbound=outbound, cursor=older),
            "became": BECAME,
            "came": CAME,
            "given_up": GIVEN_UP,
            "problem": problem.detail if problem else None,
            "notice": pages.done(request, NOTICES),
        }
        status = problem.status if problem else 200
        return pages.show(request, "deliveries.html", values, status)

    async def _arrived(self, before: int | None) -> tuple[Arrived, ...]:
        return await self.desk.store.arrivals.page(SHOWN + 1, before)

    async def _sent(self, before: int | None) -> tuple[Sent, ...]:
        return await self.desk.store.outbound.page(SHOWN + 1, before, owner_id=None, task_id=None)

    async def _replay(self, request: web.Request, caller: Caller) -> web.Response:
        only_operators(caller)
        fields = await self.forms.read(request, caller)
        try:
            await self.desk.replay(request, caller)
        except Problem as problem:
            return await self._list(request, mendable(problem))
        outbound = text_in(fields, "direction") == "outbound"
        return pages.see_other(_link(outbound=outbound, done="sent" if outbound else "taken"))


def _link(*, outbound: bool, **more: str) -> str:
    query = {"direction": "outbound"} if outbound else {}
    return f"{PATH}?{urlencode(query | more)}"
