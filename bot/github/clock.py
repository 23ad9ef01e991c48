"""Time as this package uses it, so that tests need not wait."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where times come from. All are in seconds."""

    def time(self) -> float:
        """The time of day, since the epoch."""
        ...

    def monotonic(self) -> float:
        """A time that never goes back, since an unknown start."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...


class SystemClock:
    """The machine's own clock."""

    def time(self) -> float:
        """The time of day, in seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since an unknown start."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)
