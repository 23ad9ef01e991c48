"""Everything that is encrypted in the main database, and the change of the key that opens it.

A table that keeps something sealed is named here once; whatever concerns all of them goes by this
list, and a test looks for columns that were forgotten.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from storage.connections import BUSY_TIMEOUT, StorageFailed
from storage.times import from_text, to_text


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of ciphertexts, bytes or text, in the rows that `where` finds."""

    table: str
    column: str
    where: str = "true"


SEALED = (
    SealedColumn("tokens", "secret"),
    SealedColumn("webhook_secrets", "secret"),
    SealedColumn("user_tokens", "secret"),
    SealedColumn("app", "secrets"),
    SealedColumn("provider_secrets", "secret"),
    SealedColumn("former_keys", "marker"),
    SealedColumn("former_keys", "worker"),
)

_PRINT = "secret_key"
"""The fact of which secret key the database is sealed with, since it was changed."""


@dataclass(frozen=True, slots=True)
class FormerKey:
    """What is kept of a secret key that was replaced, sealed with the one that is used.

    `worker` is None where no token of a worker is believed any more, of whatever key before.
    """

    marker: bytes = field(repr=False)
    worker: bytes | None = field(repr=False)
    replaced_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the key.

    `reseal` seals a secret anew; None: it cannot be opened. `former` is kept of the key that goes.
    """

    reseal: Callable[[bytes], bytes | None]
    former: FormerKey
    new_print: str


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many secrets were sealed anew, and how many could not be opened and stay as they are."""

    done: int
    left: int


class CannotOpen(Exception):  # noqa: N818 - the name says what is wrong
    """Secrets that the key does not open; nothing was changed. `count` is how many."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} stored secrets cannot be opened")
        self.count = count


def change_key(
    db: Database,
    change: Change,
    *,
    leave_others: bool,
    columns: tuple[SealedColumn, ...] = SEALED,
) -> Resealed:
    """Seal everything anew, in one transaction with the note by which key.

    Args:
        db: The database, in a transaction.
        change: What to do.
        leave_others: Whether what cannot be opened stays as it is.
        columns: Where it is.

    Raises:
        CannotOpen: something cannot be opened, and may not be left.
    """
    db.conn.execute("PRAGMA secure_delete = ON")  # nothing is left of what the former key opens
    left = 0

    def resealed(value: bytes | str) -> bytes | str:
        nonlocal left
        new = change.reseal(value if isinstance(value, bytes) else value.encode())
        if new is None:
            left += 1
            return value
        return new if isinstance(value, bytes) else new.decode()

    db.conn.create_function("resealed", 1, resealed)
    touched = sum(_reseal(db, one) for one in columns)
    if left and not leave_others:
        raise CannotOpen(left)
    if change.former.worker is None:
        # Whoever has the key that goes can open what was kept of those before it, too.
        db.conn.execute("UPDATE former_keys SET worker = NULL")
    keep_former(db, change.former)
    db.conn.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_PRINT, change.new_print)
    )
    return Resealed(touched - left, left)


def keep_former(db: Database, former: FormerKey) -> None:
    """Remember a key that is used no more."""
    db.conn.execute(
        "INSERT INTO former_keys (marker, worker, replaced_at) VALUES (?, ?, ?)",
        (former.marker, former.worker, to_text(former.replaced_at)),
    )


def former_keys(db: Database) -> tuple[FormerKey, ...]:
    """What is kept of the keys that were replaced, the last one first."""
    rows = db.conn.execute("SELECT marker, worker, replaced_at FROM former_keys ORDER BY id DESC")
    return tuple(FormerKey(marker, worker, from_text(at)) for marker, worker, at in rows)


def key_print(path: Path) -> str | None:
    """Which key a database is sealed with, as it was noted; None: its key was never changed.

    Raises:
        StorageFailed: the file is there and cannot be read.
    """
    if not path.is_file():
        return None
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT)) as db:
            known = db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").fetchone()
            if known is None:
                return None
            row = db.execute("SELECT value FROM meta WHERE key = ?", (_PRINT,)).fetchone()
    except sqlite3.Error as error:
        raise StorageFailed(f"{path} cannot be read: {error}.") from error
    return None if row is None else str(row[0])


def _reseal(db: Database, one: SealedColumn) -> int:
    """Seal one column anew; returns how many rows have something in it."""
    return db.conn.execute(
        f"UPDATE {one.table} SET {one.column} = resealed({one.column}) "  # noqa: S608 - our own words
        f"WHERE {one.column} IS NOT NULL AND {one.where}"
    ).rowcount
