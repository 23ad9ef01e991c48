"""The read-only GitHub tokens of workers: on record before anybody has them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.github.app import AppTokens, WorkerToken
from bot.vault import Vault, WrongKey
from handlers.task import Task
from storage import Store

GOOD_FOR = timedelta(minutes=10)
"""A kept token that ends sooner than this is not handed out again."""


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """Mints, keeps, hands out."""

    store: Store
    tokens: AppTokens
    vault: Vault
    clock: Callable[[], datetime]

    async def current(self, task: Task) -> WorkerToken:
        """The token of the task's launch: the one that is kept, or a new one.

        Raises:
            GitHubError: none is kept that can be read, and none could be had.
        """
        for kept in await self.store.tokens(task.id, task.attempt, task.launch):
            mine = task.is_current(kept.attempt, kept.launch)
            if mine and kept.expires_at - self.clock() > GOOD_FOR:
                with suppress(WrongKey):  # another key is set since
                    return WorkerToken(self.vault.unseal(kept.secret), kept.expires_at)
        return await self._fresh(task)

    async def _fresh(self, task: Task) -> WorkerToken:
        """A new token, for this launch alone."""
        where = task.where
        minted = await self.tokens.mint_worker_token(where.installation_id, where.repository_id)
        sealed = self.vault.seal(minted.token)
        await self.store.keep_token(task, sealed, minted.expires_at, self.clock())
        return minted
