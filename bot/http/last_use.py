"""Writes down when keys and sessions were last used, without anybody waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cachetools import LRUCache

from storage import StorageFailed
from storage.keys import USED_EVERY
from storage.people import People

MOST = 10_000
"""Keys and sessions of which the last time is remembered; of others the database is asked."""


@dataclass(frozen=True, slots=True)
class LastUse:
    """Each key and session is noted once in a while: `USED_EVERY` says how often."""

    people: People
    _noted: LRUCache[str, datetime] = field(default_factory=lambda: LRUCache(MOST), init=False)
    _writing: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]], init=False)

    def of_key(self, key_id: str, before: datetime | None, now: datetime) -> None:
        """A key is used; `before` is what the database said of its last use."""
        if self._is_new(key_id, before, now):
            self._write(self.people.touch_key(key_id, now))

    def of_session(self, session_id: str, before: datetime, now: datetime) -> None:
        """A session is seen; `before` is what the database said of the last time."""
        if self._is_new(session_id, before, now):
            self._write(self.people.touch_session(session_id, now))

    def _is_new(self, one: str, before: datetime | None, now: datetime) -> bool:
        """Whether to write; requests at the same time are one use."""
        last = self._noted.get(one, before)
        if last is not None and now - last < USED_EVERY:
            return False
        self._noted[one] = now
        return True

    def _write(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_if_it_can_be(work))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)


async def _if_it_can_be(work: Coroutine[Any, Any, None]) -> None:
    # A database that fails here fails where somebody waits for it, too, and is told there.
    with suppress(StorageFailed):
        await work
