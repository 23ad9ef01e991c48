"""Sign-in with GitHub: `GET /api/auth/github`, and the way back from there."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

import structlog
from aiohttp import hdrs, web
from cachetools import TTLCache
from uuid_utils import uuid7
from yarl import URL

from bot.github.errors import GitHubError, OAuthRefused
from bot.github.oauth import Granted, OAuth
from bot.http.access import Doorman
from bot.http.own_path import is_own
from bot.http.problems import Problem
from bot.http.routes import add_route
from bot.http.sign_in_cookies import BEGUN_LIFE, Begun, SignInCookies
from bot.http.sign_in_paths import BEGIN, CALLBACK, SIGN_IN, send_to, wants_page
from bot.http.sign_in_words import OF_GITHUB, WORDS, Word
from bot.keys import digest
from bot.settings import is_loopback, read_url
from bot.user_tokens import UserTokens
from handlers.values import Person
from storage.keys import Session
from storage.people import People
from storage.sqlite import StorageFailed

_log = structlog.stdlib.get_logger(__name__)

SESSION_LIFE = timedelta(days=30)
MOST_USED = 100_000
"""States of sign-ins that are remembered as used, each for as long as its cookie is good."""
LONGEST_AGENT = 200
"""Characters of what a browser calls itself that are kept."""
SET_UP: frozenset[Word] = frozenset({"callback_url", "client", "suspended", "refused", "github"})
"""Failures that are the operator's to look at."""

_CODE = re.compile(r"[\w.-]{1,255}", re.ASCII)
_LOGIN = re.compile(r"[A-Za-z0-9-]{1,39}")


class SignInFailed(Exception):  # noqa: N818 - it says what happened
    """A sign-in did not come about; `next` is where it would have led."""

    def __init__(self, word: Word, next_: str = "/") -> None:
        super().__init__(word)
        self.word: Word = word
        self.next = next_


@dataclass(frozen=True, slots=True)
class LastFailure:
    """The last sign-in that failed for a reason of the set-up."""

    word: Word
    at: datetime


