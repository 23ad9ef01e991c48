"""What people and installations say about their attempts, and the keys they give for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.book import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database


@migrations()
def preferences(db: Database) -> None:
    """Defaults, keys of providers, and Fly; what opens something is encrypted.

    A `scope` is `user:ID` or `installation:ID`, with GitHub's number.
    """
    db.executescript(
        """
        CREATE TABLE preferences (
            scope TEXT PRIMARY KEY,
            agent TEXT,
            model TEXT,
            runner TEXT,
            image TEXT,
            time_limit INTEGER,
            max_cost REAL,
            concurrency INTEGER,
            updated_at TEXT NOT NULL
        ) STRICT;
        CREATE TABLE provider_secrets (
            scope TEXT NOT NULL,
            provider TEXT NOT NULL,
            secret BLOB NOT NULL,
            last4 TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            validated_at TEXT,
            PRIMARY KEY (scope, provider)
        ) STRICT;
        CREATE TABLE fly_settings (
            scope TEXT PRIMARY KEY,
            app TEXT,
            region TEXT,
            size TEXT,
            updated_at TEXT NOT NULL
        ) STRICT;
        """
    )


@migrations()
def former_keys(db: Database) -> None:
    """What must still be known of secret keys that were replaced, sealed with the one that is used.

    `marker` proves that a comment is Bellhop's own, `worker` the tokens of workers that were at
    work when the key was replaced; NULL: they are not believed.
    """
    db.executescript(
        """
        CREATE TABLE former_keys (
            id INTEGER PRIMARY KEY,
            marker BLOB NOT NULL,
            worker BLOB,
            replaced_at TEXT NOT NULL
        ) STRICT;
        """
    )
