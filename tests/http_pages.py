"""A browser without scripts on a stage: who it is signed in as, and what it is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from tests.http_tasks import Desk
from tests.signed_in import sign_in

HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
TOKEN = re.compile(r'name="form_token" value="([0-9a-f]+)"')


@dataclass(frozen=True)
class Shown:
    """A page, or where it leads to."""

    status: int
    html: str
    headers: Mapping[str, str]

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def text(self) -> str:
        """What can be read of it."""
        without = re.sub(r"<(script|style|head)\b.*?</\1>", " ", self.html, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", without)).split())

    @property
    def token(self) -> str:
        found = TOKEN.search(self.html)
        assert found, "a page with a form"
        return found[1]


@dataclass
class Browser:
    """Somebody's browser; `cookie` is empty for one that is not signed in."""

    url: str
    session: aiohttp.ClientSession
    cookie: str = ""
    sent: dict[str, str] = field(default_factory=lambda: {"Accept": HTML})

    async def get(self, path: str, **headers: str) -> Shown:
        """Look at a page."""
        return await self._ask("GET", path, headers)

    async def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Shown:
        """Send a form as a browser does from a page of the same site."""
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": self.url,
            "Sec-Fetch-Site": "same-origin",
            **headers,
        }
        return await self._ask("POST", path, sent, urlencode(fields).encode())

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Shown:
        sent = {**self.sent, **headers}
        if self.cookie:
            sent["Cookie"] = self.cookie
        async with self.session.request(
            method,
            URL(f"{self.url}{path}", encoded=True),
            headers=sent,
            data=body,
            allow_redirects=False,
        ) as answer:
            text = (await answer.read()).decode()
            return Shown(answer.status, text, answer.headers)


async def browser(desk: Desk, login: str | None = None) -> Browser:
    """A browser that somebody has signed in with, or nobody."""
    url = desk.stage.settings.public_url
    if login is None:
        return Browser(url, desk.session)
    sent = await sign_in(desk.stage.bot.store, desk.person(login), desk.stage.clock)
    return Browser(url, desk.session, sent["Cookie"])
