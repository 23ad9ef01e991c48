"""Faults on demand: wrong statuses, rate limits, slowness and cut connections."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["status", "rate_limited", "slow", "cut_before", "cut_after"]


@dataclass(slots=True, kw_only=True)
class Fault:
    """What goes wrong with the next requests that match.

    Attributes:
        method: an HTTP method, or `*` for any.
        path: a regular expression that matches from the start of the path below the API base, or
            of a git path (`/owner/name.git/…`), without or with the query.
        kind: `status` answers `status` without doing anything; `rate_limited` answers 403 or 429 as
            GitHub does, with `retry-after` if `retry_after` is given, otherwise with nothing
            remaining until `reset_after` seconds from now; `slow` waits before doing what was
            asked; `cut_before` closes the connection without doing it, `cut_after` after it.
        times: how many requests it strikes, None for all.
    """

    method: str = "*"
    path: str = "/"
    kind: Kind = "status"
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str | None = None
    times: int | None = 1
    seconds: float = 1.0
    retry_after: int | None = None
    reset_after: int = 60

    def __post_init__(self) -> None:
        """Refuse a pattern that is no regular expression here, not at some later request.

        Raises:
            ValueError: it is none.
        """
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"path {self.path!r} is no regular expression: {error}") from None

    def strikes(self, method: str, path: str) -> bool:
        """Tell whether a request is meant."""
        return self.method in ("*", method) and re.match(self.path, path) is not None


class Faults:
    """The faults that are set; the first that matches strikes."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._released = asyncio.Event()
        self._held = asyncio.Event()
        self._waiting = 0

    def add(self, fault: Fault) -> None:
        """Set a fault."""
        self._faults.append(fault)

    @property
    def left(self) -> tuple[Fault, ...]:
        """The faults that have not struck as often as they are meant to."""
        return tuple(self._faults)

    def clear(self) -> None:
        """Let everything work again, and whoever waits go on."""
        self._faults.clear()
        self.release()

    async def held(self) -> None:
        """Wait until a `slow` fault holds a request."""
        await self._held.wait()

    def release(self) -> None:
        """Let the requests go on that a `slow` fault holds now."""
        self._released.set()
        self._released = asyncio.Event()

    def take(self, method: str, path: str) -> Fault | None:
        """Find the fault that strikes a request, and count it."""
        for fault in self._faults:
            if fault.strikes(method, path):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                return fault
        return None

    async def hold(self, seconds: float) -> None:
        """Wait for some seconds, or until released."""
        self._waiting += 1
        self._held.set()
        try:
            async with asyncio.timeout(seconds):
                await self._released.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting -= 1
            if self._waiting == 0:
                self._held.clear()
