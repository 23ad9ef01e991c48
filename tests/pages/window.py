"""A window of the browser: what tests look at pages through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    ViewportSize,
)

Scheme = Literal["light", "dark"]

WIDE = 1280
NARROW = 360
HEIGHT = 800
PATIENCE = 10_000
"""Milliseconds after which what a page was to show has not come."""
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LOOKS = tuple(product((NARROW, WIDE), SCHEMES))
SERIOUS = frozenset({"serious", "critical"})

_FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
_HERE_SEEN = """
[...document.querySelectorAll("nav [aria-current]")].every((tab) => {
  const [one, all] = [tab, tab.closest("nav")].map((element) => element.getBoundingClientRect());
  return one.left >= all.left - 1 && one.right <= all.right + 1;
})
"""
_LOOK = """
() => axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.flatMap(
  rule => rule.nodes.map(node => [rule.impact, rule.id, node.target.join(' '),
                                  node.failureSummary])))
"""


@dataclass
class Window:
    """A page, at an address of Bellhop's."""

    page: Page
    base: str
    axe: str
    screenshots: Path

    async def go(self, path: str) -> int:
        """Go to a page of Bellhop's, as by the address bar; the status of the answer."""
        answer = await self.page.goto(f"{self.base}{path}")
        assert answer is not None
        return answer.status

    @property
    def here(self) -> str:
        """The path and the query of where this is."""
        return self.page.url.removeprefix(self.base)

    async def text(self) -> str:
        """All that is seen."""
        return await self.page.inner_text("body")

    async def shot(self, name: str, *, whole: bool = False) -> None:
        """Keep a picture of it."""
        await self.page.screenshot(path=self.screenshots / f"{name}.png", full_page=whole)

    async def fits(self) -> bool:
        """Whether nothing has to be scrolled to the side."""
        return bool(await self.page.evaluate(_FITS))

    async def barriers(self) -> list[Sequence[str]]:
        """What keeps people out, as far as axe-core sees: impact, rule, place, what to do."""
        await self.page.evaluate(self.axe)
        found: list[Sequence[str]] = await self.page.evaluate(_LOOK)
        return [one for one in found if one[0] in SERIOUS]

    async def wrong(self, name: str) -> list[object]:
        """What is wrong with the page as it looks now; its picture is kept."""
        await self.shot(name, whole=True)
        found: list[object] = list(await self.barriers())
        if not await self.fits():
            found.append("it has to be scrolled to the side")
        if not await self.page.evaluate(_HERE_SEEN):
            found.append("where one is, is out of sight in the navigation")
        return found

    async def wrong_in_any_look(self, name: str) -> dict[str, object]:
        """The same for each look of the page, which is not loaded anew for it."""
        found: dict[str, object] = {}
        for width, scheme in LOOKS:
            await self.page.set_viewport_size(ViewportSize(width=width, height=HEIGHT))
            await self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            if wrong := await self.wrong(f"{name}-{width}-{scheme}"):
                found[f"{name}-{width}-{scheme}"] = wrong
        return found


@dataclass
class Windows:
    """Opens windows in profiles of their own, and hears what they complain of."""

    browser: Browser
    axe: str
    screenshots: Path
    complaints: list[str] = field(default_factory=list[str])
    expected: list[str] = field(default_factory=list[str])
    """Parts of complaints that a test provokes."""
    _contexts: list[BrowserContext] = field(default_factory=list[BrowserContext])

    async def open(
        self,
        base: str,
        *,
        cookie: str | None = None,
        width: int = WIDE,
        scheme: Scheme = "light",
        **more: Any,
    ) -> Window:
        """A window; `cookie` is `name=value` of somebody who has signed in."""
        context = await self.browser.new_context(
            viewport=ViewportSize(width=width, height=HEIGHT), color_scheme=scheme, **more
        )
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE)
        if cookie is not None:
            name, _, value = cookie.partition("=")
            await context.add_cookies([{"name": name, "value": value, "url": base}])
        page = await context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", self._hear_error)
        return Window(page, base, self.axe, self.screenshots)

    async def close(self) -> None:
        """Close all: pages first, or one that is still asking might ask without its cookies."""
        while self._contexts:
            context = self._contexts.pop()
            for page in context.pages:
                await page.close()
            await context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._note(f"{message.text} ({message.location['url']})")

    def _hear_error(self, error: Error) -> None:
        self._note(str(error))

    def _note(self, text: str) -> None:
        if not any(part in text for part in self.expected):
            self.complaints.append(text)
