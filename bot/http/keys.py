"""API keys, for people who have signed in: made, listed, ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.http.access import Doorman
from bot.http.answers import json_answer
from bot.http.bodies import read_body
from bot.http.ids import id_in, not_found
from bot.http.key_bodies import Deleted, KeyList, KeyMade, KeyShown, NewKey
from bot.http.problems import Problem
from bot.http.routes import add_route
from bot.key_desk import KeyDesk, TooManyKeys
from bot.key_desk import NewKey as MadeKey
from handlers.values import Person
from storage.keys import ApiKey
from storage.people import People


@dataclass(frozen=True, slots=True)
class KeyRoutes:
    """What the routes need."""

    doorman: Doorman
    people: People
    desk: KeyDesk

    def register(self, app: web.Application) -> None:
        """Serve the routes."""
        add_route(app, "GET", "/keys", self._list)
        add_route(app, "POST", "/keys", self._make)
        add_route(app, "DELETE", "/keys/{key_id}", self._end)

    async def _list(self, request: web.Request) -> web.Response:
        caller = await self.doorman.caller(request, "session")
        found = await self.people.keys_of(caller.person.id)
        return json_answer(KeyList(keys=[KeyShown(**_shown(key)) for key in found]))

    async def _make(self, request: web.Request) -> web.Response:
        caller = await self.doorman.caller(request, "session")
        made = await make_key(self.desk, caller.person, await read_body(request, NewKey))
        return json_answer(KeyMade(**_shown(made.key), key=made.secret), status=201)

    async def _end(self, request: web.Request) -> web.Response:
        caller = await self.doorman.caller(request, "session")
        if not await self.people.drop_key(id_in(request, "key_id"), caller.person.id):
            raise not_found("key")
        return json_answer(Deleted())


async def make_key(desk: KeyDesk, owner: Person, body: NewKey) -> MadeKey:
    """A new key of a person's.

    Raises:
        Problem: 422, it would have ended already; 409, they have as many as may be.
    """
    if body.expires_at is not None and body.expires_at <= desk.clock():
        errors = [{"field": "expiresAt", "message": "it is over; name a time to come"}]
        raise Problem(422, "The key would be of no use.", errors=errors)
    scopes = frozenset[str](body.scopes)
    try:
        return await desk.new_key(owner, body.name, scopes, body.expires_at)
    except TooManyKeys as error:
        raise Problem(409, str(error), code="too_many_keys") from None


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "key_id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.used_at,
    }
