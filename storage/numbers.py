"""The numbers of events, which grow over the whole installation."""

from __future__ import annotations

import threading


class Numbers:
    """Hands out numbers to the timeline and to the log lines, which lie in two files.

    A number that was drawn for a write that failed is never used: gaps are allowed.
    """

    def __init__(self, last: int) -> None:
        self._last = last
        self._lock = threading.Lock()

    def take(self, count: int = 1) -> int:
        """The first of `count` numbers that nobody else gets."""
        with self._lock:
            first = self._last + 1
            self._last += count
            return first
