"""The keys of providers that an attempt's agent works with, and their way out of what it says."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import structlog
from cachetools import LRUCache

from bot.providers import PROVIDERS, provider_of
from bot.redact import MASK, redact
from bot.runners.base import WorkerKey
from bot.vault import Vault, WrongKey
from handlers.preferences import Keeper, keepers
from handlers.task import Task
from storage import Store
from storage.provider_secrets import KeptSecret

_log = structlog.stdlib.get_logger(__name__)

AT_WORK = 1_000
"""Attempts whose keys are remembered, so that a report of a worker needs no look-up."""

Scrub = Callable[[str], str]


@dataclass(slots=True)
class AgentKeys:
    """Hands keys to workers. What it hands out is looked for in all that they report."""

    store: Store
    vault: Vault
    _handed: LRUCache[WorkerKey, frozenset[str]] = field(
        default_factory=lambda: LRUCache[WorkerKey, frozenset[str]](AT_WORK), init=False
    )

    async def variables(self, task: Task) -> dict[str, str]:
        """The environment variables of a task's agent: keys of the requester's or installation's.

        One that cannot be read any more is left out, and the log tells.
        """
        found = await self._keys(task)
        variables = {
            variable: key for name, key in found.items() for variable in PROVIDERS[name].variables
        }
        launch = WorkerKey(task.id, task.attempt, task.launch)
        self._handed[launch] = self._handed.get(launch, frozenset()) | set(found.values())
        return variables

    async def scrub(self, launch: WorkerKey) -> Scrub:
        """What takes the keys that a worker may have, and whatever looks like one, out of texts."""
        keys = self._handed.get(launch)
        if keys is None:
            task = await self.store.task(launch.task_id)
            keys = frozenset[str]()
            if task is not None and task.is_current(launch.attempt, launch.launch):
                keys = frozenset((await self._keys(task)).values())
            # Some may have been handed out while these were read; they are others if somebody
            # replaced one at that moment.
            keys = self._handed[launch] = self._handed.get(launch, frozenset()) | keys
        return lambda text: redact(_without(text, keys))

    async def _keys(self, task: Task) -> dict[str, str]:
        """The keys by provider."""
        kept = await self.store.scopes.secrets_for(task.requester.id, task.where.installation_id)
        own, shared = PROVIDERS.keys() & kept.own.keys(), PROVIDERS.keys() & kept.shared.keys()
        found: dict[str, str] = {}
        for name, keeper in keepers(provider_of(task.wish.model), own, shared).items():
            secrets = kept.own if keeper is Keeper.REQUESTER else kept.shared
            key = self._opened(task, name, secrets[name])
            if key is not None:
                found[name] = key
        return found

    def _opened(self, task: Task, name: str, secret: KeptSecret) -> str | None:
        try:
            return self.vault.unseal(secret.secret)
        except WrongKey as error:
            _log.error("a key is left out", task=task.id, provider=name, problem=str(error))
            return None


def _without(text: str, keys: Collection[str]) -> str:
    for key in sorted(keys, key=len, reverse=True):
        text = text.replace(key, MASK)
    return text
