"""Moving pages from the write-ahead log into the database, off the path of any commit.

The writer never checkpoints. A thread with a connection of its own does: a PASSIVE checkpoint
blocks nobody, and once the log has grown large, a RESTART one, whose pages a PASSIVE one has just
moved, lets the writer begin the log anew. The file keeps its length: writing over what is there
costs a sync far less than making a file longer, which the file system notes in its own journal. See
https://sqlite.org/pragma.html#pragma_wal_checkpoint.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

PERIOD = 1.0
"""Seconds between two checkpoints."""

LARGE = 2_048
"""Pages (16 MiB) from which the log is begun anew even under unbroken load."""


class Checkpointer:
    """The thread that keeps the write-ahead log of one database short."""

    def __init__(self, path: Path, *, period: float = PERIOD, large: int = LARGE) -> None:
        self._path = path
        self._period = period
        self._large = large
        self._stop = Event()
        self._thread = Thread(target=self._run, name="bellhop-checkpoints", daemon=True)

    def start(self) -> None:
        """Begin; the database exists already."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the checkpoint that may be under way."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        # No time-out: a RESTART that would have to wait for a reader gives up at once, because it
        # would keep the writer waiting meanwhile.
        with closing(sqlite3.connect(self._path, timeout=0, isolation_level=None)) as connection:
            while not self._stop.wait(self._period):
                # A disk that fails here fails at the next commit too, and there somebody is told.
                with suppress(sqlite3.Error):
                    checkpoint(connection, self._large)


def checkpoint(connection: sqlite3.Connection, large: int) -> None:
    """Move what can be moved without blocking anybody; begin a log of `large` pages anew."""
    _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if pages > large:
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()


def empty_log(db: Database) -> None:
    """Move everything and cut the log to nothing, for a clean end.

    Where another process still uses the database it is left to that one: whoever waits here for
    its readers keeps its writer waiting.
    """
    with suppress(sqlite3.Error):
        db.conn.execute("PRAGMA busy_timeout = 0").fetchone()
        db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
