"""A Bellhop to look at with a browser, and who looks."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.http_tasks import Desk, desk, unlimited
from tests.pages.window import Window, Windows
from tests.signed_in import sign_in
from tests.story import Stage


@dataclass
class Place:
    """A stage, and browsers of those who play on it."""

    desk: Desk
    windows: Windows

    @property
    def url(self) -> str:
        """Where people reach Bellhop."""
        return self.desk.stage.settings.public_url

    async def window(self, login: str | None = None, **more: Any) -> Window:
        """A window of somebody's who has signed in, or of nobody's."""
        cookie = None if login is None else await self.cookie(login)
        return await self.windows.open(self.url, cookie=cookie, **more)

    async def signed_in(self, login: str, path: str = "/", **more: Any) -> Window:
        """A window of somebody who went the whole way by the offline GitHub's page."""
        window = await self.window(**more)
        await window.go(path)
        if "/sign-in" not in window.here:
            await window.page.get_by_role("link", name="Sign in").first.click()
        await window.page.get_by_role("link", name="Sign in with GitHub").click()
        await window.page.get_by_role("button", name=f"Continue as {login}").click()
        await window.page.wait_for_url(f"{self.url}/**")
        return window

    async def cookie(self, login: str) -> str:
        """The cookie of somebody who has signed in."""
        stage = self.desk.stage
        sent = await sign_in(stage.bot.store, self.desk.person(login), stage.clock)
        return sent["Cookie"]


@contextlib.asynccontextmanager
async def place(
    folder: Path,
    windows: Windows,
    prepare: Callable[[Stage], None] = lambda _: None,
    **settings: Any,
) -> AsyncGenerator[Place]:
    """A stage where people may look as often as they like."""

    def prepared(stage: Stage) -> None:
        unlimited(stage)
        prepare(stage)

    async with desk(folder, prepare=prepared, **settings) as (made, _):
        try:
            yield Place(made, windows)
        finally:
            await windows.close()  # first: a page that follows what happens misses Bellhop at once
