"""Writes that nobody knows to have taken place: wait, and look, before they are repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bot.github.errors import GitHubError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.github.clock import Clock

T = TypeVar("T")

# What was written just before a connection broke may take this long to be listed, in seconds.
SETTLE = 2.0


async def left_by(
    unsure: Unavailable, look: Callable[[], Awaitable[T | None]], clock: Clock, settle: float
) -> T:
    """What a write has left that ended with an error.

    Args:
        unsure: How the write ended.
        look: Finds what was written; None: nothing was.
        clock: To wait by.
        settle: Seconds to wait before looking.

    Raises:
        Unavailable: `unsure` itself: nothing is there, or that cannot be seen.
    """
    if not unsure.maybe_done:
        raise unsure
    await clock.sleep(settle)
    try:
        found = await look()
    except GitHubError:
        raise unsure from None
    if found is None:
        raise unsure
    return found
