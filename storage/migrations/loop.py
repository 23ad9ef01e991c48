"""The loop: what arrived, tasks and their timeline, what is owed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.book import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database


@migrations()
def inbox(db: Database) -> None:
    """What arrived, and the lines in it that may be commands.

    One statement on the view `arrivals` stores a delivery and its first candidate: each further
    statement would be felt on the path that GitHub waits for. A candidate is found by what it is
    known by, its delivery's source. There is no foreign key: a candidate that became a task
    outlives its delivery, so that the same comment is known for as long as its task is.
    AUTOINCREMENT: whoever goes through the inbox remembers how far, so no number is given twice.
    """
    db.executescript(
        """
        CREATE TABLE deliveries (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            event TEXT NOT NULL,
            received_at TEXT NOT NULL,
            source_kind TEXT,
            source_id INTEGER,
            state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done')),
            done_at TEXT,
            body BLOB NOT NULL
        ) STRICT;
        CREATE INDEX deliveries_open ON deliveries (number) WHERE state = 'open';
        CREATE INDEX deliveries_done ON deliveries (received_at) WHERE state = 'done';
        CREATE TABLE candidates (
            source_id INTEGER NOT NULL,
            source_kind TEXT NOT NULL,
            position INTEGER NOT NULL,
            task_id TEXT NOT NULL UNIQUE,
            delivery INTEGER NOT NULL,
            state TEXT NOT NULL DEFAULT 'new',
            decided_at TEXT,
            PRIMARY KEY (source_id, source_kind, position)
        ) STRICT, WITHOUT ROWID;
        CREATE VIEW arrivals AS
            SELECT deliveries.id, event, received_at, source_kind, source_id, position, task_id,
                   body
            FROM deliveries LEFT JOIN candidates USING (source_kind, source_id);
        CREATE TRIGGER arrivals_are_stored INSTEAD OF INSERT ON arrivals
        BEGIN
            INSERT INTO deliveries (id, event, received_at, source_kind, source_id, body) VALUES
                (NEW.id, NEW.event, NEW.received_at, NEW.source_kind, NEW.source_id, NEW.body);
            INSERT INTO candidates (source_id, source_kind, position, task_id, delivery)
                SELECT NEW.source_id, NEW.source_kind, NEW.position, NEW.task_id,
                       last_insert_rowid()
                WHERE NEW.task_id IS NOT NULL;
        END;
        """
    )


@migrations()
def tasks(db: Database) -> None:
    """Tasks and their attempts.

    A task is one JSON document; what lists and limits ask for is generated from it, so that a
    column can never say something else than the task. Ids are UUIDv7: their order is the order in
    which commands came; `seq` is the order in which tasks were made, by which lists are read on
    from a place. `last_turn` keeps the round robin between repositories,
    `waiting` knows of whom something waits where, and since when.
    """
    db.executescript(
        """
        CREATE TABLE tasks (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            version INTEGER NOT NULL,
            doc TEXT NOT NULL,
            status TEXT NOT NULL AS (doc ->> '$.status') VIRTUAL,
            name TEXT NOT NULL AS (doc ->> '$.name') VIRTUAL,
            repository_id INTEGER NOT NULL AS (doc ->> '$.where.repository_id') VIRTUAL,
            installation_id INTEGER NOT NULL AS (doc ->> '$.where.installation_id') VIRTUAL,
            number INTEGER AS (doc ->> '$.where.number') VIRTUAL,
            owner_id INTEGER NOT NULL AS (doc ->> '$.owner.id') VIRTUAL,
            branch TEXT AS (doc ->> '$.branches.name') VIRTUAL,
            concurrency INTEGER AS (doc ->> '$.wish.concurrency') VIRTUAL,
            pull_number INTEGER AS (doc ->> '$.pull.number') VIRTUAL,
            queued_at TEXT NOT NULL,
            completed_at TEXT,
            due_at TEXT
        ) STRICT;
        CREATE UNIQUE INDEX tasks_name ON tasks (repository_id, name);
        CREATE INDEX tasks_of_issue ON tasks (repository_id, number, id);
        CREATE INDEX tasks_of_repository ON tasks (repository_id, status, id);
        CREATE INDEX tasks_of_owner ON tasks (owner_id, status, id);
        CREATE INDEX tasks_by_status ON tasks (status, id);
        CREATE INDEX tasks_pull ON tasks (repository_id, pull_number)
            WHERE pull_number IS NOT NULL;
        CREATE INDEX tasks_queued ON tasks (repository_id, queued_at, id)
            WHERE status = 'queued';
        CREATE INDEX tasks_waiting
            ON tasks (repository_id, owner_id, queued_at, id, branch, concurrency, due_at)
            WHERE status = 'queued';
        CREATE INDEX tasks_busy ON tasks (repository_id, owner_id, branch)
            WHERE status IN ('starting', 'running');
        CREATE INDEX tasks_of_installation ON tasks (installation_id)
            WHERE status IN ('queued', 'starting', 'running');
        CREATE INDEX tasks_due ON tasks (due_at) WHERE due_at IS NOT NULL;

        CREATE TABLE attempts (
            task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
            attempt INTEGER NOT NULL,
            requester_id INTEGER NOT NULL,
            requester_login TEXT NOT NULL,
            prompt TEXT NOT NULL,
            context TEXT NOT NULL,
            launch INTEGER NOT NULL,
            status TEXT NOT NULL,
            summary TEXT,
            usage TEXT NOT NULL,
            queued_at TEXT NOT NULL,
            started_at TEXT,
            completed_at TEXT,
            PRIMARY KEY (task_id, attempt)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE turns (
            repository_id INTEGER PRIMARY KEY,
            last_turn INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX turns_last ON turns (last_turn);
        CREATE TABLE waiting (
            repository_id INTEGER NOT NULL,
            owner_id INTEGER NOT NULL,
            first_at TEXT NOT NULL,
            PRIMARY KEY (repository_id, owner_id)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE refusals (
            person_id INTEGER NOT NULL,
            repository_id INTEGER NOT NULL,
            reason TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (person_id, repository_id, reason)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX refusals_old ON refusals (at);

        CREATE TABLE tombstones (
            task_id TEXT PRIMARY KEY,
            deleted_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX tombstones_old ON tombstones (deleted_at);
        """
    )


@migrations()
def timeline(db: Database) -> None:
    """What happened to a task, one row an entry; numbers are shared with the log lines.

    AUTOINCREMENT remembers the highest number ever, so that none is given twice, whatever was
    deleted.
    """
    db.executescript(
        """
        CREATE TABLE timeline (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
            attempt INTEGER NOT NULL,
            at TEXT NOT NULL,
            type TEXT NOT NULL,
            message TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT;
        CREATE INDEX timeline_of_task ON timeline (task_id, id);
        """
    )


@migrations()
def outbox(db: Database) -> None:
    """What is owed to the world. `wished` counts how often an effect was wished for anew."""
    db.executescript(
        """
        CREATE TABLE effects (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            lane TEXT,
            doc TEXT NOT NULL,
            wished INTEGER NOT NULL DEFAULT 1,
            state TEXT NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'done', 'skipped', 'failed')),
            tries INTEGER NOT NULL DEFAULT 0,
            due_at TEXT NOT NULL,
            created_at TEXT NOT NULL,
            done_at TEXT,
            error TEXT
        ) STRICT;
        CREATE INDEX effects_due ON effects (due_at, id) WHERE state = 'waiting';
        CREATE INDEX effects_lane ON effects (lane, id) WHERE state = 'waiting';
        CREATE INDEX effects_done ON effects (done_at) WHERE done_at IS NOT NULL;
        """
    )


@migrations()
def tokens(db: Database) -> None:
    """GitHub tokens that were handed to workers, encrypted, until they are revoked."""
    db.executescript(
        """
        CREATE TABLE tokens (
            id INTEGER PRIMARY KEY,
            task_id TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            launch INTEGER NOT NULL,
            secret BLOB NOT NULL,
            expires_at TEXT NOT NULL
        ) STRICT;
        CREATE INDEX tokens_of_task ON tokens (task_id, attempt, launch);
        CREATE INDEX tokens_old ON tokens (expires_at);
        """
    )


@migrations()
def meta(db: Database) -> None:
    """The few facts that Bellhop keeps about itself."""
    db.executescript("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;")
