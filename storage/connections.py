"""SQLite connections as the engine wants them, and which of their errors mean broken storage."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Literal

from sqlite_utils import Database

if TYPE_CHECKING:
    from pathlib import Path

Synchronous = Literal["FULL", "NORMAL"]

BUSY_TIMEOUT = 5.0
"""Seconds that a statement waits for another process (a backup, `sqlite3`) to let go."""

_BROKEN = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)


class StorageFailed(Exception):  # noqa: N818 - errors here are named as what happened
    """The database could not do its work; nothing of what was asked is stored."""


def storage_failure(error: BaseException) -> StorageFailed | None:
    """Tell a broken disk, file or lock from a mistake of one caller.

    The primary result code is the low byte of the extended one, see https://sqlite.org/rescode.html.
    """
    if isinstance(error, StorageFailed):
        return error
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int) and code & 0xFF in _BROKEN:
        failure = StorageFailed(f"The database failed: {error}.")
        failure.__cause__ = error
        return failure
    return None


_PAGE = 8192
"""Bytes of a page: most deliveries fit into two, and each page costs two writes to the log."""


def open_writer(path: Path, synchronous: Synchronous) -> Database:
    """Open the writing connection; transactions begin and end only where the engine says so.

    Raises:
        sqlite3.Error: It cannot be opened or is no database.
    """
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)
    try:
        # Of use only before the first table is made.
        connection.execute(f"PRAGMA page_size = {_PAGE}")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA foreign_keys = ON")
    # What may have to be taken back of a statement or a savepoint would be kept in a file of its
    # own beyond eight pages, which costs more than the statement does: see "Statement Journal
    # Files" in https://sqlite.org/tempfiles.html.
    connection.execute("PRAGMA temp_store = MEMORY")
    # Moving pages out of the write-ahead log is `storage.checkpoints`' work, not a commit's.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return Database(connection)


def try_out(path: Path, patience: float = 1.0) -> int:
    """Find out whether a database can be written to, and change nothing; returns its tables.

    Args:
        path: The file; it exists.
        patience: Seconds to wait for another process to let go.

    Raises:
        sqlite3.Error: It cannot; the message says why.
    """
    uri = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        row = db.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").fetchone()
        db.execute("ROLLBACK")
    return int(row[0])


def open_beside(path: Path, patience: float = 1.0) -> Database:
    """Open a database for a short look, whether a Bellhop has it open or not.

    It can change nothing, but unlike a reader it takes the write-ahead log away again if it was
    the only one here.

    Raises:
        sqlite3.Error: It cannot be opened.
    """
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    return Database(connection)


_KEPT = 8_000
"""Kibibytes of pages that a reader keeps, if there are as many: a search goes through more than
SQLite's 2,000, and would read most of them again for each word."""


def open_reader(path: Path) -> Database:
    """Open a connection that can change nothing."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)
    connection.execute(f"PRAGMA cache_size = -{_KEPT}")
    return Database(connection)
