"""What outbound webhooks are signed with: made, listed, ended, two at a time while changing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.http.access import Doorman
from bot.http.answers import json_answer
from bot.http.ids import id_in, not_found
from bot.http.key_bodies import Deleted, SecretList, SecretMade, SecretShown
from bot.http.problems import Problem
from bot.http.routes import add_route
from bot.key_desk import TOO_MANY, KeyDesk, NewSecret
from handlers.values import Person
from storage.people import People
from storage.webhook_secrets import SealedSecret


@dataclass(frozen=True, slots=True)
class WebhookSecretRoutes:
    """What the routes need."""

    doorman: Doorman
    people: People
    desk: KeyDesk

    def register(self, app: web.Application) -> None:
        """Serve the routes."""
        add_route(app, "GET", "/webhook-secrets", self._list)
        add_route(app, "POST", "/webhook-secrets", self._make)
        add_route(app, "DELETE", "/webhook-secrets/{secret_id}", self._end)

    async def _list(self, request: web.Request) -> web.Response:
        caller = await self.doorman.caller(request, "tasks:write")
        found = await self.people.webhook_secrets_of(caller.person.id)
        return json_answer(SecretList(secrets=[SecretShown(**_shown(one)) for one in found]))

    async def _make(self, request: web.Request) -> web.Response:
        caller = await self.doorman.caller(request, "tasks:write")
        made = await make_secret(self.desk, caller.person)
        return json_answer(SecretMade(**_shown(made.kept), secret=made.secret), status=201)

    async def _end(self, request: web.Request) -> web.Response:
        caller = await self.doorman.caller(request, "tasks:write")
        number = id_in(request, "secret_id")
        if not await self.people.drop_webhook_secret(number, caller.person.id):
            raise not_found("secret")
        return json_answer(Deleted())


async def make_secret(desk: KeyDesk, owner: Person) -> NewSecret:
    """A new secret of a person's.

    Raises:
        Problem: 409, there are as many as there may be.
    """
    made = await desk.new_webhook_secret(owner)
    if made is None:
        raise Problem(409, TOO_MANY, code="too_many_secrets")
    return made


def _shown(secret: SealedSecret) -> dict[str, Any]:
    return {"secret_id": secret.id, "last4": secret.last4, "created_at": secret.created_at}
