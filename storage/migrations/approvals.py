"""Commands that wait for approval: tasks that stand in no line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.book import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database


@migrations()
def approvals(db: Database) -> None:
    """Tasks that wait for approval, and who wrote their commands.

    The indexes of what stands in line are made anew, without them: a place is never looked for
    among them.
    """
    db.executescript(
        """
        ALTER TABLE tasks ADD COLUMN
            awaiting INTEGER AS (doc ->> '$.awaiting.name' IS NOT NULL) VIRTUAL;
        ALTER TABLE tasks ADD COLUMN
            in_line INTEGER AS (status = 'queued' AND NOT awaiting) VIRTUAL;
        ALTER TABLE tasks ADD COLUMN
            asker_id INTEGER AS (doc ->> '$.approval.asker.id') VIRTUAL;
        CREATE INDEX tasks_awaiting ON tasks (repository_id, number, id) WHERE awaiting;
        CREATE INDEX tasks_of_asker ON tasks (repository_id, asker_id, id)
            WHERE asker_id IS NOT NULL;

        DROP INDEX tasks_queued;
        CREATE INDEX tasks_queued ON tasks (repository_id, queued_at, id) WHERE in_line;
        DROP INDEX tasks_waiting;
        CREATE INDEX tasks_waiting
            ON tasks (repository_id, owner_id, queued_at, id, branch, concurrency, due_at)
            WHERE in_line;
        CREATE INDEX tasks_in_line ON tasks (owner_id, queued_at) WHERE in_line;
        """
    )
