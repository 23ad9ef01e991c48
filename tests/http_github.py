"""People on a stage who have signed in with GitHub: their browsers, and their tokens there."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.github.oauth import Granted, OAuthClient
from bot.user_tokens import UserTokens
from simulator.backend import Record
from simulator.people import UserToken
from tests.http_pages import Browser, browser
from tests.http_tasks import Desk, desk


@dataclass
class Somebody:
    """Somebody with a browser, and the tokens that GitHub gave for them."""

    here: Desk
    login: str
    browser: Browser
    pair: UserToken

    async def ask(self, path: str) -> tuple[int, Any]:
        """Ask a route below `/api`, as a script of a page does."""
        answer = await self.browser.get(f"/api{path}", Accept="application/json")
        return answer.status, json.loads(answer.html)

    @property
    def asked(self) -> list[Record]:
        """What GitHub was asked with their token, in order."""
        name = f"person:{self.login}"
        return [one for one in self.here.stage.sim.requests if one.actor == name]

    def statuses(self, path: str) -> list[int]:
        """What GitHub answered them about one address, in order."""
        return [one.status for one in self.asked if one.path == path]


async def signed_in(here: Desk, login: str) -> Somebody:
    """Somebody signs in with GitHub."""
    seen, stage = await browser(here, login), here.stage  # a token without a session is swept up
    pair = stage.sim.people.give(stage.sim.user(login))
    bot = stage.bot
    client = OAuthClient(stage.settings.client_id, None)
    oauth = bot.github.oauth(client, stage.settings.github_url)
    tokens = UserTokens(bot.store.people, bot.vault, oauth, stage.clock)
    access = Granted(SecretStr(pair.access), pair.expires_at)
    await tokens.keep(here.person(login), access)
    return Somebody(here, login, seen, pair)


@asynccontextmanager
async def visited(folder: Path, **settings: Any) -> AsyncGenerator[tuple[Desk, Somebody]]:
    """A stage, and alice who has signed in with GitHub."""
    async with desk(folder, **settings) as (here, _):
        yield here, await signed_in(here, "alice")
