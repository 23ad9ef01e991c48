"""`GET` of events, of one task or of all: as a stream that goes on, or as pages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import hdrs, web

from bot.http.answers import json_answer
from bot.http.caller import Caller
from bot.http.event_audience import Audience, OfAll, OfTask
from bot.http.event_bodies import EventBody, EventPage, event_body, event_bytes
from bot.http.event_stream import Pace, Stream
from bot.http.problems import Problem
from bot.http.routes import add_reading_route, add_route
from bot.http.task_sight import TaskSight
from bot.live import Hub

MOST_STREAMS = 50
"""Open streams of one person."""
PAGE = 100
LARGEST_PAGE = 1_000
READ = 500
MOST_READS = 20
"""How many times so many events are read for one page, of which the caller may see few."""
RETRY_AFTER = 10

_NUMBER = re.compile(r"[0-9]{1,18}")
_JSON = "application/json"
_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Asked:
    """From where on; `resumes` where the caller said so."""

    after: int
    resumes: bool
    limit: int


@dataclass(slots=True)
class EventDesk:
    """Serves events."""

    sight: TaskSight
    pace: Pace = field(default_factory=Pace)
    most_streams: int = MOST_STREAMS
    _hub: Hub = field(init=False)
    _streams: defaultdict[int, dict[int, web.Request]] = field(
        default_factory=lambda: defaultdict[int, dict[int, web.Request]](dict), init=False
    )
    """The requests of each person's streams, by their `id`, since they have no hash.

    Who has left is noticed at the next write only, but not counted from the moment they leave.
    """

    def __post_init__(self) -> None:
        """One hub for all streams."""
        self._hub = Hub(self.sight.store.feed, event_bytes, self.pace.heartbeat)

    def open_streams(self) -> int:
        """How many streams are open."""
        return sum(_alive(streams.values()) for streams in self._streams.values())

    def register(self, app: web.Application) -> None:
        """Serve the routes, and end the streams before the server waits for its requests."""
        add_reading_route(app, "/tasks/events", self._of_all)
        add_route(app, hdrs.METH_GET, "/tasks/{task_id}/events", self._of_task)
        app.on_shutdown.append(self._stop)

    async def _of_all(self, request: web.Request) -> web.StreamResponse:
        caller = await self.sight.doorman.caller(request, "tasks:read")
        return await self._answer(request, caller, OfAll(self.sight, caller))

    async def _of_task(self, request: web.Request) -> web.StreamResponse:
        seen = await self.sight.task(request, "tasks:read")
        audience = OfTask(self.sight, seen.caller, seen.task.id)
        return await self._answer(request, seen.caller, audience)

    async def _answer(
        self, request: web.Request, caller: Caller, audience: Audience
    ) -> web.StreamResponse:
        asked = asked_by(request)
        if wants_pages(request):
            return json_answer(await self._page(audience, asked), headers=_VARIES)
        if asked.resumes and await self._is_over(audience, asked.after):
            return web.Response(status=204, headers=_VARIES)
        with self._place(request, caller):
            return await Stream(request, self._hub, audience, asked.after, self.pace).run()

    async def _page(self, audience: Audience, asked: Asked) -> EventPage:
        """A page that is full, or the last, or that took enough work."""
        after, events = asked.after, list[EventBody]()
        for _ in range(MOST_READS):
            page = await self.sight.store.feed.page(after, READ, audience.task_id)
            for fed in page.events:
                if await audience.sees(fed):
                    events.append(event_body(fed))
                if len(events) == asked.limit:
                    return EventPage.model_construct(events=events, next=fed.id)
            after = page.next
            if not page.more:
                break
        return EventPage.model_construct(events=events, next=after)

    async def _is_over(self, audience: Audience, after: int) -> bool:
        """Whether a client that has everything comes back after the end."""
        if audience.task_id is None:
            return False
        last = await self.sight.store.feed.last_of_ended(audience.task_id)
        return last is not None and after >= last

    @contextmanager
    def _place(self, request: web.Request, caller: Caller) -> Generator[None]:
        person = caller.person.id
        streams = self._streams[person]
        if _alive(streams.values()) >= self.most_streams:
            raise Problem(
                429,
                f"You have {self.most_streams} streams open already. Close some of them first.",
                code="too_many_streams",
                headers={hdrs.RETRY_AFTER: str(RETRY_AFTER)},
            )
        streams[id(request)] = request
        try:
            yield
        finally:
            del streams[id(request)]
            if not streams:
                self._streams.pop(person, None)

    async def _stop(self, _: web.Application) -> None:
        await self._hub.stop()


def _alive(streams: Iterable[web.Request]) -> int:
    """How many of these have somebody at the other end."""
    return sum(one.transport is not None for one in streams)


_VARIES: dict[str, str] = {hdrs.VARY: hdrs.ACCEPT}


def asked_by(request: web.Request) -> Asked:
    """From where on a request wants events: what the browser remembers is the newest.

    Raises:
        Problem: 400, a number is none.
    """
    after = _number(request.query.getall("after", []), "after")
    limit = _number(request.query.getall("limit", []), "limit")
    last = _number(request.headers.getall("Last-Event-ID", []), "Last-Event-ID")
    if limit is not None and not 1 <= limit <= LARGEST_PAGE:
        raise _bad("limit", f"1 to {LARGEST_PAGE}")
    resumes = last is not None or after is not None
    place = last if last is not None else after or 0
    return Asked(place, resumes, PAGE if limit is None else limit)


def _number(texts: list[str], name: str) -> int | None:
    if not texts:
        return None
    if len(texts) > 1 or not _NUMBER.fullmatch(texts[0]):
        raise _bad(name, "one number, the `id` of an event")
    return int(texts[0])


def _bad(name: str, right: str) -> Problem:
    return Problem(400, f"`{name}` is wrong: send {right}.", code="bad_query")


def wants_pages(request: web.Request) -> bool:
    """Whether pages are preferred over a stream, which is what is sent unless asked otherwise."""
    weights = {_JSON: 0.0, _STREAM: 0.0}
    for part in request.headers.get(hdrs.ACCEPT, "").lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        if media in weights:
            weights[media] = max(weights[media], _weight(parameters))
    return weights[_JSON] > weights[_STREAM]


def _weight(parameters: list[str]) -> float:
    for one in parameters:
        if one.startswith("q="):
            try:
                return float(one[2:])
            except ValueError:
                return 0.0
    return 1.0
