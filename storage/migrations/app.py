"""The GitHub App that the set-up page made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.book import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database


@migrations()
def app(db: Database) -> None:
    """The one App, if the set-up page made it; `secrets` is encrypted, all of it together."""
    db.executescript(
        """
        CREATE TABLE app (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            app_id INTEGER NOT NULL,
            slug TEXT NOT NULL,
            client_id TEXT NOT NULL,
            public_url TEXT NOT NULL,
            secrets BLOB NOT NULL,
            made_at TEXT NOT NULL
        ) STRICT;
        """
    )
