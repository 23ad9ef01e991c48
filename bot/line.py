"""Who is next: what waits in the inbox, in lanes that overtake each other but never themselves."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Line:
    """The numbers of the open deliveries, in memory; lanes take turns, the longest ready first.

    A lane is at any time one of three: ready, taken, or put off until a time. So thousands of
    deliveries of one issue hold up no other issue, and none is looked at before its turn.
    """

    seen: int = 0
    """The highest number that was added; 0 where nothing waits."""
    _lanes: dict[Hashable, deque[int]] = field(
        default_factory=dict[Hashable, deque[int]], init=False
    )
    _ready: deque[Hashable] = field(default_factory=deque[Hashable], init=False)
    _put_off: list[tuple[datetime, int, Hashable]] = field(
        default_factory=list[tuple[datetime, int, Hashable]], init=False
    )

    def add(self, number: int, lane: Hashable) -> None:
        """A delivery comes; its number is higher than all before it."""
        self.seen = number
        if lane not in self._lanes:
            self._lanes[lane] = deque()
            self._ready.append(lane)
        self._lanes[lane].append(number)

    def take(self, now: datetime) -> tuple[Hashable, int] | None:
        """The lane whose turn it is and the oldest delivery in it; None where all have to wait."""
        while self._put_off and self._put_off[0][0] <= now:
            self._ready.append(heapq.heappop(self._put_off)[2])
        if not self._ready:
            return None
        lane = self._ready.popleft()
        return lane, self._lanes[lane][0]

    def done(self, lane: Hashable) -> None:
        """The delivery that was taken from a lane is dealt with."""
        waiting = self._lanes[lane]
        waiting.popleft()
        if waiting:
            self._ready.append(lane)
        else:
            del self._lanes[lane]
        if not self._lanes:
            self.seen = 0  # once all are dealt with and forgotten, numbers are given anew

    def put_off(self, lane: Hashable, until: datetime) -> None:
        """The delivery that was taken from a lane is tried again then, and before its followers."""
        # The number decides between equal times: lanes themselves have no order.
        heapq.heappush(self._put_off, (until, self._lanes[lane][0], lane))

    def next_due(self, now: datetime) -> datetime | None:
        """When the next lane is ready again, of those that were not yet at that time."""
        return min((until for until, _, _ in self._put_off if until > now), default=None)
