"""`/settings/keys`: API keys, for their owner to make, look over and end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web

from bot.http import pages
from bot.http.bodies import valid
from bot.http.caller import Caller
from bot.http.forms import Forms
from bot.http.ids import id_in, not_found
from bot.http.key_bodies import NewKey
from bot.http.keys import make_key
from bot.http.once import Once
from bot.http.page_forms import ask_first, mendable, messages, text_in
from bot.http.problems import Problem
from bot.http.task_queries import wrong_parameter
from bot.key_desk import LONGEST_NAME, KeyDesk
from bot.keys import SCOPES
from storage.keys import ApiKey
from storage.people import People

PATH = "/settings/keys"
LASTS = {"30": "30 days", "90": "90 days", "365": "a year", "never": "until I delete it"}
"""How long a new key opens something: days, or for good."""
MEANINGS = {
    "tasks:read": "see tasks and their events",
    "tasks:write": "ask for tasks, talk to them and stop them",
}
NOTICES = {"deleted": "The key is deleted. Nothing opens with it any more."}


@dataclass(frozen=True, slots=True)
class KeyPages:
    """What the pages need."""

    people: People
    desk: KeyDesk
    forms: Forms
    once: Once

    def register(self, app: web.Application) -> None:
        """Serve the pages."""
        pages.add(app, "GET", PATH, self._list)
        pages.add(app, "POST", PATH, self._make)
        pages.add(app, "GET", f"{PATH}/{{key_id}}/delete", self._ask)
        pages.add(app, "POST", f"{PATH}/{{key_id}}/delete", self._end)

    async def _list(self, request: web.Request, caller: Caller) -> web.Response:
        given = {"name": "", "lasts": "90", "scopes": list(SCOPES)}
        return await self._show(request, caller, given)

    async def _show(
        self,
        request: web.Request,
        caller: Caller,
        given: Mapping[str, Any],
        problem: Problem | None = None,
    ) -> web.Response:
        ticket = request.query.get("made")
        values = {
            "keys": await self.people.keys_of(caller.person.id),
            "now": self.desk.clock(),
            "ticket": ticket,
            "made": self.once.take(caller.session_id, ticket),
            "given": given,
            "problems": messages(problem),
            "lasts": LASTS,
            "meanings": MEANINGS,
            "longest": LONGEST_NAME,
            "notice": pages.done(request, NOTICES),
        }
        return pages.show(request, "keys.html", values, problem.status if problem else 200)

    async def _make(self, request: web.Request, caller: Caller) -> web.Response:
        fields = await self.forms.read(request, caller)
        given = {
            "name": text_in(fields, "name"),
            "lasts": text_in(fields, "lasts"),
            "scopes": [one for one in fields.getall("scopes", []) if one in SCOPES],
        }
        try:
            made = await make_key(self.desk, caller.person, self._wanted(given))
        except Problem as problem:
            return await self._show(request, caller, given, mendable(problem))
        return pages.see_other(f"{PATH}?made={self.once.put(caller.session_id, made.secret)}")

    def _wanted(self, given: Mapping[str, Any]) -> NewKey:
        """What the form asks for, as a program would.

        Raises:
            Problem: 422, it cannot be.
        """
        lasts = given["lasts"]
        days = int(lasts) if lasts in LASTS and lasts != "never" else None
        ends = None if days is None else self.desk.clock() + timedelta(days=days)
        body = {
            "name": given["name"],
            "scopes": given["scopes"],
            "expiresAt": None if ends is None else ends.isoformat(),
        }
        wanted = valid(json.dumps(body), NewKey)
        if lasts not in LASTS:  # a key is for good only where somebody chose that
            raise wrong_parameter("lasts", "Choose how long it lasts.")
        return wanted

    async def _ask(self, request: web.Request, caller: Caller) -> web.Response:
        key = await self._theirs(request, caller)
        return ask_first(
            request,
            heading=f"Delete the key “{key.name}”?",
            detail=f"Programs that use `{key.prefix}…` are refused from then on, for good.",
            button="Delete the key",
            back=PATH,
        )

    async def _end(self, request: web.Request, caller: Caller) -> web.Response:
        await self.forms.read(request, caller)
        if not await self.people.drop_key(id_in(request, "key_id"), caller.person.id):
            raise not_found("key")
        return pages.see_other(PATH, "deleted")

    async def _theirs(self, request: web.Request, caller: Caller) -> ApiKey:
        key = await self.people.key_named(id_in(request, "key_id"))
        if key is None or key.owner.id != caller.person.id:
            raise not_found("key")
        return key
