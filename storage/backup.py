"""Copies of databases that are in use, and what a database knows of being one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from storage import user_tokens
from storage.connections import BUSY_TIMEOUT, StorageFailed
from storage.times import from_text, to_text

_RESTORED = "restored"
"""The fact that a database is a backup which nobody has gone on from yet: when it was made."""


def copy(source: Path, target: Path) -> None:
    """Make a whole copy of a database as it is at one moment, while others write to it.

    It is read in one step, as one view, which keeps nobody from writing; `VACUUM INTO` would be
    smaller, but fails on some tables with generated columns. The copy needs no file beside it. See
    https://sqlite.org/backup.html.

    Raises:
        StorageFailed: There is no such database, or no room; the copy is of no use.
    """
    try:
        with closing(_connect(source, "ro")) as db, closing(_connect(target, "rwc")) as made:
            db.backup(made, pages=-1)
            made.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.Error as error:
        raise StorageFailed(f"{source} cannot be copied: {error}.") from error


def mark(path: Path, now: datetime) -> None:
    """Let a copy know that it is one: who starts from it goes on with care.

    Raises:
        StorageFailed: It is no database of Bellhop's.
    """
    try:
        with closing(_connect(path, "rw")) as db:
            db.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_RESTORED, to_text(now))
            )
    except sqlite3.Error as error:
        raise StorageFailed(f"{path} is no database of Bellhop's: {error}.") from error


def check(path: Path) -> None:
    """Read a copy whole.

    Raises:
        StorageFailed: It is damaged.
    """
    try:
        with closing(_connect(path, "ro")) as db:
            found = [str(row[0]) for row in db.execute("PRAGMA integrity_check(3)")]
    except sqlite3.Error as error:
        found = [str(error)]
    if found != ["ok"]:
        raise StorageFailed(f"{path.name} is damaged: {'; '.join(found)}.")


def made_at(db: Database) -> datetime | None:
    """When this database was made as a backup; None: it is none, or was gone on from."""
    row = db.conn.execute("SELECT value FROM meta WHERE key = ?", (_RESTORED,)).fetchone()
    return None if row is None else from_text(row[0])


def hold(db: Database) -> None:
    """Count all that is owed as tried once, so that it is looked for before it is done.

    Sessions end, with the tokens of those who had them: some may have been ended since.
    """
    db.conn.execute("UPDATE effects SET tries = max(tries, 1) WHERE state = 'waiting'")
    db.conn.execute("DELETE FROM sessions")
    user_tokens.forget_unused(db)


def release(db: Database) -> None:
    """It has been gone on from: the next start is one like any other."""
    db.conn.execute("DELETE FROM meta WHERE key = ?", (_RESTORED,))


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)
