"""The numbers of events, which grow over the whole installation."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

UNUSED = 100_000
"""Numbers left out at a start: more than were ever given to what a loss of power took back."""


class Numbers:
    """Hands out numbers to the timeline and to the log lines, which lie in two files.

    A number that was drawn for a write that failed is never used: gaps are allowed. Each file has
    a writer of its own, so a higher number may be committed before a lower one: who reads events
    in their order reads up to `settled`, below which nothing comes any more.
    """

    def __init__(self, last: int = 0) -> None:
        self._last = last
        self._lock = threading.Lock()
        self._books: list[Book] = []
        self.on_settled: Callable[[], None] | None = None
        """Called on a writer's thread when a group that took numbers has ended."""

    def go_on_after(self, last: int) -> None:
        """Begin above the highest number that the files remember.

        The file of the log lines may forget its last moments when the machine loses power, and
        somebody may have seen the numbers in them: those are not given again.
        """
        self._last = last + UNUSED if last else 0

    def book(self) -> Book:
        """A book for one more writer."""
        book = Book(self)
        self._books.append(book)
        return book

    @property
    def settled(self) -> int:
        """Of this number and those below it, each is committed or will never be used."""
        with self._lock:
            opened = (book.first for book in self._books if book.first is not None)
            return min(opened, default=self._last + 1) - 1

    def take(self, book: Book, count: int) -> int:
        """The first of `count` numbers that nobody else gets; they are open in this book."""
        with self._lock:
            first = self._last + 1
            self._last += count
            if count and book.first is None:
                book.first = first
            return first

    def close(self, book: Book) -> None:
        """The numbers that were open in this book are settled."""
        with self._lock:
            book.first = None
        if self.on_settled is not None:
            self.on_settled()


class Book:
    """The numbers that one writer took for the group of writes that it is at."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self.first: int | None = None
        """The lowest of them."""

    def take(self, count: int = 1) -> int:
        """The first of `count` numbers that nobody else gets; only the writer's thread asks."""
        return self._numbers.take(self, count)

    def close(self) -> None:
        """The group was committed or rolled back; the writer says so before it wakes anybody."""
        if self.first is not None:
            self._numbers.close(self)


def highest(db: Database, table: str) -> int:
    """The highest number that a table with an AUTOINCREMENT key ever held; 0 where none was."""
    row = db.conn.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return 0 if row is None else int(row[0])
