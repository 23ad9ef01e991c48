"""Missed deliveries: what GitHub could not bring, until it is had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.book import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database


@migrations()
def missed(db: Database) -> None:
    """Deliveries that were found in GitHub's log, by their GUID.

    `attempt_id` is the latest attempt; `written_at` and `source_id`, by which they are taken in
    order, are known once the payload is, which goes from here when `outcome` says what became of
    the delivery. `asks` counts how often GitHub was asked to deliver it again, `failures` how often
    it did not give the payload.
    """
    db.executescript(
        """
        CREATE TABLE missed (
            guid TEXT PRIMARY KEY,
            attempt_id INTEGER NOT NULL,
            event TEXT NOT NULL,
            sent_at TEXT NOT NULL,
            found_at TEXT NOT NULL,
            failures INTEGER NOT NULL DEFAULT 0,
            asks INTEGER NOT NULL DEFAULT 0,
            written_at TEXT,
            source_id INTEGER,
            outcome TEXT,
            done_at TEXT,
            body BLOB
        ) STRICT;
        CREATE INDEX missed_unread ON missed (failures, sent_at)
            WHERE outcome IS NULL AND written_at IS NULL;
        CREATE INDEX missed_next ON missed (written_at, source_id)
            WHERE outcome IS NULL AND written_at IS NOT NULL;
        CREATE INDEX missed_old ON missed (found_at);
        """
    )
