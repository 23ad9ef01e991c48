"""Log lines of workers, in a database file of their own: many, short-lived, capped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from storage.numbers import highest
from storage.times import from_text, to_text

if TYPE_CHECKING:
    from storage.numbers import Book
    from storage.sqlite import Engine

T = TypeVar("T")

MOST_LINES = 50_000
MOST_BYTES = 10_000_000
"""A task's log is cut after so many lines or UTF-8 bytes, with a note."""
AT_ONCE = 500
"""Lines forgotten in one transaction, so that workers' lines do not wait for it."""

migrations = Migrations("bellhop-logs")


@migrations()
def lines(db: Database) -> None:
    """The lines, and how much each task has."""
    db.executescript(
        """
        CREATE TABLE lines (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            at TEXT NOT NULL,
            type TEXT NOT NULL,
            message TEXT NOT NULL
        ) STRICT;
        CREATE INDEX lines_of_task ON lines (task_id, id);
        CREATE INDEX lines_old ON lines (at);
        CREATE TABLE sizes (
            task_id TEXT PRIMARY KEY,
            lines INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            cut INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID;
        """
    )


@migrations()
def reports(db: Database) -> None:
    """The last report of each worker of which the lines are there."""
    db.executescript(
        """
        CREATE TABLE reports (
            task_id TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            instance TEXT NOT NULL,
            last INTEGER NOT NULL,
            PRIMARY KEY (task_id, attempt, instance)
        ) STRICT, WITHOUT ROWID;
        """
    )


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a worker's log."""

    type: str
    message: str
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """Which report brings some lines: a worker numbers its own, from 1."""

    instance: str
    number: int


class Logs:
    """The log lines of all tasks."""

    def __init__(self, engine: Engine, numbers: Book) -> None:
        self._engine = engine
        self._numbers = numbers

    async def append(
        self, task_id: str, attempt: int, said: Sequence[LogLine], report: Report | None = None
    ) -> None:
        """Add lines; beyond the task's share they are dropped, and a note says so once.

        The lines of a report that came before, of which the worker did not hear so, are there.
        """

        def work(db: Database) -> None:
            if report is None or _is_news(db, task_id, attempt, report):
                self._append(db, task_id, attempt, said)

        if said:
            await self._engine.write(work)

    async def of_task(
        self, task_id: str, after: int = 0, limit: int = 1000
    ) -> tuple[tuple[int, LogLine], ...]:
        """The lines of a task with a number above `after`, oldest first."""
        return await self._engine.read(lambda db: _read(db, task_id, after, limit))

    async def newest_of_task(self, task_id: str, limit: int) -> tuple[tuple[int, LogLine], ...]:
        """The last lines of a task, oldest first."""
        return await self._engine.read(lambda db: _newest(db, task_id, limit))

    async def read(self, work: Callable[[Database], T]) -> T:
        """Look at the lines in a way of one's own."""
        return await self._engine.read(work)

    async def delete(self, task_id: str) -> None:
        """Remove the lines of a task."""
        await self._engine.write(lambda db: _delete(db, task_id))

    async def forget(self, now: datetime, keep: timedelta) -> None:
        """Remove the lines that are older than they are kept."""
        while await self._engine.write(lambda db: _forget(db, to_text(now - keep))):
            pass

    async def close(self) -> None:
        """Close the file."""
        await self._engine.close()

    def _append(self, db: Database, task_id: str, attempt: int, said: Sequence[LogLine]) -> None:
        row = db.conn.execute(
            "SELECT lines, bytes, cut FROM sizes WHERE task_id = ?", (task_id,)
        ).fetchone()
        count, size, cut = row or (0, 0, 0)
        if cut:
            return
        kept = _that_fit(said, MOST_LINES - count, MOST_BYTES - size)
        full = len(kept) < len(said)
        if full:
            note = f"The log is full ({MOST_LINES} lines or {MOST_BYTES // 10**6} MB): cut here."
            kept.append(LogLine("warning", note, said[-1].timestamp))
        _insert(db, self._numbers.take(len(kept)), task_id, attempt, kept)
        added = sum(len(line.message.encode()) for line in kept)
        db.conn.execute(
            "INSERT OR REPLACE INTO sizes (task_id, lines, bytes, cut) VALUES (?, ?, ?, ?)",
            (task_id, count + len(kept), size + added, int(full)),
        )


def _that_fit(said: Sequence[LogLine], lines: int, size: int) -> list[LogLine]:
    """The first of the lines, as many as there is room for."""
    ends = accumulate(len(line.message.encode()) for line in said)
    return [line for line, end in zip(said[:lines], ends, strict=False) if end <= size]


def _delete(db: Database, task_id: str) -> None:
    for table in ("lines", "sizes", "reports"):
        db.conn.execute(f"DELETE FROM {table} WHERE task_id = ?", (task_id,))  # noqa: S608 - our own names


def _is_news(db: Database, task_id: str, attempt: int, report: Report) -> bool:
    """Whether the worker's last report that is known is an earlier one; then this is the last."""
    return bool(
        db.conn.execute(
            "INSERT INTO reports (task_id, attempt, instance, last) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET last = excluded.last WHERE last < excluded.last",
            (task_id, attempt, report.instance, report.number),
        ).rowcount
    )


def last_number(db: Database) -> int:
    """The highest number that a log line has or had."""
    return highest(db, "lines")


def _insert(db: Database, first: int, task_id: str, attempt: int, kept: Sequence[LogLine]) -> None:
    db.conn.executemany(
        "INSERT INTO lines (id, task_id, attempt, at, type, message) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (first + place, task_id, attempt, to_text(line.timestamp), line.type, line.message)
            for place, line in enumerate(kept)
        ],
    )


def _read(db: Database, task_id: str, after: int, limit: int) -> tuple[tuple[int, LogLine], ...]:
    rows = db.conn.execute(
        "SELECT id, type, message, at FROM lines WHERE task_id = ? AND id > ? ORDER BY id LIMIT ?",
        (task_id, after, limit),
    )
    return _numbered(rows)


def _newest(db: Database, task_id: str, limit: int) -> tuple[tuple[int, LogLine], ...]:
    rows = db.conn.execute(
        "SELECT id, type, message, at FROM lines WHERE task_id = ? ORDER BY id DESC LIMIT ?",
        (task_id, limit),
    )
    return _numbered(reversed(rows.fetchall()))


def _numbered(rows: Iterable[tuple[int, str, str, str]]) -> tuple[tuple[int, LogLine], ...]:
    return tuple(
        (number, LogLine(kind, message, from_text(at))) for number, kind, message, at in rows
    )


def _forget(db: Database, before: str) -> bool:
    """Remove a portion of the old lines; whether there was any."""
    gone = db.conn.execute(
        "DELETE FROM lines WHERE id IN (SELECT id FROM lines WHERE at < ? ORDER BY at LIMIT ?) "
        "RETURNING task_id",
        (before, AT_ONCE),
    ).fetchall()
    for table in ("sizes", "reports"):
        db.conn.executemany(
            f"DELETE FROM {table} WHERE task_id = ?1 "  # noqa: S608 - our own names
            "AND NOT EXISTS (SELECT 1 FROM lines WHERE task_id = ?1)",
            set(gone),
        )
    return bool(gone)
