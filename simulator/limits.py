"""The primary rate limit: so many requests in an hour for each caller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from simulator.auth import Actor

# docs.github.com: rest/using-the-rest-api/rate-limits-for-the-rest-api
PER_HOUR = {"anonymous": 60, "app": 5000, "client": 5000, "installation": 5000, "person": 5000}
WINDOW = timedelta(hours=1)


@dataclass(slots=True)
class Window:
    """What a caller has used of its hour; set `used` to bring it near its limit."""

    limit: int
    reset_at: datetime
    used: int = 0

    @property
    def remaining(self) -> int:
        """How many requests are left."""
        return max(0, self.limit - self.used)

    @property
    def numbers(self) -> dict[str, int]:
        """The numbers as `GET /rate_limit` shows them."""
        return {
            "limit": self.limit,
            "remaining": self.remaining,
            "reset": int(self.reset_at.timestamp()),
            "used": self.used,
        }

    @property
    def headers(self) -> dict[str, str]:
        """The numbers as headers of an answer."""
        named = {f"x-ratelimit-{name}": str(number) for name, number in self.numbers.items()}
        return {**named, "x-ratelimit-resource": "core"}


class Limits:
    """The windows of all callers, by the actor's name: `installation:7`, `app`, `anonymous`."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._windows: dict[str, Window] = {}

    def window(self, actor: Actor) -> Window:
        """Return a caller's present window, a fresh one when its hour is over."""
        found = self._windows.get(str(actor))
        if found is None or found.reset_at <= self._now():
            found = Window(PER_HOUR[actor.kind], self._now() + WINDOW)
            self._windows[str(actor)] = found
        return found
