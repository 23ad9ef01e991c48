"""What is wrong with the set-up of sign-in: `GET /api/auth/diagnostics`, for anybody.

Whoever sets Bellhop up cannot sign in yet, so nothing of it is a secret.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web
from yarl import URL

from bot.doctor.findings import Finding, ok, problem, unchecked, warning
from bot.doctor.github import client_finding, clock_finding
from bot.github.about import Said
from bot.github.errors import Unavailable
from bot.github.oauth import OAuth
from bot.http.access import Doorman
from bot.http.answers import json_answer
from bot.http.operations import StartupCheck, check_told
from bot.http.routes import add_route
from bot.http.sign_in import SignInRoutes
from bot.http.sign_in_cookies import SignInCookies
from bot.http.sign_in_paths import send_to, wants_page
from bot.http.sign_in_words import WORDS
from bot.settings import is_loopback, read_url

PATH = "/api/auth/diagnostics"
BELIEVED = timedelta(seconds=30)
"""How long GitHub's answer is told again."""
OF_PROXIES = ("X-Forwarded-For", "X-Real-IP", "Fly-Client-IP", "CF-Connecting-IP")
"""By which proxies tell whose request they pass on; no browser sends them."""
PROBE = "begin"
"""What `probe` says to have a cookie set and looked for."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What GitHub says to the client id and secret; None and why, where it does not answer."""

    said: Said | None
    silence: str
    at: datetime


@dataclass(slots=True)
class SignInCheck:
    """What the route needs."""

    doorman: Doorman
    oauth: OAuth
    cookies: SignInCookies
    sign_in: SignInRoutes
    public_url: str
    clock: Callable[[], datetime]
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _heard: Heard | None = field(default=None, init=False)

    def register(self, app: web.Application) -> None:
        """Serve the route."""
        add_route(app, "GET", PATH.removeprefix("/api"), self._handle)

    async def _handle(self, request: web.Request) -> web.Response:
        limiter = self.doorman.limiter
        limiter.count_place(request, "check", limiter.limits.sign_ins)
        probe = request.query.get("probe", PROBE if wants_page(request) else "")
        if probe == PROBE:
            return self._probed()
        found = [*self._of_settings(request), *await self._of_github()]
        found += [self._of_cookie(request, probe), self._of_visitors(request), self._of_last()]
        checks = [check_told(one) for one in found]
        fine = all(one.state != "problem" for one in checks)
        return json_answer(StartupCheck(ok=fine, checked_at=self.clock(), checks=checks))

    def _probed(self) -> web.Response:
        value = secrets.token_urlsafe(12)
        response = send_to(str(URL(PATH).with_query(probe=value)))
        self.cookies.keep(response, self.cookies.probe_name, value)
        return response

    def _of_settings(self, request: web.Request) -> Iterator[Finding]:
        url = self.public_url
        if url.startswith("https://") or is_loopback(url):
            yield ok("base URL", url)
        else:
            yield problem("base URL", f"{url}: {WORDS['https'].title}", WORDS["https"].remedy)
        if not _is_here(request, url):
            yield problem(
                "address",
                f"you reached Bellhop by another address than {url}, where people are sent back to",
                "Open it there, or set BELLHOP_BASE_URL to the address that people use; a proxy in "
                "front has to pass the Host header on.",
            )
        else:
            yield ok("address", "you reached Bellhop where people are sent back to")
        yield ok("callback URL", f"{self.sign_in.callback}: see that the App has exactly this one")

    def _of_visitors(self, request: web.Request) -> Finding:
        limiter, subject = self.doorman.limiter, "visitors"
        name = limiter.address_header
        if limiter.address_told(request) is not None:
            return ok(subject, f"each address has limits of its own, by {name}")
        if name:
            return warning(
                subject,
                f"no address was in {name}: all who come like this share their limits",
                "Let the proxy in front set it, or change BELLHOP_CLIENT_ADDRESS_HEADER.",
            )
        if found := [one for one in OF_PROXIES if one in request.headers]:
            return warning(
                subject,
                "you come through a proxy, and all who do share their limits",
                "Set BELLHOP_CLIENT_ADDRESS_HEADER to the header in which it tells whose request "
                f"it is; there was {', '.join(found)}.",
            )
        return ok(subject, "no proxy in front says that it is there")

    async def _of_github(self) -> tuple[Finding, Finding]:
        if not self.oauth.client.is_complete:
            told = WORDS["not_configured"]
            return (
                problem("client", told.title, told.remedy),
                unchecked("clock", "GitHub was not asked"),
            )
        heard = await self._ask()
        if heard.said is None:
            told = problem("client", heard.silence, "Check BELLHOP_GITHUB_API_URL and the network.")
            return told, unchecked("clock", "GitHub did not tell the time")
        return client_finding("client", heard.said), clock_finding(heard.at, heard.said.date)

    async def _ask(self) -> Heard:
        async with self._asking:  # who asks meanwhile is told the same
            now = self.clock()
            if self._heard is None or now - self._heard.at >= BELIEVED:
                try:
                    said = await self.oauth.introduce()
                    self._heard = Heard(said, "", self.clock())
                except Unavailable as error:
                    self._heard = Heard(None, str(error), now)
            return self._heard

    def _of_cookie(self, request: web.Request, probe: str) -> Finding:
        if not probe:
            return unchecked("cookie", f"open {PATH} in the browser that cannot sign in")
        kept = request.cookies.get(self.cookies.probe_name, "")
        if hmac.compare_digest(*(one.encode(errors="replace") for one in (kept, probe))):
            return ok("cookie", "this browser keeps Bellhop's cookies")
        return problem(
            "cookie",
            "this browser did not bring back the cookie that it was given",
            "Let it keep cookies of this site, and open Bellhop at its base URL: over https its "
            "cookies are for that host alone.",
        )

    def _of_last(self) -> Finding:
        last = self.sign_in.last_failure
        if last is None:
            return ok(
                "last sign-in", "none has failed for the set-up since the last one that did not"
            )
        told, at = WORDS[last.word], f"{last.at:%Y-%m-%d %H:%M:%S} UTC"
        return problem("last sign-in", f"it failed at {at}: {told.title}", told.remedy)


def _is_here(request: web.Request, public_url: str) -> bool:
    ours = URL(public_url)
    try:
        return read_url(f"{ours.scheme}://{request.host}").origin() == ours.origin()
    except ValueError:
        return False
