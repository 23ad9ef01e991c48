"""Pages that are there twice: below `/settings` for oneself, and for each installation."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from bot.http import pages
from bot.http.caller import Caller
from bot.http.ids import not_found
from bot.preferences import InstallationScope, Preferences, Scope, UserScope

OWN = "/settings"
INSTALLATION = "/settings/installations/{installation_id}"

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Seen:
    """A scope that somebody may see and change, and the address that its pages begin with."""

    scope: Scope
    base: str
    account: str | None = None
    """The login of the account that the installation is on."""

    @property
    def first(self) -> str:
        """The first of its pages, which is the one of its defaults."""
        return f"{OWN}/defaults" if self.base == OWN else self.base

    def values(self) -> dict[str, Any]:
        """What every template of these pages is told."""
        return {"base": self.base, "first": self.first, "installation": self.account}


Page = Callable[[web.Request, Caller, Seen], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class ScopedPages:
    """Serves pages for both scopes to those who may see them."""

    preferences: Preferences

    def add(self, app: web.Application, method: str, path: str, page: Page) -> None:
        """Serve a page such as `/providers`; the empty path is that of the defaults."""

        async def shown(request: web.Request, caller: Caller) -> web.StreamResponse:
            return await page(request, caller, await self._seen(request, caller))

        pages.add(app, method, f"{OWN}{path or '/defaults'}", shown)
        pages.add(app, method, f"{INSTALLATION}{path}", shown)

    async def _seen(self, request: web.Request, caller: Caller) -> Seen:
        """The scope of a request's address.

        Raises:
            Problem: what `Preferences.may` says; what is no number is as absent as what is not
                theirs.
        """
        number = request.match_info.get("installation_id")
        if number is None:
            seen = Seen(UserScope(caller.person), OWN)
        elif _NUMBER.fullmatch(number) is None:
            raise not_found("installation")
        else:
            seen = Seen(InstallationScope(int(number)), f"{OWN}/installations/{number}")
        return replace(seen, account=await self.preferences.may(caller, seen.scope))
