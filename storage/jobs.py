"""Pieces of work for a database thread, and how a group of them is done."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

from storage.connections import StorageFailed, storage_failure

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator, Sequence

    from sqlite_utils import Database

Work: TypeAlias = "Callable[[Database, Sequence[Any]], Sequence[Any]]"
"""Takes the items of neighbouring jobs with the same work, returns one result for each."""


@dataclass(slots=True, eq=False)
class Job:
    """What one caller gave to a database thread, and later what became of it.

    `alone` marks work that writes by one statement, which is a transaction of its own.
    """

    work: Work
    item: Any
    future: asyncio.Future[Any]
    alone: bool = False
    result: Any = None
    error: Exception | None = None

    def deliver(self) -> None:
        """Wake the caller, unless it was cancelled; runs on the event loop."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


def deliver_all(jobs: Sequence[Job]) -> None:
    """Wake the callers of a whole group in one turn of the event loop."""
    for job in jobs:
        job.deliver()


def commit_together(db: Database, jobs: Sequence[Job]) -> None:
    """Run the jobs in one transaction and commit it; a failed commit fails every one of them."""
    try:
        if not _in_one(db, jobs):
            db.conn.execute("BEGIN IMMEDIATE")
            for work, run in groupby(jobs, key=lambda job: job.work):
                _attempt(db, work, list(run))
            db.conn.execute("COMMIT")
    except Exception as error:  # noqa: BLE001 - this thread goes on, whatever happens
        _roll_back(db)
        failure = storage_failure(error) or StorageFailed(f"The database refused: {error}.")
        for job in jobs:
            job.error = job.error or failure


def _in_one(db: Database, jobs: Sequence[Job]) -> bool:
    """Let one statement be the transaction; False when nothing was done that way.

    Each statement gives the interpreter to another thread and must win it back. On the path that
    GitHub waits for, the statements around the one that matters would cost more than it does.
    """
    work = jobs[0].work
    if not all(job.alone and job.work == work for job in jobs):
        return False
    try:
        results = work(db, [job.item for job in jobs])
    except Exception:  # noqa: BLE001 - the long way finds out whose it is
        return False
    _keep(jobs, results)
    return True


def _keep(jobs: Sequence[Job], results: Sequence[Any]) -> None:
    for job, result in zip(jobs, results, strict=True):
        job.result = result


def read_alone(db: Database, jobs: Sequence[Job]) -> None:
    """Run each job on one consistent view of what was committed before."""
    for job in jobs:
        try:
            db.conn.execute("BEGIN")
            (job.result,) = job.work(db, [job.item])
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, not to this thread
            job.error = storage_failure(error) or _as_result(error)
        finally:
            _roll_back(db)


def _attempt(db: Database, work: Work, jobs: Sequence[Job]) -> None:
    """Run `work` for the jobs at once; when that fails, for each alone, so one spoils no other."""
    try:
        with _savepoint(db):
            results = work(db, [job.item for job in jobs])
    except Exception as error:  # noqa: BLE001 - it belongs to one caller, not to this thread
        _raise_if_lost(db, error)
        if len(jobs) == 1:
            jobs[0].error = _as_result(error)
            return
        for job in jobs:
            _attempt(db, work, [job])
    else:
        _keep(jobs, results)


@contextmanager
def _savepoint(db: Database) -> Generator[None]:
    db.conn.execute("SAVEPOINT job")
    try:
        yield
    except Exception:
        if db.conn.in_transaction:
            db.conn.execute("ROLLBACK TO job")
            db.conn.execute("RELEASE job")
        raise
    db.conn.execute("RELEASE job")


def _raise_if_lost(db: Database, error: Exception) -> None:
    """Raise when nothing of the group can be saved any more.

    After some errors (a full disk among them) SQLite has already rolled the whole transaction back,
    see https://sqlite.org/lang_transaction.html.
    """
    if failure := storage_failure(error):
        raise failure
    if not db.conn.in_transaction:
        raise StorageFailed(f"The transaction ended early: {error}.") from error


def _roll_back(db: Database) -> None:
    with suppress(sqlite3.Error):
        db.conn.execute("ROLLBACK")


def _as_result(error: Exception) -> Exception:
    """Make an error fit for a future, which refuses `StopIteration`."""
    if isinstance(error, StopIteration):
        wrapped = RuntimeError("The work let a StopIteration escape.")
        wrapped.__cause__ = error
        return wrapped
    return error
