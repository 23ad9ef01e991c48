"""`/settings/webhook-secrets`: what webhooks to one's programs are signed with."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.http import pages
from bot.http.caller import Caller
from bot.http.forms import Forms
from bot.http.ids import id_in, not_found
from bot.http.once import Once
from bot.http.page_forms import ask_first, mendable, messages
from bot.http.problems import Problem
from bot.http.webhook_secrets import make_secret
from bot.key_desk import KeyDesk
from storage.people import People
from storage.webhook_secrets import MOST

PATH = "/settings/webhook-secrets"
NOTICES = {"deleted": "The secret is deleted. Nothing is signed with it any more."}


@dataclass(frozen=True, slots=True)
class WebhookSecretPages:
    """What the pages need."""

    people: People
    desk: KeyDesk
    forms: Forms
    once: Once

    def register(self, app: web.Application) -> None:
        """Serve the pages."""
        pages.add(app, "GET", PATH, self._list)
        pages.add(app, "POST", PATH, self._make)
        pages.add(app, "GET", f"{PATH}/{{secret_id}}/delete", self._ask)
        pages.add(app, "POST", f"{PATH}/{{secret_id}}/delete", self._end)

    async def _list(self, request: web.Request, caller: Caller) -> web.Response:
        return await self._show(request, caller)

    async def _show(
        self, request: web.Request, caller: Caller, problem: Problem | None = None
    ) -> web.Response:
        ticket = request.query.get("made")
        values = {
            "secrets": await self.people.webhook_secrets_of(caller.person.id),
            "most": MOST,
            "ticket": ticket,
            "made": self.once.take(caller.session_id, ticket),
            "problems": messages(problem),
            "notice": pages.done(request, NOTICES),
        }
        status = problem.status if problem else 200
        return pages.show(request, "webhook_secrets.html", values, status)

    async def _make(self, request: web.Request, caller: Caller) -> web.Response:
        await self.forms.read(request, caller)
        try:
            made = await make_secret(self.desk, caller.person)
        except Problem as problem:
            return await self._show(request, caller, mendable(problem))
        return pages.see_other(f"{PATH}?made={self.once.put(caller.session_id, made.secret)}")

    async def _ask(self, request: web.Request, caller: Caller) -> web.Response:
        number = id_in(request, "secret_id")
        theirs = await self.people.webhook_secrets_of(caller.person.id)
        found = next((one for one in theirs if one.id == number), None)
        if found is None:
            raise not_found("secret")
        last = len(theirs) == 1
        return ask_first(
            request,
            heading=f"Delete the secret that ends in “{found.last4}”?",
            detail="It is the only one: until there is another, no webhook is sent to you."
            if last
            else "Receivers that only know this one refuse what is sent from then on.",
            button="Delete the secret",
            back=PATH,
        )

    async def _end(self, request: web.Request, caller: Caller) -> web.Response:
        await self.forms.read(request, caller)
        number = id_in(request, "secret_id")
        if not await self.people.drop_webhook_secret(number, caller.person.id):
            raise not_found("secret")
        return pages.see_other(PATH, "deleted")
