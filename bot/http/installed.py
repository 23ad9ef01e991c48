"""Where GitHub sends people who have installed the App: `GET /api/auth/github/installed`.

Anybody can write any `installation_id` into such an address, so the id is believed only where
GitHub shows it to the person themselves. See "About the setup URL" in GitHub's documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import SecretStr
from yarl import URL

from bot.github.errors import GitHubError, Refused
from bot.http.access import Doorman, unauthorized
from bot.http.routes import add_route
from bot.http.sign_in import SignInFailed, SignInRoutes
from bot.http.sign_in_paths import BEGIN, INSTALLATIONS, INSTALLED, send_to, wants_page
from bot.user_tokens import SignInAgain, UserTokens

if TYPE_CHECKING:
    from bot.github.oauth import OAuth
    from handlers.values import Person

LONGEST_ID = 18
"""Digits of an installation's id: all fit what a database holds."""
DONE = {"install": "installed", "update": "updated", "request": "requested"}
"""GitHub's `setup_action`, and the word that the page of installations is told."""


@dataclass(frozen=True, slots=True)
class InstalledRoute:
    """What the route needs."""

    doorman: Doorman
    tokens: UserTokens
    oauth: OAuth
    sign_in: SignInRoutes

    def register(self, app: web.Application) -> None:
        """Serve the route."""
        add_route(app, "GET", INSTALLED.removeprefix("/api"), self._handle)

    async def _handle(self, request: web.Request) -> web.Response:
        return await self.sign_in.answered(request, self._installed)

    async def _installed(self, request: web.Request) -> web.Response:
        action = request.query.get("setup_action", "install")
        number = request.query.get("installation_id", "")
        asked = action == "request"
        if action not in DONE or not (asked or _is_id(number)):
            raise SignInFailed("installation")
        query = {"setup_action": action} | ({} if asked else {"installation_id": number})
        here = str(URL(INSTALLED).with_query(query))
        caller = await self.doorman.visitor(request)
        if caller is None:
            return _sign_in(request, here)
        if not asked:
            try:
                await self._check(caller.person, int(number))
            except SignInAgain:
                return _sign_in(request, here)
        return send_to(str(URL(INSTALLATIONS).with_query(done=DONE[action])))

    async def _check(self, person: Person, number: int) -> None:
        """See that GitHub shows an installation to a person."""
        try:
            token = await self.tokens.token(person)
            seen = await self._seen(person, token)
        except GitHubError:
            raise SignInFailed("github", INSTALLATIONS) from None
        if number not in seen:
            raise SignInFailed("installation", INSTALLATIONS)

    async def _seen(self, person: Person, token: SecretStr) -> frozenset[int]:
        try:
            return frozenset(await self.oauth.installations(token))
        except Refused as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
            await self.tokens.refused(person, token)
            raise SignInAgain from None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID


def _sign_in(request: web.Request, then: str) -> web.Response:
    """Let somebody sign in first, and come back."""
    if not wants_page(request):
        raise unauthorized()
    return send_to(str(URL(BEGIN).with_query(next=then)))
