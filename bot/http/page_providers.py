"""`/settings/providers`: keys of models' providers: saved, tested, removed, never shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from pydantic import SecretStr

from bot.http import pages
from bot.http.access import Doorman
from bot.http.bodies import valid
from bot.http.caller import Caller
from bot.http.config_bodies import OneSecret
from bot.http.ids import not_found
from bot.http.page_checks import Checks, Told
from bot.http.page_forms import ask_first, mendable, messages, text_in
from bot.http.page_scopes import ScopedPages, Seen
from bot.http.problems import Problem
from bot.preferences import Preferences
from bot.providers import PROVIDERS, Provider

NOTICES = {"removed": "The key is removed. Workers do not get it any more."}


@dataclass(frozen=True, slots=True)
class ProviderPages:
    """What the pages need."""

    preferences: Preferences
    doorman: Doorman
    checks: Checks

    def register(self, app: web.Application) -> None:
        """Serve the pages."""
        scoped = ScopedPages(self.preferences)
        scoped.add(app, "GET", "/providers", self._show)
        one = "/providers/{provider}"
        scoped.add(app, "POST", one, self._save)
        scoped.add(app, "POST", f"{one}/test", self._test)
        scoped.add(app, "GET", f"{one}/remove", self._ask)
        scoped.add(app, "POST", f"{one}/remove", self._remove)

    async def _show(self, request: web.Request, caller: Caller, seen: Seen) -> web.Response:
        return await self._page(request, caller, seen)

    async def _page(
        self,
        request: web.Request,
        caller: Caller,
        seen: Seen,
        problems: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> web.Response:
        kept = await self.preferences.credentials(seen.scope)
        values = {
            **seen.values(),
            "providers": [(one, kept[one.name]) for one in PROVIDERS.values()],
            "problems": problems or {},
            "told": self.checks.take(caller, request.query.get("told")),
            "notice": pages.done(request, NOTICES),
        }
        return pages.show(request, "providers.html", values, status)

    async def _save(self, request: web.Request, caller: Caller, seen: Seen) -> web.Response:
        """Store a key, unless its provider says that it is none: a slip replaces no good one."""
        fields = await self.doorman.forms.read(request, caller)
        await self.doorman.count_creation(request, caller)  # as the API does: it asks the provider
        provider = _provider(request)
        body = json.dumps({"provider": provider.name, "secret": text_in(fields, "secret")})
        try:
            secret = valid(body, OneSecret).secret
            checked = await self.preferences.validate(provider.name, secret, seen.scope)
        except Problem as problem:
            told = messages(mendable(problem))
            text = told.get("secret") or problem.detail
            return await self._page(request, caller, seen, {provider.name: text}, problem.status)
        if checked.result == "invalid":
            text = f"{checked.detail} It is not saved."
            return await self._page(request, caller, seen, {provider.name: text}, 422)
        await self._store(seen, provider, secret)
        if checked.result == "valid":  # once more as the stored one, so that this is remembered
            checked = await self.preferences.validate(provider.name, None, seen.scope)
        return self._tell(caller, seen, Told(provider.title, checked, saved=True))

    async def _store(self, seen: Seen, provider: Provider, secret: SecretStr | None) -> None:
        await self.preferences.set_credentials(seen.scope, {provider.name: secret})

    async def _test(self, request: web.Request, caller: Caller, seen: Seen) -> web.Response:
        await self.doorman.forms.read(request, caller)
        await self.doorman.count_creation(request, caller)
        provider = _provider(request)
        try:
            checked = await self.preferences.validate(provider.name, None, seen.scope)
        except Problem as problem:
            text = mendable(problem).detail
            return await self._page(request, caller, seen, {provider.name: text}, problem.status)
        return self._tell(caller, seen, Told(provider.title, checked))

    def _tell(self, caller: Caller, seen: Seen, told: Told) -> web.Response:
        return pages.see_other(f"{seen.base}/providers?told={self.checks.put(caller, told)}")

    async def _ask(self, request: web.Request, caller: Caller, seen: Seen) -> web.Response:
        del caller
        provider = _provider(request)
        return ask_first(
            request,
            heading=f"Remove the key of {provider.title}?",
            detail="Bellhop forgets it. At the provider it goes on being good: revoke it there.",
            button="Remove the key",
            back=f"{seen.base}/providers",
        )

    async def _remove(self, request: web.Request, caller: Caller, seen: Seen) -> web.Response:
        await self.doorman.forms.read(request, caller)
        await self._store(seen, _provider(request), None)
        return pages.see_other(f"{seen.base}/providers", "removed")


def _provider(request: web.Request) -> Provider:
    """The provider in an address.

    Raises:
        Problem: 404, there is none of this name.
    """
    found = PROVIDERS.get(request.match_info["provider"])
    if found is None:
        raise not_found("provider")
    return found
