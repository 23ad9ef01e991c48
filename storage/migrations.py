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

    One statement on the view `arrivals` stores a delivery and its first candidate: each further
    statement would be felt on the path that GitHub waits for. A candidate is found by what it is
    known by, its delivery's source. There is no foreign key: a candidate that became a task
    outlives its delivery, so that the same comment is known for as long as its task is.
    """
    db.executescript(
        """
        CREATE TABLE deliveries (
            number INTEGER PRIMARY KEY,
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
    from a place. `last_turn` keeps the round robin between repositories.
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


@migrations()
def outbound(db: Database) -> None:
    """Webhooks to programs, and each try to send one; they belong to no task, but tell of one.

    A `lane` is what one owner sends to one host: the heads of the lanes are looked at, not what
    stands behind them. `round` counts how often a message was asked for, so that a try that began
    before says nothing about the next round. AUTOINCREMENT: pages go by numbers, of which none is
    given twice.
    """
    db.executescript(
        """
        CREATE TABLE outbound (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            task_id TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            owner_id INTEGER NOT NULL,
            url TEXT NOT NULL,
            host TEXT NOT NULL,
            lane TEXT NOT NULL AS (owner_id || ' ' || host) VIRTUAL,
            body TEXT NOT NULL,
            type TEXT NOT NULL AS (body ->> '$.type') VIRTUAL,
            state TEXT NOT NULL DEFAULT 'waiting',
            due_at TEXT,
            begun_at TEXT NOT NULL,
            round INTEGER NOT NULL DEFAULT 1,
            tried INTEGER NOT NULL DEFAULT 0,
            created_at TEXT NOT NULL
        ) STRICT;
        CREATE INDEX outbound_due ON outbound (due_at, number) WHERE state = 'waiting';
        CREATE INDEX outbound_lanes ON outbound (lane, due_at, number) WHERE state = 'waiting';
        CREATE INDEX outbound_of_owner ON outbound (owner_id, number);
        CREATE INDEX outbound_of_task ON outbound (task_id, number);
        CREATE INDEX outbound_old ON outbound (created_at) WHERE state != 'waiting';

        CREATE TABLE outbound_tries (
            message INTEGER NOT NULL REFERENCES outbound (number) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            at TEXT NOT NULL,
            milliseconds INTEGER NOT NULL,
            status INTEGER,
            error TEXT,
            PRIMARY KEY (message, number)
        ) STRICT, WITHOUT ROWID;
        """
    )


@migrations()
def access(db: Database) -> None:
    """Who programs and browsers are: of a key, a session or a secret only what is needed.

    Keys and sessions are known by their SHA-256: whoever reads the database can use neither. A
    webhook secret is encrypted, since Bellhop signs with it.
    """
    db.executescript(
        """
        CREATE TABLE keys (
            id TEXT PRIMARY KEY,
            owner_id INTEGER NOT NULL,
            owner_login TEXT NOT NULL,
            name TEXT NOT NULL,
            prefix TEXT NOT NULL,
            digest BLOB NOT NULL UNIQUE,
            scopes TEXT NOT NULL,
            created_at TEXT NOT NULL,
            expires_at TEXT,
            used_at TEXT
        ) STRICT;
        CREATE INDEX keys_of_owner ON keys (owner_id, id);
        CREATE TABLE webhook_secrets (
            id TEXT PRIMARY KEY,
            owner_id INTEGER NOT NULL,
            secret BLOB NOT NULL,
            last4 TEXT NOT NULL,
            created_at TEXT NOT NULL
        ) STRICT;
        CREATE INDEX webhook_secrets_of_owner ON webhook_secrets (owner_id, id);
        CREATE TABLE sessions (
            digest BLOB PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            person_id INTEGER NOT NULL,
            login TEXT NOT NULL,
            agent TEXT NOT NULL,
            created_at TEXT NOT NULL,
            expires_at TEXT NOT NULL,
            seen_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX sessions_of_person ON sessions (person_id, id);
        CREATE INDEX sessions_old ON sessions (expires_at);
        """
    )


@migrations()
def idempotency(db: Database) -> None:
    """What was answered to requests that carry a key of their own, for a day."""
    db.executescript(
        """
        CREATE TABLE idempotency (
            owner_id INTEGER NOT NULL,
            key TEXT NOT NULL,
            digest TEXT NOT NULL,
            location TEXT NOT NULL,
            body TEXT NOT NULL,
            answered_at TEXT NOT NULL,
            PRIMARY KEY (owner_id, key)
        ) STRICT;
        CREATE INDEX idempotency_old ON idempotency (answered_at);
        """
    )


@migrations()
def lists(db: Database) -> None:
    """What lists are read from: shelves of tasks in their order, words, repositories, totals.

    A row of `listed` is a task that may be in a list, with what it is looked for by. Tasks with
    the same status and agent stand on one shelf of their owner in a repository, on one of the
    repository, and on one of all (0 stands for any): in the order in which they were made, and
    once they have ended, on three more in the order of their ends. A shelf knows how many it
    holds. So every list is a few shelves, merged, and a heartbeat of a task moves nothing.
    """
    keep, drop = _shelving("NEW"), _unshelving("OLD")
    db.executescript(
        f"""
        CREATE TABLE listed (
            seq INTEGER PRIMARY KEY,
            owner_id INTEGER NOT NULL,
            repository_id INTEGER NOT NULL,
            status TEXT NOT NULL,
            agent TEXT NOT NULL,
            ended_at INTEGER,
            digest INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE shelves (
            id INTEGER PRIMARY KEY,
            sorted TEXT NOT NULL CHECK (sorted IN ('made', 'ended')),
            owner_id INTEGER NOT NULL,
            repository_id INTEGER NOT NULL,
            status TEXT NOT NULL,
            agent TEXT NOT NULL,
            tasks INTEGER NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX shelves_key
            ON shelves (sorted, owner_id, repository_id, status, agent);
        CREATE TABLE shelved (
            shelf INTEGER NOT NULL,
            at INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            PRIMARY KEY (shelf, at, seq)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER listed_added AFTER INSERT ON listed BEGIN {keep} END;
        CREATE TRIGGER listed_moved AFTER UPDATE ON listed
        WHEN (OLD.owner_id, OLD.repository_id, OLD.status, OLD.agent, OLD.ended_at)
            IS NOT (NEW.owner_id, NEW.repository_id, NEW.status, NEW.agent, NEW.ended_at)
        BEGIN {drop} {keep} END;
        CREATE TRIGGER listed_removed AFTER DELETE ON listed BEGIN {drop} END;
        CREATE TRIGGER tasks_unlisted AFTER DELETE ON tasks BEGIN
            DELETE FROM listed WHERE seq = OLD.seq;
            DELETE FROM words WHERE rowid = OLD.seq;
        END;

        CREATE VIRTUAL TABLE words USING fts5(text, marks, tokenize = 'unicode61');
        INSERT INTO words (words, rank) VALUES ('usermerge', 2);

        CREATE TABLE places (
            repository_id INTEGER PRIMARY KEY,
            installation_id INTEGER NOT NULL,
            full_name TEXT NOT NULL
        ) STRICT;
        CREATE INDEX places_name ON places (full_name COLLATE NOCASE);
        CREATE TABLE place_owners (
            owner_id INTEGER NOT NULL,
            repository_id INTEGER NOT NULL,
            login TEXT NOT NULL,
            PRIMARY KEY (owner_id, repository_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX place_owners_login ON place_owners (login COLLATE NOCASE);

        CREATE TABLE totals (
            repository_id INTEGER NOT NULL,
            owner_id INTEGER NOT NULL,
            day TEXT NOT NULL,
            outcome TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            seconds REAL NOT NULL,
            cost_usd REAL NOT NULL,
            pulls INTEGER NOT NULL,
            PRIMARY KEY (repository_id, owner_id, day, outcome)
        ) STRICT, WITHOUT ROWID;
        """  # noqa: S608 - our own words
    )


def _shelving(row: str) -> str:
    """Put a task on its shelves."""
    return f"""
        INSERT INTO shelves (sorted, owner_id, repository_id, status, agent, tasks)
            SELECT column1, column2, column3, {row}.status, {row}.agent, 1
            FROM (VALUES
                ('made', 0, 0), ('made', 0, {row}.repository_id),
                ('made', {row}.owner_id, {row}.repository_id),
                ('ended', 0, 0), ('ended', 0, {row}.repository_id),
                ('ended', {row}.owner_id, {row}.repository_id))
            WHERE column1 = 'made' OR {row}.ended_at IS NOT NULL
            ON CONFLICT (sorted, owner_id, repository_id, status, agent)
                DO UPDATE SET tasks = tasks + 1;
        INSERT INTO shelved (shelf, at, seq)
            SELECT id, iif(sorted = 'made', {row}.seq, {row}.ended_at), {row}.seq
            FROM shelves WHERE {_its_shelves(row)};
    """  # noqa: S608 - our own words


def _unshelving(row: str) -> str:
    """Take a task off its shelves, and the shelves away that are empty then."""
    return f"""
        DELETE FROM shelved WHERE (shelf, at, seq) IN (
            SELECT id, iif(sorted = 'made', {row}.seq, {row}.ended_at), {row}.seq
            FROM shelves WHERE {_its_shelves(row)});
        UPDATE shelves SET tasks = tasks - 1 WHERE {_its_shelves(row)};
        DELETE FROM shelves WHERE {_its_shelves(row)} AND tasks = 0;
    """  # noqa: S608 - our own words


def _its_shelves(row: str) -> str:
    return (
        f"sorted IN ('made', iif({row}.ended_at IS NULL, 'made', 'ended')) "
        f"AND owner_id IN (0, {row}.owner_id) AND repository_id IN (0, {row}.repository_id) "
        f"AND status = {row}.status AND agent = {row}.agent"
    )
