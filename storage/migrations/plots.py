"""What the page of plots is drawn from, beside the totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.book import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database


@migrations()
def pull_times(db: Database) -> None:
    """How many pull requests came within which time, day by day."""
    db.executescript(
        """
        CREATE TABLE pull_times (
            repository_id INTEGER NOT NULL,
            owner_id INTEGER NOT NULL,
            day TEXT NOT NULL,
            within INTEGER NOT NULL,
            pulls INTEGER NOT NULL,
            PRIMARY KEY (repository_id, owner_id, day, within)
        ) STRICT, WITHOUT ROWID;
        """
    )
