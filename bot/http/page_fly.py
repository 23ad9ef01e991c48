"""`/settings/fly`: where workers on Fly run, and the token that pays for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from bot.http import pages
from bot.http.access import Doorman
from bot.http.bodies import valid
from bot.http.caller import Caller
from bot.http.config_bodies import FlyBody
from bot.http.page_checks import Checks, Told
from bot.http.page_forms import ask_first, mendable, messages, text_in
from bot.http.page_scopes import ScopedPages, Seen
from bot.http.problems import Problem
from bot.preferences import Preferences

PATH = "/fly"
FLY = "fly"
TEXTS = ("app", "region", "size")
NOTICES = {"saved": "Saved.", "removed": "The token is removed."}
WORDS = {
    "app": "Give the app's name as Fly shows it: small letters, digits and dashes.",
    "region": "Give the three letters of a region, as `ams`.",
    "size": "Give a size as Fly calls it, as `shared-cpu-2x` or `performance-1x`.",
}


@dataclass(frozen=True, slots=True)
class FlyPages:
    """What the pages need."""

    preferences: Preferences
    doorman: Doorman
    checks: Checks

    def register(self, app: web.Application) -> None:
        """Serve the pages."""
        scoped = ScopedPages(self.preferences)
        scoped.add(app, "GET", PATH, self._show)
        scoped.add(app, "POST", PATH, self._save)
        scoped.add(app, "POST", f"{PATH}/test", self._test)
        scoped.add(app, "GET", f"{PATH}/remove", self._ask)
        scoped.add(app, "POST", f"{PATH}/remove", self._remove)

    async def _show(self, request: web.Request, caller: Caller, seen: Seen) -> web.Response:
        return await self._page(request, caller, seen)

    async def _page(
        self,
        request: web.Request,
        caller: Caller,
        seen: Seen,
        given: Mapping[str, str] | None = None,
        problem: Problem | None = None,
    ) -> web.Response:
        kept = await self.preferences.fly(seen.scope)
        told = messages(problem)
        values = {
            **seen.values(),
            "token": kept.token,
            "given": given or {name: getattr(kept, name) or "" for name in TEXTS},
            "problems": {field: WORDS.get(field, text) for field, text in told.items()},
            "told": self.checks.take(caller, request.query.get("told")),
            "notice": pages.done(request, NOTICES),
        }
        return pages.show(request, "fly.html", values, problem.status if problem else 200)

    async def _save(self, request: web.Request, caller: Caller, seen: Seen) -> web.Response:
        fields = await self.doorman.forms.read(request, caller)
        given = {name: text_in(fields, name) for name in TEXTS}
        body: dict[str, str | None] = {name: text or None for name, text in given.items()}
        if token := text_in(fields, "token"):
            body["token"] = token
        try:
            await self.preferences.set_fly(seen.scope, valid(json.dumps(body), FlyBody))
        except Problem as problem:
            return await self._page(request, caller, seen, given, mendable(problem))
        return pages.see_other(f"{seen.base}{PATH}", "saved")

    async def _test(self, request: web.Request, caller: Caller, seen: Seen) -> web.Response:
        await self.doorman.forms.read(request, caller)
        await self.doorman.count_creation(request, caller)  # as the API does: it asks Fly
        try:
            checked = await self.preferences.validate(FLY, None, seen.scope)
        except Problem as problem:
            return await self._page(request, caller, seen, None, mendable(problem))
        ticket = self.checks.put(caller, Told("Fly", checked))
        return pages.see_other(f"{seen.base}{PATH}?told={ticket}")

    async def _ask(self, request: web.Request, caller: Caller, seen: Seen) -> web.Response:
        del caller
        return ask_first(
            request,
            heading="Remove the Fly token?",
            detail="Bellhop forgets it. At Fly it goes on being good: revoke it there.",
            button="Remove the token",
            back=f"{seen.base}{PATH}",
        )

    async def _remove(self, request: web.Request, caller: Caller, seen: Seen) -> web.Response:
        await self.doorman.forms.read(request, caller)
        await self.preferences.drop_fly_token(seen.scope)
        return pages.see_other(f"{seen.base}{PATH}", "removed")
