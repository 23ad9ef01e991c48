"""Who is asking: a program with a key, or a person with a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from aiohttp import hdrs, web
from yarl import URL

from bot.http.caller import Caller
from bot.http.forms import Forms
from bot.http.last_use import LastUse
from bot.http.limiting import RateLimiter
from bot.http.problems import Problem
from bot.keys import SCOPES, digest, looks_right
from bot.operators import Operators
from storage.people import People

Needed = Literal["tasks:read", "tasks:write", "session", "operator"]

SECURE_COOKIE = "__Host-bellhop"
PLAIN_COOKIE = "bellhop"
"""The session's cookie where Bellhop is reached by plain http, on this machine."""

SAFE = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})


@dataclass(slots=True)
class Doorman:
    """Lets callers in; `public_url` is where people reach Bellhop, for the origin of a page."""

    people: People
    operators: Operators
    clock: Callable[[], datetime]
    public_url: str
    forms: Forms
    limiter: RateLimiter = field(default_factory=RateLimiter)
    last_use: LastUse = field(init=False)

    def __post_init__(self) -> None:
        """Begin to watch."""
        self.last_use = LastUse(self.people)

    async def caller(self, request: web.Request, needed: Needed) -> Caller:
        """Who is asking, if they may ask for this at all.

        Raises:
            Problem: 401 without good credentials, 403 where they are not enough or a foreign page
                uses them, 429 too often.
        """
        caller = await self._known(request)
        self._count(request, caller)
        if caller.session_id is not None and request.method not in SAFE:
            self.forms.check(request, caller)
        _check(caller, needed)
        return caller

    async def visitor(self, request: web.Request) -> Caller | None:
        """Who looks at a page, by their session alone; None for somebody who is not signed in.

        What is sent by a page's form is read by `Forms.read`, which looks for the form's token.

        Raises:
            Problem: 403 where a page of another site sends something with the cookie, 429 too
                often. Never for a cookie that is no good.
        """
        cookie = request.cookies.get(self.cookie)
        caller = await self._by_session(request, cookie) if cookie else None
        if caller is not None:
            self._count(request, caller)
        return caller

    def _count(self, request: web.Request, caller: Caller) -> None:
        limits = self.limiter.limits
        one = caller.key_id or caller.session_id or ""
        self.limiter.count(request, "key", one, limits.key)
        self.limiter.count(request, "person", str(caller.person.id), limits.person)

    async def count_creation(self, request: web.Request, caller: Caller) -> None:
        """Count a request that makes work.

        Raises:
            Problem: 429, there were too many.
        """
        limit = self.limiter.limits.creations
        self.limiter.count(request, "creation", str(caller.person.id), limit)

    async def still(self, caller: Caller) -> bool:
        """Whether somebody who was let in would be let in now."""
        if caller.key_id is not None:
            key = await self.people.key_named(caller.key_id)
            return key is not None and key.is_good(self.clock())
        if caller.session_id is None:
            return False
        return await self.people.session_named(caller.session_id, self.clock()) is not None

    @property
    def cookie(self) -> str:
        """The name of the session's cookie."""
        secure = self.public_url.startswith("https://")
        return SECURE_COOKIE if secure else PLAIN_COOKIE

    async def _known(self, request: web.Request) -> Caller:
        header = request.headers.get(hdrs.AUTHORIZATION)
        found = None
        if header is not None:
            found = await self._by_key(header)
        elif cookie := request.cookies.get(self.cookie):
            found = await self._by_session(request, cookie)
        if found is None:
            if header is not None or request.cookies.get(self.cookie):
                self.limiter.refuse_guessing(self.limiter.address(request))
            raise unauthorized()
        return found

    async def _by_key(self, header: str) -> Caller | None:
        scheme, _, text = header.partition(" ")
        secret = text.strip()
        if scheme.lower() != "bearer" or not looks_right(secret):
            return None
        now = self.clock()
        key = await self.people.key_of(digest(secret))
        if key is None or not key.is_good(now):
            return None
        self.last_use.of_key(key.id, key.used_at, now)
        operator = await self.operators.includes(key.owner)
        return Caller(key.owner, operator, key.scopes, key_id=key.id)

    async def _by_session(self, request: web.Request, cookie: str) -> Caller | None:
        now = self.clock()
        session = await self.people.session_of(digest(cookie), now)
        if session is None:
            return None
        if request.method not in SAFE and not self._is_ours(request):
            raise Problem(
                403,
                "A page of another site asked for this. Use Bellhop's own pages, or a key.",
                code="cross_site",
            )
        self.last_use.of_session(session.id, session.seen_at, now)
        operator = await self.operators.includes(session.person)
        return Caller(session.person, operator, frozenset(SCOPES), session_id=session.id)

    def _is_ours(self, request: web.Request) -> bool:
        """Whether a page of ours, and not another site's, made the browser ask this."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None and site not in {"same-origin", "none"}:
            return False
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None:
            return site is not None
        return origin in self._origins(request)

    def _origins(self, request: web.Request) -> set[str]:
        """Our pages' origins; a machine has several names for itself, so there the name used is."""
        ours = URL(self.public_url).origin()
        found = {str(ours)}
        if ours.scheme == "http":
            found.add(f"http://{request.host}")
        return found


def unauthorized() -> Problem:
    """No credentials, or none that are any good: which of it is not told."""
    return Problem(
        401,
        "Send a key as `Authorization: Bearer bh_…`. `bellhop keys create` makes one.",
        code="unauthorized",
        headers={hdrs.WWW_AUTHENTICATE: "Bearer"},
    )


def _check(caller: Caller, needed: Needed) -> None:
    match needed:
        case "operator":
            only_operators(caller)
        case "session":
            if caller.session_id is None:
                raise _forbidden(
                    "A key may not do this: sign in with a browser, or use `bellhop keys`."
                )
        case _:
            if needed not in caller.scopes:
                raise _forbidden(f"This key may not do that: it lacks the scope {needed}.")


def only_operators(caller: Caller) -> None:
    """Let operators pass.

    Raises:
        Problem: 403 for everybody else.
    """
    if not caller.operator:
        raise _forbidden("Only operators may ask for this: BELLHOP_ADMINS names them.")


def _forbidden(detail: str) -> Problem:
    return Problem(403, detail, code="forbidden")
