"""The steps that make the main database, in order; a shipped step is never edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils.migrations import Migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

migrations = Migrations("bellhop")


@migrations()
def inbox(db: Database) -> None:
    """What arrived, and the lines in it that may be commands.

    `candidates` has no foreign key: a candidate that became a task outlives its delivery, so that
    the same comment is known for as long as its task is.
    """
    db.executescript(
        """
        CREATE TABLE deliveries (
            id TEXT PRIMARY KEY,
            event TEXT NOT NULL,
            kind TEXT NOT NULL,
            installation_id INTEGER NOT NULL,
            repository_id INTEGER,
            received_at TEXT NOT NULL,
            payload TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done'))
        ) STRICT;
        CREATE INDEX deliveries_open ON deliveries (received_at) WHERE state = 'open';
        CREATE INDEX deliveries_done ON deliveries (received_at) WHERE state = 'done';
        CREATE TABLE candidates (
            task_id TEXT PRIMARY KEY,
            delivery_id TEXT NOT NULL,
            source_kind TEXT NOT NULL,
            source_id INTEGER NOT NULL,
            position INTEGER NOT NULL,
            state TEXT NOT NULL DEFAULT 'new',
            decided_at TEXT,
            UNIQUE (source_id, source_kind, position)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX candidates_of_delivery ON candidates (delivery_id);
        """
    )
