"""`/`: the tasks of whoever has signed in, and a few words for everybody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.http.caller import Caller
from bot.http.cursors import place_in
from bot.http.page_forms import mendable
from bot.http.page_narrowing import asked_by, without_blanks
from bot.http.page_sign_in import sign_in_link
from bot.http.pages import add, done, see_other, show
from bot.http.problems import Problem
from bot.http.task_listing import Listing, listing
from bot.http.task_sight import TaskSight
from handlers.search import BadSearch, parse_q
from handlers.task import Status

NOTICES = {
    "deleted": "The task is deleted.",
    "signed-in": "You are signed in.",
}
NARROWING = ("q", "status", "repository", "whose")
KEPT = (*NARROWING, "limit")
_UNKNOWN_PAGE = Problem(400, "This address means a page of the list that there is not.")


@dataclass(frozen=True, slots=True)
class Pointer:
    """A search that cannot be read: what stands before the wrong word, the word, the rest."""

    before: str
    word: str
    rest: str
    message: str


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Shows the tasks."""

    sight: TaskSight
    clock: Callable[[], datetime]
    web_url: str

    def register(self, app: web.Application) -> None:
        """Serve the page."""
        add(app, "GET", "/", self._feed, public=True)

    async def _feed(self, request: web.Request, caller: Caller | None) -> web.Response:
        if caller is None:
            return show(request, "landing.html", {"link": sign_in_link("/")})
        if not all(request.query.values()):
            return see_other(_address(request.query))
        after = self.sight.store.feed.settled  # before the list is read: nothing is missed
        try:
            found = await listing(self.sight, caller, asked_by(request), place_in(request))
        except Problem as problem:
            told = _UNKNOWN_PAGE if problem.code == "bad_cursor" else mendable(problem)
            return show(request, "feed.html", self._values(request, told, after), told.status)
        return show(request, "feed.html", self._values(request, found, after))

    def _values(self, request: web.Request, found: Listing | Problem, after: int) -> dict[str, Any]:
        query = request.query
        problem = found if isinstance(found, Problem) else None
        shown = found if isinstance(found, Listing) else Listing()
        narrowed = any(query.get(name) for name in NARROWING)
        return {
            "found": shown,
            "problem": problem,
            "pointer": pointer(query.get("q", "")),
            "wrong": {one["field"] for one in problem.errors} if problem else set[str](),
            "asked": {name: query.get(name, "") for name in NARROWING},
            "narrowed": narrowed,
            "repositories": sorted({task.where.repository for task in shown.tasks}),
            "statuses": [status.value for status in Status],
            "first": "cursor" not in query,
            "next": _address(query, shown.cursor) if shown.cursor else None,
            "newest": _address(query),
            "after": after,
            "now": self.clock(),
            "web_url": self.web_url,
            "notice": done(request, NOTICES),
        }


def pointer(text: str) -> Pointer | None:
    """Where a search goes wrong; None: it does not."""
    found = parse_q(text)
    if not isinstance(found, BadSearch):
        return None
    at = found.position - 1
    end = at + len(found.word)
    return Pointer(text[:at], text[at:end], text[end:], f"Give {found.right}.")


def _address(query: Mapping[str, str], cursor: str | None = None) -> str:
    """The same list, from its beginning or on another page."""
    return "/" + without_blanks(query, KEPT, cursor)
