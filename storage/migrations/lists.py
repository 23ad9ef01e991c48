"""What lists, searches and totals are read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.book import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database


@migrations()
def lists(db: Database) -> None:
    """What lists are read from: shelves of tasks in their order, words, repositories, totals.

    A row of `listed` is a task that may be in a list, with what it is looked for by. It stands on
    one shelf of its owner in its repository, on one of the repository, and on one of all (0 stands
    for any): in the order in which tasks were made, and once it has ended, on three more in the
    order of their ends; and on as many of the tasks with its status and agent (empty: any). A
    shelf knows how many it holds. So every list is a few shelves, merged, and a heartbeat moves
    nothing. Pages of words are small, because who may see few tasks makes a search read one page
    for each of them.
    """
    alike = ("status", "agent")
    keep, drop = _shelving("NEW", ()), _unshelving("OLD", ())
    keep_alike, drop_alike = _shelving("NEW", alike), _unshelving("OLD", alike)
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
        CREATE TRIGGER listed_added AFTER INSERT ON listed BEGIN {keep} {keep_alike} END;
        CREATE TRIGGER listed_moved AFTER UPDATE ON listed
        WHEN (OLD.owner_id, OLD.repository_id, OLD.ended_at)
            IS NOT (NEW.owner_id, NEW.repository_id, NEW.ended_at)
        BEGIN {drop} {keep} END;
        CREATE TRIGGER listed_changed AFTER UPDATE ON listed
        WHEN (OLD.owner_id, OLD.repository_id, OLD.status, OLD.agent, OLD.ended_at)
            IS NOT (NEW.owner_id, NEW.repository_id, NEW.status, NEW.agent, NEW.ended_at)
        BEGIN {drop_alike} {keep_alike} END;
        CREATE TRIGGER listed_removed AFTER DELETE ON listed BEGIN {drop} {drop_alike} END;
        CREATE TRIGGER tasks_unlisted AFTER DELETE ON tasks BEGIN
            DELETE FROM listed WHERE seq = OLD.seq;
            DELETE FROM words WHERE rowid = OLD.seq;
        END;

        CREATE VIRTUAL TABLE words USING fts5(text, marks, tokenize = 'unicode61');
        INSERT INTO words (words, rank) VALUES ('usermerge', 2);
        INSERT INTO words (words, rank) VALUES ('pgsz', 1000);

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


def _shelving(row: str, alike: tuple[str, ...]) -> str:
    """Put a task on its shelves: those of all tasks, or of those that are `alike`."""
    status, agent = (f"{row}.{one}" for one in alike) if alike else ("''", "''")
    its_shelves = _its_shelves(row, status, agent)
    return f"""
        INSERT INTO shelves (sorted, owner_id, repository_id, status, agent, tasks)
            SELECT column1, column2, column3, {status}, {agent}, 1
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
            FROM shelves WHERE {its_shelves};
    """  # noqa: S608 - our own words


def _unshelving(row: str, alike: tuple[str, ...]) -> str:
    """Take a task off its shelves, and the shelves away that are empty then."""
    status, agent = (f"{row}.{one}" for one in alike) if alike else ("''", "''")
    its_shelves = _its_shelves(row, status, agent)
    return f"""
        DELETE FROM shelved WHERE (shelf, at, seq) IN (
            SELECT id, iif(sorted = 'made', {row}.seq, {row}.ended_at), {row}.seq
            FROM shelves WHERE {its_shelves});
        UPDATE shelves SET tasks = tasks - 1 WHERE {its_shelves};
        DELETE FROM shelves WHERE {its_shelves} AND tasks = 0;
    """  # noqa: S608 - our own words


def _its_shelves(row: str, status: str, agent: str) -> str:
    return (
        f"sorted IN ('made', iif({row}.ended_at IS NULL, 'made', 'ended')) "
        f"AND owner_id IN (0, {row}.owner_id) AND repository_id IN (0, {row}.repository_id) "
        f"AND status = {status} AND agent = {agent}"
    )