@dataclass(slots=True)
class SignInRoutes:
    """What the routes need; `public_url` is where people and GitHub reach Bellhop."""

    doorman: Doorman
    people: People
    tokens: UserTokens
    oauth: OAuth
    cookies: SignInCookies
    public_url: str
    clock: Callable[[], datetime]
    last_failure: LastFailure | None = field(default=None, init=False)
    _used: TTLCache[str, bool] = field(
        default_factory=lambda: TTLCache[str, bool](MOST_USED, BEGUN_LIFE.total_seconds()),
        init=False,
    )

    def register(self, app: web.Application) -> None:
        """Serve the routes."""
        add_route(app, "GET", BEGIN.removeprefix("/api"), self._begin)
        add_route(app, "GET", CALLBACK.removeprefix("/api"), self._come_back)

    @property
    def callback(self) -> str:
        """Where GitHub sends people back to."""
        return f"{self.public_url}{CALLBACK}"

    async def _begin(self, request: web.Request) -> web.Response:
        """Send a browser to GitHub, with a secret that it has to bring back."""
        return await self.answered(request, self._begun)

    async def _begun(self, request: web.Request) -> web.Response:
        next_ = request.query.get("next", "/")
        if not is_own(next_):
            raise SignInFailed("next")
        if not self.oauth.client.is_complete:
            raise SignInFailed("not_configured", next_)
        if not self.public_url.startswith("https://") and not is_loopback(self.public_url):
            raise SignInFailed("https", next_)
        if self._is_twin(request):
            # The cookie has to be of the host to which GitHub sends people back.
            return send_to(str(URL(f"{self.public_url}{BEGIN}").with_query(next=next_)))
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        address = URL(self.oauth.address(self.callback, state, challenge_of(verifier)))
        if _LOGIN.fullmatch(login := request.query.get("login", "")):
            address = address.update_query(login=login)
        response = send_to(str(address))
        self.cookies.begin(response, state, verifier, next_)
        return response

    def _is_twin(self, request: web.Request) -> bool:
        """Whether somebody came by another of this machine's names for itself, as `localhost`."""
        ours = URL(self.public_url)
        try:
            here = read_url(f"{ours.scheme}://{request.host}")
            return is_loopback(str(here)) and here.host != ours.host and here.port == ours.port
        except ValueError:
            return False

    async def _come_back(self, request: web.Request) -> web.Response:
        """Take a browser that comes back from GitHub, and let its person in."""
        return await self.answered(request, self._came_back)

    async def _came_back(self, request: web.Request) -> web.Response:
        begun = self._bound(request)
        limits = self.doorman.limiter.limits
        # Before anything is logged: whoever comes back can have written what went wrong.
        self.doorman.limiter.count_place(request, "sign-in", limits.sign_ins)
        code = self._code(request, begun)
        granted = await self._exchanged(code, begun)
        try:
            person = await self.oauth.person(granted.access)
        except GitHubError as error:
            self.tokens.let_go(granted)
            raise self._failed("github", begun, str(error)) from None
        cookie = await self._new_session(request, person, granted)
        response = send_to(begun.next)
        self.cookies.keep(response, self.cookies.session_name, cookie, SESSION_LIFE)
        self.cookies.end(response, self.cookies.begun_name)
        return response

    def _bound(self, request: web.Request) -> Begun:
        """The sign-in that this browser began, if it is that one that comes back, and once.

        Another one's answer ends nothing: anybody can send a browser here.
        """
        begun = self.cookies.begun(request)
        if begun is None:
            raise SignInFailed("expired")
        given = request.query.get("state", "").encode(errors="surrogatepass")
        if not hmac.compare_digest(given, begun.state.encode()):
            raise SignInFailed("state", begun.next)
        if begun.state in self._used:
            raise SignInFailed("used", begun.next)
        self._used[begun.state] = True
        return begun

    def _code(self, request: web.Request, begun: Begun) -> str:
        if error := request.query.get("error"):
            word = OF_GITHUB.get(error, "refused")
            # Whoever signs in can have written it: it is logged only if it is a word.
            problem = error if _CODE.fullmatch(error) else "unreadable"
            raise self._failed(word, begun, problem)
        code = request.query.get("code", "")
        if _CODE.fullmatch(code) is None:
            raise SignInFailed("code", begun.next)
        return code

    async def _exchanged(self, code: str, begun: Begun) -> Granted:
        try:
            return await self.oauth.exchange(code, begun.verifier, self.callback)
        except OAuthRefused as error:
            word = OF_GITHUB.get(error.code, "refused")
            raise self._failed(word, begun, error.code) from None
        except GitHubError as error:
            raise self._failed("github", begun, str(error)) from None

    def _failed(self, word: Word, begun: Begun, problem: str) -> SignInFailed:
        if word in SET_UP:
            _log.warning("a sign-in failed", why=word, problem=problem)
            self.last_failure = LastFailure(word, self.clock())
        return SignInFailed(word, begun.next)

    async def _new_session(self, request: web.Request, person: Person, granted: Granted) -> str:
        """A new session under a new id, whatever the browser had before; the cookie's value."""
        now, cookie = self.clock(), secrets.token_urlsafe(32)
        agent = "".join(
            one for one in request.headers.get(hdrs.USER_AGENT, "") if one.isprintable()
        )
        session = Session(str(uuid7()), person, agent[:LONGEST_AGENT], now, now + SESSION_LIFE, now)
        try:
            # The session comes first: a token without one is forgotten.
            await self.people.keep_session(session, digest(cookie))
            await self.tokens.keep(person, granted)
        except StorageFailed:
            self.tokens.let_go(granted)
            raise
        before = request.cookies.get(self.cookies.session_name, "")
        if before and (old := await self.people.session_of(digest(before), now)) is not None:
            await self.people.drop_session(old.id)
            await self.tokens.forget_unused(old.person.id)
        self.last_failure = None
        return cookie

    async def answered(
        self, request: web.Request, act: Callable[[web.Request], Awaitable[web.Response]]
    ) -> web.Response:
        """Do it, or say why not: to people on the page, to programs as a problem."""
        try:
            return await act(request)
        except SignInFailed as error:
            return self._told(request, error.word, error.next)
        except Problem as problem:
            if problem.status != HTTPStatus.TOO_MANY_REQUESTS or not wants_page(request):
                raise
            return self._told(request, "too_many", "/")
        except StorageFailed:
            if not wants_page(request):
                raise
            return self._told(request, "storage", "/")

    def _told(self, request: web.Request, word: Word, next_: str) -> web.Response:
        told = WORDS[word]
        if not wants_page(request):
            raise Problem(told.status, told.text, code=word)
        query = {"problem": word} | ({} if next_ == "/" else {"next": next_})
        return send_to(str(URL(SIGN_IN).with_query(query)))


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier: https://www.rfc-editor.org/rfc/rfc7636#section-4.2."""
    made = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")
