"""How fast we may write: a budget per installation, spent on what matters most.

GitHub lets an installation create about 80 things a minute and 500 an hour, people's own writing in
its web pages included ("Rate limits for the REST API", secondary limits). Here a write counts until
it is a minute, or an hour, old, so that no minute and no hour ever holds more.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from bot.github.errors import Limited

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.github.clock import Clock

MINUTE = 60.0
HOUR = 3600.0


class Priority(IntEnum):
    """What a write is for, the most important first."""

    FINAL = 0
    LAUNCH = 1
    ACKNOWLEDGEMENT = 2
    EDIT = 3


# The part of the budget that a kind of write may use up: the rest is kept for those before it, so
# that a thousand edits never hold up one final comment.
SHARES: Mapping[Priority, float] = MappingProxyType(
    {
        Priority.FINAL: 1.0,
        Priority.LAUNCH: 0.9,
        Priority.ACKNOWLEDGEMENT: 0.75,
        Priority.EDIT: 0.5,
    }
)
# GitHub advises a second between writes. That is time in which a person waits, and far below the
# limit in any case while the budget is full: only edits, for which nobody waits, keep to it.
SPACING: Mapping[Priority, float] = MappingProxyType({Priority.EDIT: 1.0})

EDIT_INTERVAL = 5.0
LONGEST_EDIT_INTERVAL = 120.0


@dataclass(frozen=True, slots=True)
class Spent:
    """How much of an installation's budget is used, and what waits; `resting` is in seconds."""

    minute: int
    hour: int
    waiting: int
    resting: float


@dataclass(slots=True, order=True)
class _Waiter:
    priority: Priority
    ticket: int
    first: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


@dataclass(slots=True)
class _Budget:
    """One installation's: when it wrote within the last hour, who waits, until when it rests."""

    writes: deque[float] = field(default_factory=deque[float])
    waiting: list[_Waiter] = field(default_factory=list[_Waiter])
    resting_until: float = float("-inf")


class Pace:
    """Decides when which write may go. Times are in seconds.

    What was written before this process started is not known; if it was much, GitHub says so, and
    `rest` obeys.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        per_minute: int = 80,
        per_hour: int = 500,
        spacing: Mapping[Priority, float] = SPACING,
    ) -> None:
        self._clock = clock
        self._windows = ((MINUTE, per_minute), (HOUR, per_hour))
        self._spacing = spacing
        self._budgets: dict[int, _Budget] = {}
        self._tickets = itertools.count()

    async def spend(self, installation_id: int, priority: Priority) -> None:
        """Take one write from the budget, waiting for it behind what is more important.

        Raises:
            Limited: GitHub told this installation to rest: nothing is to be sent now.
        """
        budget = self._budget(installation_id)
        me = _Waiter(priority, next(self._tickets))
        heapq.heappush(budget.waiting, me)
        try:
            while True:
                self.check(installation_id)
                if budget.waiting[0] is not me:
                    me.first.clear()
                    await me.first.wait()
                elif wait := self._wait(budget, priority):
                    await self._clock.sleep(wait)
                else:
                    break
            self._take(budget)
        finally:
            budget.waiting.remove(me)
            heapq.heapify(budget.waiting)
            if budget.waiting:
                budget.waiting[0].first.set()

    def try_spend(self, installation_id: int, priority: Priority) -> float:
        """Take one write if it may go at once.

        Returns:
            0 if it was taken, otherwise about how long to wait before trying again.
        """
        budget = self._budget(installation_id)
        wait = max(self.rest_left(installation_id), self._wait(budget, priority))
        if wait == 0 and budget.waiting:
            wait = MINUTE / self._windows[0][1]
        if wait == 0:
            self._take(budget)
        return wait

    def turn_in(self, installation_id: int, priority: Priority) -> float:
        """How long a write of this kind would wait for its turn, if it is the first in line."""
        return self._wait(self._budget(installation_id), priority)

    def nearly_empty(self, installation_id: int) -> bool:
        """Whether what remains is kept for launches and final comments."""
        return (
            self.rest_left(installation_id) > 0
            or self._room(self._budget(installation_id), Priority.ACKNOWLEDGEMENT) <= 0
        )

    def edit_interval(self, installation_id: int) -> float:
        """How far apart the edits of one comment should be: 5 s, more as the budget shrinks."""
        room = self._room(self._budget(installation_id), Priority.EDIT)
        wanted = EDIT_INTERVAL / room if room > 0 else LONGEST_EDIT_INTERVAL
        return max(min(wanted, LONGEST_EDIT_INTERVAL), self.rest_left(installation_id))

    def rest(self, installation_id: int, seconds: float) -> None:
        """GitHub told this installation to wait: let nothing go until then."""
        budget = self._budget(installation_id)
        budget.resting_until = max(budget.resting_until, self._clock.monotonic() + seconds)

    def rest_left(self, installation_id: int) -> float:
        """How long this installation still has to wait because GitHub said so; mostly 0."""
        budget = self._budgets.get(installation_id)
        return 0.0 if budget is None else max(0.0, budget.resting_until - self._clock.monotonic())

    def check(self, installation_id: int) -> None:
        """Raises: Limited: GitHub told this installation to rest."""
        if left := self.rest_left(installation_id):
            raise Limited(left)

    @property
    def allowed(self) -> tuple[int, int]:
        """How much an installation may write in a minute, and in an hour."""
        (_, minute), (_, hour) = self._windows
        return minute, hour

    def spent(self) -> dict[int, Spent]:
        """The state of every budget that was ever touched, by installation."""
        return {
            number: Spent(
                self._recent(budget, MINUTE),
                self._recent(budget, HOUR),
                len(budget.waiting),
                self.rest_left(number),
            )
            for number, budget in sorted(self._budgets.items())
        }

    def _budget(self, installation_id: int) -> _Budget:
        return self._budgets.setdefault(installation_id, _Budget())

    def _take(self, budget: _Budget) -> None:
        budget.writes.append(self._clock.monotonic())

    def _recent(self, budget: _Budget, window: float) -> int:
        """How many writes are younger than `window`."""
        now = self._clock.monotonic()
        while budget.writes and budget.writes[0] <= now - HOUR:
            budget.writes.popleft()
        young = itertools.takewhile(lambda at: at > now - window, reversed(budget.writes))
        return sum(1 for _ in young)

    def _room(self, budget: _Budget, priority: Priority) -> float:
        """The part of this priority's share that is left, 1 for all of it; never above 1."""
        return min(
            1 - self._recent(budget, window) / _allowed(limit, priority)
            for window, limit in self._windows
        )

    def _wait(self, budget: _Budget, priority: Priority) -> float:
        """How long until this write may go, if none goes before it; 0 for now."""
        if not budget.writes:
            return 0.0
        ready = budget.writes[-1] + self._spacing.get(priority, 0.0)
        for window, limit in self._windows:
            allowed = _allowed(limit, priority)
            if self._recent(budget, window) >= allowed:
                ready = max(ready, budget.writes[-allowed] + window)
        return max(0.0, ready - self._clock.monotonic())


def _allowed(limit: int, priority: Priority) -> int:
    return max(1, int(limit * SHARES[priority]))
