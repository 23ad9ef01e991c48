"""Who Bellhop is on GitHub: asked once, then remembered, so that a start needs no GitHub."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from pydantic import TypeAdapter

from bot.github.client import GitHub
from bot.github.errors import GitHubError
from storage import StorageFailed, Store

_log = structlog.stdlib.get_logger(__name__)

USER_AGENT = "bellhop"
"""How Bellhop calls itself to GitHub before it knows its App."""
PATIENCE = 6.0
"""Seconds that a start waits for GitHub to say which App this is."""

_KEY = "identity"


@dataclass(frozen=True, slots=True)
class Identity:
    """The App, and the account in whose name it writes."""

    app_id: int
    slug: str
    bot_id: int

    @property
    def commit_author(self) -> tuple[str, str]:
        """Name and address by which GitHub shows a commit as the App's."""
        name = f"{self.slug}[bot]"
        return name, f"{self.bot_id}+{name}@users.noreply.github.com"


_IDENTITY = TypeAdapter(Identity)


async def recall(store: Store, app_id: int) -> Identity | None:
    """What was remembered, unless it is of another App."""
    text = await store.recall(_KEY)
    known = _IDENTITY.validate_json(text) if text else None
    return known if known and known.app_id == app_id else None


async def learn(github: GitHub, store: Store) -> Identity:
    """Ask GitHub, and remember.

    Raises:
        GitHubError: GitHub did not say.
    """
    app = await github.app()
    account = await github.bot_user(app.slug)
    identity = Identity(app.id, app.slug, account.id)
    await store.remember(_KEY, _IDENTITY.dump_json(identity).decode())
    return identity


async def insist(github: GitHub, store: Store, backoff: Callable[[int], float]) -> Identity:
    """Ask until GitHub says; `backoff` tells how many seconds lie between two tries."""
    tries = 0
    while True:
        try:
            return await learn(github, store)
        except (GitHubError, StorageFailed) as error:
            tries += 1
            _log.warning("GitHub does not say which App this is", problem=str(error))
            await asyncio.sleep(backoff(tries))
