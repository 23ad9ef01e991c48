"""`/setup`: from a Bellhop without an App to one that has its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

import structlog
from aiohttp import hdrs, web

from bot.github.errors import GitHubError, Refused
from bot.github.making import NewApp
from bot.http import setup_form, setup_pages
from bot.http.forms import fields_of
from bot.http.pages import add_pages
from bot.http.problems import Problem
from bot.http.setup_form import Wish
from bot.http.setup_gate import LIFE, Gate, Visit
from bot.http.setup_host import origin_of, refuse_foreign
from bot.http.setup_pages import CREATED, PATH
from bot.settings import Problem as Lack
from bot.settings import Settings
from storage import StorageFailed

_log = structlog.stdlib.get_logger(__name__)

SECURE_COOKIE = "__Host-bellhop-setup"
PLAIN_COOKIE = "bellhop-setup"
LONGEST_CODE = 200
"""Characters of a code, from the log or from GitHub."""


@dataclass(slots=True)
class SetupDesk:
    """The way through the set-up.

    Attributes:
        settings: As Bellhop was started with, without an App.
        gate: Who may.
        convert: Gets an App from GitHub for its code; raises GitHubError.
        keep: Stores the App and the public URL; raises StorageFailed.
        lacks: What is missing before Bellhop can work with an App.
        clock: The time.
        done: Set once there is an App.
    """

    settings: Settings
    gate: Gate
    convert: Callable[[str], Awaitable[NewApp]]
    keep: Callable[[NewApp, str], Awaitable[None]]
    lacks: tuple[Lack, ...]
    clock: Callable[[], datetime]
    done: asyncio.Event = field(default_factory=asyncio.Event)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    def register(self, app: web.Application) -> None:
        """Serve the pages, and tell all who ask for anything else that nothing is here yet."""
        add_pages(app)
        app.router.add_get(PATH, self._step)
        app.router.add_post(f"{PATH}/code", self._enter)
        app.router.add_post(f"{PATH}/app", self._wish)
        app.router.add_get(CREATED, self._created)
        app.router.add_get("/", self._home)
        app.router.add_get("/healthz", _alive)
        app.router.add_route("*", "/{anything:.*}", _not_yet)

    async def _home(self, request: web.Request) -> web.Response:
        """Lead a browser that is at the right address, and nobody else."""
        if "text/html" in request.headers.get(hdrs.ACCEPT, ""):
            self._origin(request)
            return _on()
        raise _not_set_up()

    async def _step(self, request: web.Request) -> web.Response:
        """Whatever comes next for this browser."""
        origin = self._origin(request)
        visit = self._visit(request, origin)
        if visit is None:
            return self._ask_code(request)
        if visit.wish is None or "change" in request.query:
            suggested = Wish(self._likely_url(origin), setup_form.some_name())
            return self._ask_wish(request, visit.wish or suggested)
        state = visit.state(self.clock())
        return setup_pages.confirm(request, visit.wish, self.settings.github_url, origin, state)

    async def _enter(self, request: web.Request) -> web.Response:
        """Take the code of the log."""
        origin = self._origin(request)
        refuse_foreign(request, origin)
        form = await fields_of(request)
        cookie = self.gate.enter(form.get("code", "")[:LONGEST_CODE])
        if cookie is None:
            return self._ask_code(request, wrong=True)
        answer = _on()
        secure = origin.startswith("https://")
        answer.set_cookie(
            _cookie(origin), cookie, path="/", secure=secure, httponly=True, samesite="Lax"
        )
        return answer

    async def _wish(self, request: web.Request) -> web.Response:
        """Take the address and the name."""
        origin = self._origin(request)
        refuse_foreign(request, origin)
        visit = self._visit(request, origin)
        if visit is None:
            return _on()
        sent = await fields_of(request)
        form = {name: sent.get(name, "") for name in ("public_url", "name", "organisation")}
        form["public_url"] = self.settings.base_url or form["public_url"]
        wish = setup_form.read(form, offline=self.settings.offline)
        if isinstance(wish, Wish):
            visit.wish, visit.until = wish, self.clock() + LIFE
            return _on()
        asked = Wish(form["public_url"], form["name"], form["organisation"])
        return self._ask_wish(request, asked, wish)

    async def _created(self, request: web.Request) -> web.Response:
        """GitHub sends the browser back with a code for the App that it made."""
        visit = self._visit(request, self._origin(request))
        if visit is None or visit.wish is None or not visit.knows(request.query.get("state", "")):
            return setup_pages.failed(request, setup_pages.FORGED)
        async with self._one:
            app = visit.new_app or await self._convert(request, visit)
            if not isinstance(app, NewApp):
                return app
            visit.new_app = app
            try:
                await self.keep(app, visit.wish.public_url)
            except StorageFailed as error:
                _log.error("storage failed", path=CREATED, problem=str(error))
                return setup_pages.failed(request, setup_pages.UNSTORED)
        self.done.set()
        return setup_pages.done(request, app, self.settings.github_url, self.lacks)

    async def _convert(self, request: web.Request, visit: Visit) -> NewApp | web.Response:
        code = request.query.get("code", "")
        if not code or len(code) > LONGEST_CODE:
            return setup_pages.failed(request, setup_pages.NO_CODE)
        try:
            return await self.convert(code)
        except GitHubError as error:
            _log.warning("GitHub gave no App", problem=str(error))
            if not isinstance(error, Refused):
                return setup_pages.failed(request, setup_pages.SILENT)
            visit.forget_state()
            return setup_pages.failed(request, setup_pages.REFUSED)

    def _ask_code(self, request: web.Request, *, wrong: bool = False) -> web.Response:
        return setup_pages.ask_code(request, waits=self.gate.waits, wrong=wrong)

    def _ask_wish(
        self, request: web.Request, wish: Wish, wrong: dict[str, str] | None = None
    ) -> web.Response:
        return setup_pages.ask_wish(request, wish, self.settings, self.lacks, wrong or {})

    def _origin(self, request: web.Request) -> str:
        return origin_of(request, self.settings.base_url)

    def _visit(self, request: web.Request, origin: str) -> Visit | None:
        return self.gate.visit(request.cookies.get(_cookie(origin)))

    def _likely_url(self, origin: str) -> str:
        """The public URL, if it is known; that of a tunnel is not."""
        return self.settings.base_url or (origin if self.settings.offline else "")


def _cookie(origin: str) -> str:
    return SECURE_COOKIE if origin.startswith("https://") else PLAIN_COOKIE


def _on() -> web.Response:
    """To the next step."""
    return web.Response(status=303, headers={"Location": PATH})


async def _alive(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _not_yet(_: web.Request) -> NoReturn:
    raise _not_set_up()


def _not_set_up() -> Problem:
    return Problem(
        503,
        f"Bellhop is not set up yet. Open {PATH} at the address that is in its log.",
        code="not_set_up",
    )
