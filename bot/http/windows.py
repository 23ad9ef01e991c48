"""How many there were of each within the last minute, in memory that has an end."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TTLCache

WINDOW = 60
"""Seconds that are looked back."""
MOST = 50_000
"""Of how many it is known at a time; beyond that, those that were heard of last the longest ago
begin anew."""
NETWORK = 64
"""Bits of an IPv6 address that whoever has one has all addresses of."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Whether one more was within the limit, how many are left, and in how many seconds one is."""

    allowed: bool
    left: int
    reset: int


class Windows:
    """Exact moving windows; one of which nothing was heard for a minute takes no memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock = clock
        self._times = TTLCache[str, deque[float]](most, ttl=WINDOW, timer=clock)

    def hit(self, who: str, limit: int) -> Hit:
        """Count one more, unless there were as many as may be."""
        now = self._clock()
        times = self._times.get(who) or deque[float]()
        while times and times[0] <= now - WINDOW:
            times.popleft()
        allowed = len(times) < limit
        if allowed:
            times.append(now)
            self._times[who] = times  # which is forgotten a minute from now
        oldest = times[0] if times else now
        return Hit(allowed, max(0, limit - len(times)), max(1, math.ceil(oldest + WINDOW - now)))

    def __len__(self) -> int:
        """Of how many something is known."""
        return len(self._times)


def home_of(address: str) -> str:
    """What counts as one place: an IPv4 address, or the network of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, NETWORK), strict=False))
