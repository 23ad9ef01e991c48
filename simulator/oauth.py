"""The web flow of sign-in: the page where a person agrees, and the endpoint that gives tokens."""

from __future__ import annotations

import hmac
import json
from html import escape
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, urlencode

from aiohttp import web
from yarl import URL

from simulator.pages import leads_to, page
from simulator.people import OAuthError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.backend import Backend
    from simulator.people import UserToken
    from simulator.pulls import World

AUTHORIZE = "/login/oauth/authorize"
TOKEN = "/login/oauth/access_token"  # noqa: S105 - an address
ASKED = ("redirect_uri", "state", "code_challenge", "code_challenge_method")


def add_routes(application: web.Application, backend: Backend) -> None:
    """Serve the flow."""
    flow = Flow(backend)
    application.router.add_get(AUTHORIZE, flow.show)
    application.router.add_post(AUTHORIZE, flow.decide)
    application.router.add_post(TOKEN, flow.give)


class Flow:
    """The handlers of the flow."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def show(self, request: web.Request) -> web.Response:
        """Ask who signs in: one button a person, the one that `login` names first."""
        asked = request.query
        self._check(asked)
        people = [one.login for one in self._world.users.values() if one.kind == "User"]
        people.sort(key=lambda login: login.lower() != asked.get("login", "").lower())
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(asked[name])}">'
            for name in ("client_id", *ASKED)
            if name in asked
        )
        buttons = "".join(_button("user", login, f"Continue as {login}") for login in people)
        name = escape(self._world.app.name)
        return page(
            f"Sign in to {self._world.app.name}",
            f"<h1>Sign in to {name}</h1><p>{name} would like to know who you are on GitHub.</p>",
            f'<form method="post" action="{AUTHORIZE}">{hidden}<div class="row">{buttons}'
            f"{_button('refuse', '1', 'Cancel')}</div></form>",
            # Browsers hold the redirect that answers a form to this as well.
            policy=leads_to(asked["redirect_uri"]),
        )

    async def decide(self, request: web.Request) -> web.Response:
        """Send the browser back with a code, or with a refusal."""
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise web.HTTPForbidden(text="Decide on the page itself.")
        form = {name: str(value) for name, value in (await request.post()).items()}
        self._check(form)
        if "refuse" in form:
            raise _back(form, error="access_denied", error_description=REFUSED)
        user = self._world.users.get(form.get("user", "").lower())
        if user is None or user.kind != "User":
            raise web.HTTPBadRequest(text="Go back and choose who you are.")
        challenge = form.get("code_challenge", "")
        code = self._backend.tokens.people.agree(user, form["redirect_uri"], challenge)
        raise _back(form, code=code)

    def _check(self, asked: Mapping[str, str]) -> None:
        """Refuse what GitHub refuses before it asks anybody."""
        if asked.get("client_id") != self._world.app.client_id:
            raise web.HTTPNotFound(text="There is no App with this client_id.")
        registered = self._world.callback_urls
        if asked.get("redirect_uri") not in registered:
            text = "The redirect_uri is not associated with this application."
            if not registered:
                raise web.HTTPBadRequest(text=text)
            raise _back(
                {**asked, "redirect_uri": registered[0]},
                error="redirect_uri_mismatch",
                error_description=text,
            )
        if "code_challenge" in asked and asked.get("code_challenge_method") != "S256":
            raise _back(asked, error="invalid_request", error_description="Only S256 is supported.")

    async def give(self, request: web.Request) -> web.StreamResponse:
        """`POST /login/oauth/access_token`: a pair for a code or a refresh token."""

        async def act() -> web.StreamResponse:
            asked = await _fields(request)
            try:
                answer = self._given(asked)
            except OAuthError as error:
                # GitHub says so with the status 200.
                answer = {"error": error.code, "error_description": str(error)}
            if "json" in request.headers.get("Accept", ""):
                return web.json_response(answer)
            return web.Response(
                text=urlencode(answer), content_type="application/x-www-form-urlencoded"
            )

        return await self._backend.answer(request, TOKEN, None, act)

    def _given(self, asked: Mapping[str, str]) -> dict[str, str | int]:
        app, people = self._world.app, self._backend.tokens.people
        secret = asked.get("client_secret", "").encode()
        right = hmac.compare_digest(secret, app.client_secret.encode())
        if asked.get("client_id") != app.client_id or not right:
            raise OAuthError(
                "incorrect_client_credentials",
                "The client_id and/or client_secret passed are incorrect.",
            )
        match asked.get("grant_type", "authorization_code"):
            case "authorization_code":
                verifier = asked.get("code_verifier", "")
                redirect = asked.get("redirect_uri")
                return _pair(people.exchange(asked.get("code", ""), redirect, verifier))
            case "refresh_token":
                return _pair(people.renew(asked.get("refresh_token", "")))
            case _:
                raise OAuthError("unsupported_grant_type", "The grant type is not supported.")

    @property
    def _world(self) -> World:
        return self._backend.world


REFUSED = "The user has denied your application access."


def _button(name: str, value: str, text: str) -> str:
    return f'<button name="{name}" value="{escape(value)}">{escape(text)}</button> '


def _back(asked: Mapping[str, str], **told: str) -> web.HTTPFound:
    """Send a browser to where it came from, with the state it brought."""
    state = {"state": asked["state"]} if "state" in asked else {}
    return web.HTTPFound(URL(asked["redirect_uri"]).update_query({**told, **state}))


async def _fields(request: web.Request) -> dict[str, str]:
    """Read a body in either of the two types that GitHub takes."""
    text = await request.text()
    if request.content_type != "application/json":
        return dict(parse_qsl(text))
    try:
        found: object = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return {}
    fields = cast("dict[str, object]", found)
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _pair(made: UserToken) -> dict[str, str | int]:
    told: dict[str, str | int] = {
        "access_token": made.access,
        "scope": "",
        "token_type": "bearer",
    }
    if made.refresh is None or made.expires_at is None or made.renewable_until is None:
        return told
    return told | {
        "expires_in": int((made.expires_at - made.made_at).total_seconds()),
        "refresh_token": made.refresh,
        "refresh_token_expires_in": int((made.renewable_until - made.made_at).total_seconds()),
    }
