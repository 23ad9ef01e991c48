"""Programs: webhooks to them, keys and sessions, answers to be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.book import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database


@migrations()
def outbound(db: Database) -> None:
    """Webhooks to programs, and each try to send one; they belong to no task, but tell of one.

    A lane is what one owner sends to one host while something of it waits. It is ready at the time
    when the first of it is due, or when it was served last if that is later, and an owner is ready
    when the first of their lanes is: whose turn it is, is read from the fronts of two indexes,
    however much waits and whoever has it. `about` keeps where the task was and its owner's login,
    for when it is removed: JSON `[repository_id, installation_id, full_name, login]`. `round`
    counts how often a message was asked for, so that a try that began before says nothing about
    the next round. AUTOINCREMENT: pages go by numbers, of which none is given twice.
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
            body TEXT NOT NULL,
            about TEXT,
            type TEXT NOT NULL AS (body ->> '$.type') VIRTUAL,
            state TEXT NOT NULL DEFAULT 'waiting',
            due_at TEXT,
            begun_at TEXT NOT NULL,
            round INTEGER NOT NULL DEFAULT 1,
            tried INTEGER NOT NULL DEFAULT 0,
            created_at TEXT NOT NULL
        ) STRICT;
        CREATE INDEX outbound_due ON outbound (due_at, number) WHERE state = 'waiting';
        CREATE INDEX outbound_of_lane ON outbound (owner_id, host, due_at, number)
            WHERE state = 'waiting';
        CREATE INDEX outbound_of_owner ON outbound (owner_id, number);
        CREATE INDEX outbound_of_task ON outbound (task_id, number);
        CREATE INDEX outbound_old ON outbound (created_at) WHERE state != 'waiting';

        CREATE TABLE outbound_lanes (
            owner_id INTEGER NOT NULL,
            host TEXT NOT NULL,
            served_at TEXT NOT NULL,
            ready_at TEXT NOT NULL,
            PRIMARY KEY (owner_id, host)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX outbound_lanes_ready ON outbound_lanes (owner_id, ready_at);
        CREATE TABLE outbound_owners (
            owner_id INTEGER PRIMARY KEY,
            ready_at TEXT NOT NULL
        ) STRICT;
        CREATE INDEX outbound_owners_ready ON outbound_owners (ready_at);

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
            task_id TEXT NOT NULL AS (substr(location, -36)) VIRTUAL,
            body TEXT NOT NULL,
            answered_at TEXT NOT NULL,
            PRIMARY KEY (owner_id, key)
        ) STRICT;
        CREATE INDEX idempotency_task ON idempotency (task_id);
        CREATE INDEX idempotency_old ON idempotency (answered_at);
        """
    )
