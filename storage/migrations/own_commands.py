"""Commands that repositories have of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.book import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database


@migrations()
def own_commands(db: Database) -> None:
    """Their names, and what tasks must know of a command that is in no table of ours.

    Until here only `/ask` answered, and needed no more than triage.
    """
    db.executescript(
        """
        CREATE TABLE own_commands (
            repository_id INTEGER NOT NULL,
            name TEXT NOT NULL,
            PRIMARY KEY (repository_id, name)
        ) STRICT, WITHOUT ROWID;
        UPDATE tasks SET doc = json_set(doc, '$.wish.role', 2, '$.wish.result', 'answer')
            WHERE doc ->> '$.wish.command' = 'ask';
        """
    )
