"""The numbers of events, which grow over the whole installation."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


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


def highest(db: Database, table: str) -> int:
    """The highest number that a table with an AUTOINCREMENT key ever held; 0 where none was."""
    row = db.conn.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return 0 if row is None else int(row[0])
