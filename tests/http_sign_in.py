"""A person with a browser who signs in through the offline GitHub's pages."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from bot.http.access import PLAIN_COOKIE, SECURE_COOKIE
from bot.http.forms import HEADER
from bot.keys import digest
from handlers.values import Person
from storage.keys import Session
from tests.http_tasks import Reply
from tests.signed_in import form_token
from tests.story import Stage, staged

PAGE = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Site": "none"}


@dataclass
class Visitor:
    """A browser: it keeps cookies, and goes where it is sent only when told to."""

    stage: Stage
    session: aiohttp.ClientSession
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    set: list[str] = field(default_factory=list[str])
    """Every `Set-Cookie` that came, as it was written."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.stage.settings.port}"

    async def get(self, path: str, headers: Mapping[str, str] = PAGE) -> Reply:
        return await self.call("GET", path, headers)

    async def call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] = PAGE,
        data: Any = None,
    ) -> Reply:
        """Ask Bellhop as a browser does; the cookies that it sets are kept."""
        sent = dict(headers)
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        url = URL(f"{self.url}{path}", encoded=True)
        async with self.session.request(
            method, url, headers=sent, data=data, allow_redirects=False
        ) as answer:
            for text in answer.headers.getall("Set-Cookie", ()):
                self._keep(text)
            return Reply(answer.status, await answer.read(), answer.headers)

    def _keep(self, text: str) -> None:
        self.set.append(text)
        for name, morsel in SimpleCookie(text).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value

    async def begin(self, path: str = "/api/auth/github") -> URL:
        """Begin to sign in; GitHub's page to which the browser is sent."""
        answer = await self.get(path)
        assert answer.status == 303, answer.raw
        return URL(answer.headers["Location"])

    async def agree(self, page: URL, login: str, button: str = "user") -> str:
        """Choose who one is on GitHub's page; the way back, as a path of Bellhop's."""
        assert str(page).startswith(self.stage.sim.url)
        async with self.session.get(page) as shown:
            text = await shown.text()
            assert shown.status == 200, text
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))
        form = {**fields, button: login}
        action = page.with_query({})
        async with self.session.post(action, data=form, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            location = URL(answer.headers["Location"])
        assert location.origin() == URL(self.stage.settings.public_url).origin()
        return location.raw_path_qs

    async def sign_in(self, login: str, path: str = "/api/auth/github") -> Reply:
        """All of it; what the way back answers."""
        back = await self.agree(await self.begin(path), login)
        return await self.get(back)

    @property
    def here(self) -> dict[str, str]:
        """What a script of our pages sends, once signed in."""
        return {"Sec-Fetch-Site": "same-origin", "Accept": "application/json"}

    async def sessions(self, login: str) -> tuple[Session, ...]:
        bot = self.stage.bot
        person = self.person(login)
        return await bot.store.people.sessions_of(person.id, self.stage.clock())

    def person(self, login: str) -> Person:
        return Person(self.stage.sim.user(login).id, login)

    async def with_token(self) -> dict[str, str]:
        """The headers of a script that knows the token of the page."""
        bot, https = self.stage.bot, self.stage.settings.public_url.startswith("https://")
        cookie = self.cookies[SECURE_COOKIE if https else PLAIN_COOKIE]
        session = await bot.store.people.session_of(digest(cookie), self.stage.clock())
        assert session is not None
        return self.here | {HEADER: form_token(self.stage.bot.vault, session)}


@asynccontextmanager
async def at_the_door(folder: Path, **settings: Any) -> AsyncGenerator[Visitor]:
    """A stage, and somebody who has not signed in."""
    async with (
        staged(folder, **settings) as stage,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield Visitor(stage, session)


def good_pairs(visitor: Visitor) -> int:
    """How many access tokens of people's open something at GitHub."""
    sim = visitor.stage.sim
    return sum(one.is_good(sim.now()) for one in sim.people.pairs)


def another(one: Visitor) -> Visitor:
    """Another browser."""
    return Visitor(one.stage, one.session)
