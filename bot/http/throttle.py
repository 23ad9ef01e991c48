"""How often one worker may call: an agent that holds its token could call without end."""

from __future__ import annotations

from cachetools import TTLCache

from bot.http.problems import Problem
from bot.runners.base import WorkerKey

A_MINUTE = 120
"""Calls of one launch in a minute; the reference worker makes about one a second at most."""
MOST_LAUNCHES = 10_000


class Throttle:
    """Counts the calls of each launch, minute by minute."""

    def __init__(self) -> None:
        self._calls = TTLCache[WorkerKey, list[int]](MOST_LAUNCHES, ttl=60)

    def count(self, key: WorkerKey) -> None:
        """Count one call.

        Raises:
            Problem: 429, there were too many.
        """
        calls = self._calls.setdefault(key, [0])
        calls[0] += 1
        if calls[0] > A_MINUTE:
            raise Problem(
                429,
                f"A worker may call {A_MINUTE} times a minute. Send more at a time, less often.",
                code="too_many",
                headers={"Retry-After": "10"},
            )
