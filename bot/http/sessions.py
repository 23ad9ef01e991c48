"""Sessions: listed, ended one by one, and signed out of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from yarl import URL

from bot.http.access import Doorman, unauthorized
from bot.http.answers import json_answer
from bot.http.caller import Caller
from bot.http.forms import MEDIA
from bot.http.ids import id_in, not_found
from bot.http.key_bodies import Deleted
from bot.http.routes import add_route
from bot.http.session_bodies import SessionList, SessionShown
from bot.http.sign_in_cookies import SignInCookies
from bot.http.sign_in_paths import SIGN_IN, send_to, wants_page
from bot.user_tokens import UserTokens
from storage.keys import Session
from storage.people import People


@dataclass(frozen=True, slots=True)
class SessionRoutes:
    """What the routes need."""

    doorman: Doorman
    people: People
    tokens: UserTokens
    cookies: SignInCookies
    clock: Callable[[], datetime]

    def register(self, app: web.Application) -> None:
        """Serve the routes."""
        add_route(app, "GET", "/sessions", self._list)
        add_route(app, "DELETE", "/sessions/{session_id}", self._end)
        add_route(app, "POST", "/auth/logout", self._sign_out)

    async def _list(self, request: web.Request) -> web.Response:
        caller = await self.doorman.caller(request, "session")
        found = await self.people.sessions_of(caller.person.id, self.clock())
        return json_answer(SessionList(sessions=[_shown(one, caller) for one in found]))

    async def _end(self, request: web.Request) -> web.Response:
        caller = await self.doorman.caller(request, "session")
        session_id = id_in(request, "session_id")
        if not await self.end(caller, session_id):
            raise not_found("session")
        response = json_answer(Deleted())
        if session_id == caller.session_id:
            self.cookies.end(response, self.cookies.session_name)
        return response

    async def end(self, caller: Caller, session_id: str) -> bool:
        """End a session of the caller's; with the last one the token goes. False: there is none."""
        ended = await self.people.drop_session(session_id, caller.person.id)
        if ended:
            await self.tokens.forget_unused(caller.person.id)
        return ended

    async def _sign_out(self, request: web.Request) -> web.Response:
        """End the session that asks: by a form of our pages, or by a script of theirs."""
        caller = await self.doorman.visitor(request)
        page = wants_page(request)
        if caller is None:
            if not page:
                raise unauthorized()
            return self._signed_out()
        if request.content_type == MEDIA:
            await self.doorman.forms.read(request, caller)
        else:
            self.doorman.forms.check(request, caller)
        await self.end(caller, caller.session_id or "")
        if page:
            return self._signed_out()
        response = json_answer(Deleted())
        self.cookies.end(response, self.cookies.session_name)
        return response

    def _signed_out(self) -> web.Response:
        response = send_to(str(URL(SIGN_IN).with_query(done="signed-out")))
        self.cookies.end(response, self.cookies.session_name)
        return response


def _shown(session: Session, caller: Caller) -> SessionShown:
    return SessionShown(
        session_id=session.id,
        agent=session.agent,
        created_at=session.created_at,
        expires_at=session.expires_at,
        last_seen_at=session.seen_at,
        current=session.id == caller.session_id,
    )
