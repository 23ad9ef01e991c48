"""A Bellhop to look at with a browser, and who looks."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.http_tasks import Desk, desk, unlimited
from tests.pages.window import Window, Windows
from tests.signed_in import sign_in


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

    async def cookie(self, login: str) -> str:
        """The cookie of somebody who has signed in."""
        stage = self.desk.stage
        sent = await sign_in(stage.bot.store, self.desk.person(login), stage.clock)
        return sent["Cookie"]


@contextlib.asynccontextmanager
async def place(folder: Path, windows: Windows, **settings: Any) -> AsyncGenerator[Place]:
    """A stage where people may look as often as they like."""
    async with desk(folder, prepare=unlimited, **settings) as (made, _):
        yield Place(made, windows)
