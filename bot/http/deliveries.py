"""What came in and what became of it; what went out, and how often it was tried."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from aiohttp import web

from bot.http.access import Doorman, only_operators
from bot.http.answers import json_answer
from bot.http.caller import Caller
from bot.http.cursors import cursor_of_place, place_in
from bot.http.delivery_bodies import (
    DeliveryPage,
    InboundDelivery,
    OutboundDelivery,
    Replayed,
    inbound_body,
    outbound_body,
)
from bot.http.problems import Problem
from bot.http.routes import add_route
from bot.http.task_queries import number_of, wrong_parameter
from bot.roles import Roles
from handlers.access import sees_those_of
from storage import Store
from storage.arrived import Arrived
from storage.outbound import Sent

T = TypeVar("T", Sent, Arrived)

MOST = 100
"""Deliveries on one page."""
USUAL = 50
SENT = "msg_"
"""How the id of what went out begins; GitHub's ids have no underscore."""
ID = re.compile(r"msg_[0-9a-f]{32}_[0-9]{1,9}|[0-9A-Za-z-]{1,64}")
TASK_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which page is wanted."""

    limit: int
    before: int | None
    task_id: str | None


@dataclass(frozen=True, slots=True)
class DeliveriesDesk:
    """Shows deliveries to operators, and to owners of tasks their own outbound ones."""

    store: Store
    doorman: Doorman
    roles: Roles
    clock: Callable[[], datetime]

    def register(self, app: web.Application) -> None:
        """Serve the routes."""
        add_route(app, "GET", "/deliveries", self._list)
        add_route(app, "POST", "/deliveries/{delivery_id}/replay", self._replay)

    async def _list(self, request: web.Request) -> web.Response:
        direction = request.query.get("direction", "outbound")
        inbound = direction == "inbound"
        caller = await self.doorman.caller(request, "tasks:read")
        if inbound:
            only_operators(caller)
        if direction not in {"inbound", "outbound"}:
            raise wrong_parameter("direction", "Say inbound or outbound.")
        asked = _asked(request)
        if inbound:
            if asked.task_id is not None:
                raise Problem(400, "`task` goes with outbound deliveries only.")
            arrived = await self.store.arrivals.page(asked.limit + 1, asked.before)
            return _page(arrived, inbound_body, asked.limit)
        owner = None if caller.operator else caller.person.id
        sent = await self.store.outbound.page(
            asked.limit + 1, asked.before, owner_id=owner, task_id=asked.task_id
        )
        seen = await self._seen(caller, sent[: asked.limit])
        return _page(sent, outbound_body, asked.limit, seen)

    async def _seen(self, caller: Caller, sent: Sequence[Sent]) -> frozenset[int]:
        """The numbers of those that somebody may see, who lost access to some repositories perhaps.

        Raises:
            Problem: 503 where GitHub does not say.
        """
        places = {one.about.place.repository_id: one.about.place for one in sent if one.about}
        scope = await self.roles.scope(caller, list(places.values()))
        return frozenset(
            one.number
            for one in sent
            if scope.everything
            or one.about is None
            or one.about.place.repository_id in scope.readable
        )

    async def _replay(self, request: web.Request) -> web.Response:
        delivery_id = request.match_info["delivery_id"]
        if delivery_id.startswith(SENT):
            caller = await self.doorman.caller(request, "tasks:write")
        else:
            caller = await self.doorman.caller(request, "operator")
            if "tasks:write" not in caller.scopes:
                raise Problem(403, "This key may not do that: it lacks the scope tasks:write.")
        await self.replay(request, caller)
        return json_answer(Replayed(id=delivery_id), 202)

    async def replay(self, request: web.Request, caller: Caller) -> None:
        """Send a message again, or take a delivery again, which only operators may have done.

        Raises:
            Problem: 400, 403, 404, 409, 429, or 503 where GitHub does not say who may see the task.
        """
        delivery_id = request.match_info["delivery_id"]
        _check_id(delivery_id)
        if delivery_id.startswith(SENT):
            await self.doorman.count_creation(request, caller)
            await self._send_again(caller, delivery_id)
        else:
            only_operators(caller)
            await self._take_again(delivery_id)
        self.store.changed.set()

    async def _send_again(self, caller: Caller, delivery_id: str) -> None:
        sent = await self.store.outbound.find(delivery_id)
        known = sent is not None and await self._may_see(caller, sent)
        if not (known and await self.store.outbound.send_again(delivery_id, self.clock())):
            raise _absent()

    async def _may_see(self, caller: Caller, sent: Sent) -> bool:
        """Whether somebody may have a message sent again, and so hear of its task.

        Raises:
            Problem: 503 where GitHub does not say.
        """
        if caller.operator:
            return True
        if sent.owner_id != caller.person.id:
            return False
        if sent.about is None:  # it is their own word then, and all that is left of it
            return True
        role = await self.roles.role(sent.about.place, caller.person)
        return sees_those_of(sent.owner_id, caller.person, role)

    async def _take_again(self, delivery_id: str) -> None:
        done = await self.store.arrivals.take_again(delivery_id)
        if done == "absent":
            raise _absent()
        if done == "waits":
            raise Problem(409, "It waits to be taken already.", code="waits")
        if done == "done":
            raise Problem(
                409,
                "It was dealt with: it became a task, was answered, or asked for nothing. "
                "Only what was given up is taken again.",
                code="done",
            )


def _asked(request: web.Request) -> _Asked:
    """The page that a request wants.

    Raises:
        Problem: 400 for a cursor or an id that is none, 422 for another limit than may be.
    """
    limit = number_of(request, "limit", USUAL, MOST)
    before = place_in(request)
    task_id = request.query.get("task")
    if task_id is not None and not TASK_ID.fullmatch(task_id):
        raise Problem(400, "`task` is no task's id, which is a UUID.")
    return _Asked(limit, before, task_id.lower() if task_id else None)


def _page(
    found: Sequence[T],
    told: Callable[[T], OutboundDelivery | InboundDelivery],
    limit: int,
    seen: Container[int] | None = None,
) -> web.Response:
    """One more was looked for than is shown, to know whether there is a next page.

    Only the numbers that are seen are told of, where that is given; the page is shorter then.
    """
    shown = found[:limit]
    following = cursor_of_place(shown[-1].number) if len(found) > limit else None
    known = [told(one) for one in shown if seen is None or one.number in seen]
    return json_answer(DeliveryPage(deliveries=known, next_cursor=following))


def _check_id(delivery_id: str) -> None:
    if not ID.fullmatch(delivery_id):
        raise Problem(400, "This is no delivery's id.")


def _absent() -> Problem:
    """The one answer for what is not there and for what is not yours."""
    return Problem(404, "There is no such delivery. It may be too old: see `GET /api/deliveries`.")
