"""Sign-in: the tokens by which Bellhop asks GitHub in a person's own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.book import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database


@migrations()
def user_tokens(db: Database) -> None:
    """One pair of tokens a person, encrypted: whoever reads the database can use neither."""
    db.executescript(
        """
        CREATE TABLE user_tokens (
            person_id INTEGER PRIMARY KEY,
            login TEXT NOT NULL,
            secret BLOB NOT NULL,
            expires_at TEXT,
            renewable_until TEXT
        ) STRICT;
        """
    )
