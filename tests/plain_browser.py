"""A browser without JavaScript: forms, cookies, and what a Content-Security-Policy lets it send."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import aiohttp
from yarl import URL


@dataclass
class Form:
    """A form with what its fields hold."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict[str, str])


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self._link: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "form":
                self.forms.append(Form(given.get("method", "get"), given.get("action", "")))
            case "input" if "name" in given and given.get("type") != "checkbox":
                self.forms[-1].fields[given["name"]] = given.get("value", "")
            case "select":
                self._select = given["name"]
            case "a":
                self._link = given.get("href", "")
            case _:
                pass

    def handle_data(self, data: str) -> None:
        if self._link is not None:
            self.links[data.strip()] = self._link
        if self._select is not None and data.strip():
            self.forms[-1].fields.setdefault(self._select, data.strip())

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._link = None
        if tag == "select":
            self._select = None


@dataclass(frozen=True)
class Page:
    """What is shown."""

    url: URL
    status: int
    headers: dict[str, str]
    text: str

    @property
    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.text)
        return reader

    @property
    def form(self) -> Form:
        """The only form."""
        (only,) = self._read.forms
        return only

    @property
    def links(self) -> dict[str, str]:
        """Where the links lead, by their text."""
        return self._read.links

    @property
    def _policy(self) -> dict[str, list[str]]:
        parts = [one.split() for one in self.headers["Content-Security-Policy"].split(";")]
        return {name: sources for name, *sources in parts}

    def may_send_to(self, url: URL) -> bool:
        """Whether the page's policy lets its forms go there."""
        here = str(self.url.origin())
        sources = [here if one == "'self'" else one for one in self._policy["form-action"]]
        return str(url.origin()) in sources


@dataclass
class Browser:
    """One person's; it follows redirects as Chromium does, and holds them to the policy, too."""

    session: aiohttp.ClientSession
    seen: list[str] = field(default_factory=list[str])
    """The text of every page it was shown."""

    async def open(self, url: str | URL, **headers: str) -> Page:
        """Type an address."""
        return await self._go("GET", URL(url), headers, None, None)

    async def follow(self, page: Page, link: str) -> Page:
        """Follow a link by its text."""
        return await self.open(page.url.join(URL(page.links[link])))

    async def send(self, page: Page, **fields: Any) -> Page:
        """Fill the page's form in and send it."""
        form = page.form
        target = page.url.join(URL(form.action)) if form.action else page.url
        same = target.origin() == page.url.origin()
        headers = {
            "Sec-Fetch-Site": "same-origin" if same else "cross-site",
            "Origin": str(page.url.origin()),
        }
        return await self._go("POST", target, headers, form.fields | fields, page)

    async def _go(
        self,
        method: str,
        url: URL,
        headers: dict[str, str],
        data: dict[str, Any] | None,
        sender: Page | None,
    ) -> Page:
        for _ in range(5):
            assert sender is None or sender.may_send_to(url), f"the policy forbids {url}"
            sent = aiohttp.FormData(data, quote_fields=False) if data is not None else None
            async with self.session.request(
                method, url, headers=headers, data=sent, allow_redirects=False
            ) as answer:
                text = await answer.text()
                if answer.status not in {302, 303}:
                    self.seen.append(text)
                    return Page(url, answer.status, dict(answer.headers), text)
                method, data, headers = "GET", None, {}
                url = url.join(URL(answer.headers["Location"], encoded=True))
        raise AssertionError("it redirects in a circle")


@contextlib.asynccontextmanager
async def browsing() -> AsyncGenerator[Browser]:
    """A browser with no past."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Browser(session)
