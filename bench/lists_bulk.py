"""A database with very many tasks, written in bulk into the real tables."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from itertools import product
from pathlib import Path

from sqlite_utils import Database

from bench.lists_data import Row, rows
from storage import listing, words
from storage.times import to_micros, to_text

ENTRIES = 5
"""Lines of the timeline that each task has."""
BY = (("made", "l.seq"), ("ended", "l.ended_at"))
WHOSE = (("0", "0"), ("0", "l.repository_id"), ("l.owner_id", "l.repository_id"))


def build(path: Path, tasks: int) -> None:
    """Fill the tables of a database that has just been made."""
    began = time.monotonic()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        (trigger,) = db.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'listed_added'"
        ).fetchone()
        db.execute("DROP TRIGGER listed_added")  # its work is done for all at once, below
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -2000000")
        batch: list[Row] = []
        for row in rows(tasks):
            batch.append(row)
            if len(batch) == 20_000:
                _write(db, batch)
                batch.clear()
                print(
                    f"\r  {row.seq:,} tasks, {time.monotonic() - began:.0f} s", end="", flush=True
                )
        _write(db, batch)
        _write_the_rest(db)
        db.execute(trigger)
        more = words.tidy(Database(db), first=True)  # as is done from time to time
        while more:
            more = words.tidy(Database(db), first=False)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    print(f"\r  {tasks:,} tasks made in {time.monotonic() - began:.0f} s")


def _write(db: sqlite3.Connection, batch: list[Row]) -> None:
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO tasks (seq, id, version, doc, queued_at, completed_at) "
        "VALUES (?, ?, 5, ?, ?, ?)",
        (
            (one.seq, one.id, one.doc, one.queued_at, one.ended and to_text(one.ended))
            for one in batch
        ),
    )
    db.executemany(
        "INSERT INTO listed (seq, owner_id, repository_id, status, agent, ended_at, digest) "
        "VALUES (?, ?, ?, ?, ?, ?, 0)",
        (
            (one.seq, one.owner_id, one.repository_id, one.status, one.agent, _end(one))
            for one in batch
        ),
    )
    db.executemany(
        "INSERT INTO words (rowid, text, marks) VALUES (?, ?, ?)",
        ((one.seq, one.text, _marks(one)) for one in batch),
    )
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()


def _end(row: Row) -> int | None:
    worked = row.ended is not None and row.status in listing.WORKED
    return to_micros(row.ended) if worked and row.ended else None


def _marks(row: Row) -> str:
    marks = (
        *listing.part_marks(row.owner_id, row.repository_id),
        listing.agent_mark(row.agent),
        *listing.status_marks((row.status,)),
    )
    return " ".join(marks)


def _write_the_rest(db: sqlite3.Connection) -> None:
    entries = ", ".join(f"({number})" for number in range(1, ENTRIES + 1))
    db.executescript(
        f"""
        BEGIN;
        INSERT INTO shelves (sorted, owner_id, repository_id, status, agent, tasks)
            SELECT 'made', owner_id, repository_id, status, agent, count(*)
            FROM listed GROUP BY 2, 3, 4, 5
            UNION ALL SELECT 'ended', owner_id, repository_id, status, agent, count(*)
            FROM listed WHERE ended_at IS NOT NULL GROUP BY 2, 3, 4, 5;
        INSERT INTO shelves (sorted, owner_id, repository_id, status, agent, tasks)
            SELECT sorted, 0, repository_id, status, agent, sum(tasks) FROM shelves
            GROUP BY 1, 3, 4, 5
            UNION ALL SELECT sorted, 0, 0, status, agent, sum(tasks) FROM shelves GROUP BY 1, 4, 5;
        INSERT INTO shelves (sorted, owner_id, repository_id, status, agent, tasks)
            SELECT sorted, owner_id, repository_id, '', '', sum(tasks) FROM shelves
            GROUP BY 1, 2, 3;
        {"".join(_shelved(*one) for one in product(BY, WHOSE, (True, False)))}
        INSERT INTO places SELECT repository_id, 1 + repository_id / 100,
            'acme/repository-' || repository_id FROM listed GROUP BY repository_id;
        INSERT INTO place_owners SELECT owner_id, repository_id, 'person-' || owner_id
            FROM listed GROUP BY owner_id, repository_id;
        INSERT INTO totals SELECT listed.repository_id, listed.owner_id,
            substr(completed_at, 1, 10) AS day,
            listed.status, count(*), 600.0 * count(*), 0.73 * count(*), count(*)
            FROM listed JOIN tasks USING (seq) WHERE ended_at IS NOT NULL GROUP BY 1, 2, 3, 4;
        INSERT INTO totals SELECT repository_id, 0, day, outcome, sum(attempts), sum(seconds),
            sum(cost_usd), sum(pulls) FROM totals GROUP BY 1, 3, 4;
        INSERT INTO timeline SELECT (seq - 1) * {ENTRIES} + column1, id, 1, queued_at, 'status',
            'something happened that is told in a line of usual length', '{{"state":"working"}}'
            FROM tasks CROSS JOIN (VALUES {entries}) ORDER BY seq, column1;
        COMMIT;
        """
    )


def _shelved(by: tuple[str, str], whose: tuple[str, str], alike: bool) -> str:  # noqa: FBT001
    (sort, at), (owner, place) = by, whose
    status, agent = ("l.status", "l.agent") if alike else ("''", "''")
    return f"""
        INSERT INTO shelved (shelf, at, seq) SELECT id, {at}, seq
            FROM listed AS l CROSS JOIN shelves AS s ON s.sorted = '{sort}' AND s.owner_id = {owner}
            AND s.repository_id = {place} AND s.status = {status} AND s.agent = {agent}
            WHERE {at} IS NOT NULL ORDER BY 1, 2, 3;
    """
