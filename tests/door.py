"""A door with a route for each kind of caller behind it, on a socket and a real database."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from bot.http import problems
from bot.http.access import Doorman, Needed
from bot.http.caller import Caller
from bot.http.forms import HEADER, Forms
from bot.http.limiting import Limits, RateLimiter, tell
from bot.key_desk import KeyDesk
from bot.keys import SCOPES
from bot.operators import Operators
from bot.vault import Vault
from handlers.values import Person
from storage import Store
from tests.first_start import lay_out
from tests.github_support import scripted
from tests.makers import ADA, NOON, RULES
from tests.signed_in import sign_in

HTTPS = "https://bellhop.test"
LOOPBACK = "http://127.0.0.1:8080"
COOKIE = "a-session's-random-id"


@dataclass
class Door:
    """Who asks, when, and what they are told."""

    store: Store
    client: TestClient[web.Request, web.Application]
    doorman: Doorman
    now: datetime = NOON
    callers: list[Caller] = field(default_factory=list[Caller])

    def clock(self) -> datetime:
        return self.now

    @property
    def desk(self) -> KeyDesk:
        return KeyDesk(self.store.people, Vault(b"k" * 32), self.clock)

    def passes(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    async def key(
        self, *scopes: str, owner: Person = ADA, expires_at: datetime | None = None
    ) -> str:
        """A new key, of both scopes if none is named."""
        chosen = frozenset(scopes or SCOPES)
        return (await self.desk.new_key(owner, "a test's", chosen, expires_at)).secret

    async def session(self, person: Person = ADA, cookie: str = COOKIE) -> dict[str, str]:
        """Somebody signs in for a day; the headers that a script of our pages sends from then."""
        name = self.doorman.cookie
        vault = self.doorman.forms.vault
        sent = await sign_in(self.store, person, self.clock, vault, cookie_name=name, cookie=cookie)
        return {key: sent[key] for key in ("Cookie", HEADER)}

    async def ask(
        self,
        needed: Needed = "tasks:read",
        key: str | None = None,
        method: str = "GET",
        headers: dict[str, str] | None = None,
    ) -> ClientResponse:
        """Ask for what needs this; read whole."""
        sent = dict(headers or {})
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        answer = await self.client.request(method, f"/{needed}", headers=sent)
        await answer.read()
        return answer

    async def status(
        self, needed: Needed = "tasks:read", key: str | None = None, **more: Any
    ) -> int:
        return (await self.ask(needed, key, **more)).status


@asynccontextmanager
async def door(
    folder: Path,
    *,
    url: str = HTTPS,
    admins: tuple[str, ...] = (),
    limits: Limits | None = None,
    address_header: str = "",
    extra: Callable[[web.Application, Door], None] = lambda _, __: None,
) -> AsyncGenerator[Door]:
    """A door in front of a route for each thing that may be needed; POSTs that write are work."""
    store = await Store.open(lay_out(folder / "bellhop.db"), RULES)
    app = web.Application()
    problems.install(app)
    app.on_response_prepare.append(tell)
    async with scripted() as (github, _):
        operators = Operators(store, github, admins)
        limiter = RateLimiter(limits or Limits(), address_header)
        forms = Forms(Vault(b"k" * 32))
        doorman = Doorman(store.people, operators, lambda: made.now, url, forms, limiter)
        client = TestClient(TestServer(app))
        made = Door(store, client, doorman)
        extra(app, made)
        for needed in get_args(Needed):
            app.router.add_route("*", f"/{needed}", _open(made, needed))
        async with client:
            yield made
        await store.close()


def _open(made: Door, needed: Needed) -> Any:
    async def handle(request: web.Request) -> web.Response:
        caller = await made.doorman.caller(request, needed)
        if request.method == "POST" and needed == "tasks:write":
            await made.doorman.count_creation(request, caller)
        made.callers.append(caller)
        return web.Response()

    return handle
