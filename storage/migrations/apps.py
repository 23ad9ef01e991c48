"""What Apps have asked for, to count it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.book import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database


@migrations()
def app_commands(db: Database) -> None:
    """The commands of Apps that were answered, for a day, whatever became of their tasks."""
    db.executescript(
        """
        CREATE TABLE app_commands (
            repository_id INTEGER NOT NULL,
            number INTEGER NOT NULL,
            at TEXT NOT NULL,
            task_id TEXT NOT NULL,
            PRIMARY KEY (repository_id, number, at, task_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX app_commands_old ON app_commands (at);
        """
    )
