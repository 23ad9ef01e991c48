"""`/settings/sessions`: where somebody is signed in, and an end to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from bot.http import pages
from bot.http.browsers import browser_of
from bot.http.caller import Caller
from bot.http.forms import Forms
from bot.http.ids import id_in, not_found
from bot.http.problems import Problem
from storage.people import People

PATH = "/settings/sessions"
NOTICES = {
    "ended": "That browser is signed out.",
    "others": "All other browsers are signed out.",
}


@dataclass(frozen=True, slots=True)
class SessionPages:
    """What the pages need."""

    people: People
    forms: Forms
    clock: Callable[[], datetime]

    def register(self, app: web.Application) -> None:
        """Serve the pages."""
        pages.add(app, "GET", PATH, self._list)
        pages.add(app, "POST", f"{PATH}/others/end", self._end_others)
        pages.add(app, "POST", f"{PATH}/{{session_id}}/end", self._end)

    async def _list(self, request: web.Request, caller: Caller) -> web.Response:
        found = await self.people.sessions_of(caller.person.id, self.clock())
        values = {
            "sessions": [
                (one, browser_of(one.agent), one.id == caller.session_id) for one in found
            ],
            "notice": pages.done(request, NOTICES),
        }
        return pages.show(request, "sessions.html", values)

    async def _end(self, request: web.Request, caller: Caller) -> web.Response:
        await self.forms.read(request, caller)
        number = id_in(request, "session_id")
        if number == caller.session_id:
            raise Problem(409, "This is the browser you look from: sign out by the menu above.")
        if not await self.people.drop_session(number, caller.person.id):
            raise not_found("session")
        return pages.see_other(PATH, "ended")

    async def _end_others(self, request: web.Request, caller: Caller) -> web.Response:
        await self.forms.read(request, caller)
        for one in await self.people.sessions_of(caller.person.id, self.clock()):
            if one.id != caller.session_id:
                await self.people.drop_session(one.id, caller.person.id)
        return pages.see_other(PATH, "others")
