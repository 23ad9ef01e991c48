"""Trying again, for what can be repeated without harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bot.github.errors import Limited, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.github.clock import Clock

T = TypeVar("T")

PAUSES = (0.2, 0.8, 2.0)
# Someone waits for the answer: rather fail and let the caller come back than hold on for longer.
PATIENCE = 5.0


async def patiently(clock: Clock, operation: Callable[[], Awaitable[T]]) -> T:
    """Do `operation`, again after a failure that may pass, for about five seconds in all.

    Raises:
        GitHubError: The last failure; a rate limit that lasts longer than that at once.
    """
    start = clock.monotonic()
    for pause in PAUSES:
        try:
            return await operation()
        except (Unavailable, Limited) as error:
            wait = pause if error.retry_after is None else error.retry_after
            if clock.monotonic() - start + wait > PATIENCE:
                raise
            await clock.sleep(wait)
    return await operation()
