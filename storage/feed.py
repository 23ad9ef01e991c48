"""Everything that happened, in one order: the timeline and the log lines of all tasks."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any, Protocol

from pydantic import TypeAdapter
from sqlite_utils import Database

from storage.logs import Logs
from storage.numbers import Numbers
from storage.sqlite import Engine
from storage.timeline import Happened
from storage.times import from_text

MOST_CHARACTERS = 100_000
"""What a page holds of each table beside its last row: most lines are short, but not all."""

_DATA: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_NO_DATA = "{}"
_ENDED = "status NOT IN ('queued', 'starting', 'running')"

_Row = tuple[int, str, int, str, str, str, str]
"""Number, task, attempt, time, type, message, data as JSON."""


@dataclass(frozen=True, slots=True)
class Fed(Happened):
    """One event of a task, with whose and where it is: by that it is known who may see it.

    `ended` tells whether the task had ended when this was read, which may be later than the event.
    """

    owner_id: int
    repository_id: int
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some events; the reader goes on after `next`, at once where there may be `more`.

    Events of tasks that are gone or about to be are left out: a page may be short, or empty, and
    yet not the last one.
    """

    events: tuple[Fed, ...]
    next: int
    more: bool


@dataclass(frozen=True, slots=True)
class _Span:
    after: int
    upto: int
    limit: int
    task_id: str | None


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one table: its first `limit` of a span, or all up to a number."""

    rows: Sequence[_Row]
    upto: int


class Listener(Protocol):
    """Somebody who wants to hear of events, on the event loop."""

    def settled(self) -> None:
        """There are new events, up to `Feed.settled`."""
        ...

    def removed(self, task_id: str) -> None:
        """A task is gone, with its events."""
        ...


class Feed:
    """Reads events up to the number below which none is committed any more."""

    def __init__(self, engine: Engine, log_lines: Logs, numbers: Numbers) -> None:
        self._engine = engine
        self._logs = log_lines
        self._numbers = numbers
        self._listener: Listener | None = None

    @property
    def settled(self) -> int:
        """The number up to which every event that will ever be is committed."""
        return self._numbers.settled

    def listen(self, listener: Listener | None) -> None:
        """Let somebody hear of events from now on, or nobody."""
        self._listener = listener
        self._numbers.on_settled = None if listener is None else _on_this_loop(listener.settled)

    def tell_removed(self, task_id: str) -> None:
        """A task and its events were deleted."""
        if self._listener is not None:
            self._listener.removed(task_id)

    async def page(self, after: int, limit: int, task_id: str | None = None) -> Page:
        """Up to `limit` events with numbers above `after`, of one task or of all, oldest first.

        Fewer where they are long.

        Nothing with a lower number than the last of them is ever committed later.
        """
        span = _Span(after, self._numbers.settled, limit, task_id)
        if span.upto <= after:
            return Page((), after, more=False)
        # Both are read after `settled` was: what is settled is seen.
        lines = await self._logs.read(lambda db: _part(db, _LINES, span))

        def work(db: Database) -> Page:
            timeline = _part(db, _TIMELINE, span)
            upto = min(lines.upto, timeline.upto)
            found = merge(lines.rows, timeline.rows)
            rows = list(islice((row for row in found if row[0] <= upto), limit))
            last = rows[-1][0] if rows else after
            return Page(tuple(_fed(db, rows)), last, more=len(rows) == limit or upto < span.upto)

        return await self._engine.read(work)

    async def last_of_ended(self, task_id: str) -> int | None:
        """The number of the last event of a task that has ended; None where it goes on or is gone.

        An event with a higher number means that somebody asked for something more.
        """
        last = await self._engine.read(lambda db: _last_if_ended(db, task_id))
        if last is None:
            return None
        return max(last, await self._logs.read(lambda db: _last(db, "lines", task_id)))


def _on_this_loop(function: Callable[[], None]) -> Callable[[], None]:
    """A function that other threads may call; it is done here, unless the loop is gone by then."""
    loop = asyncio.get_running_loop()

    def tell() -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(function)

    return tell


_TIMELINE = "SELECT id, task_id, attempt, at, type, message, data FROM timeline"
_LINES = f"SELECT id, task_id, attempt, at, type, message, '{_NO_DATA}' FROM lines"  # noqa: S608 - our own text


def _part(db: Database, select: str, span: _Span) -> _Part:
    """The first rows of a span, by the table's key or by the index of its task."""
    of_task = "" if span.task_id is None else "task_id = :task_id AND "
    found = db.conn.execute(
        f"{select} WHERE {of_task}id > :after AND id <= :upto ORDER BY id LIMIT :limit",
        {
            "task_id": span.task_id,
            "after": span.after,
            "upto": span.upto,
            "limit": span.limit,
        },
    )
    rows, size = list[_Row](), 0
    for row in found:
        rows.append(row)
        size += len(row[5]) + len(row[6])
        if size > MOST_CHARACTERS:
            found.close()
            return _Part(rows, row[0])
    return _Part(rows, span.upto)


def _fed(db: Database, rows: Sequence[_Row]) -> Iterable[Fed]:
    tasks = _tasks(db, {row[1] for row in rows})
    for number, task_id, attempt, at, kind, message, data in rows:
        if (task := tasks.get(task_id)) is not None:
            owner, repository, ended = task
            values = {} if data == _NO_DATA else _DATA.validate_json(data)
            when = from_text(at)
            yield Fed(
                number, task_id, attempt, when, kind, message, values, owner, repository, ended
            )


def _tasks(db: Database, task_ids: Iterable[str]) -> dict[str, tuple[int, int, bool]]:
    """Owner, repository, and whether it has ended, of those that exist for anybody."""
    rows = db.conn.execute(
        f"SELECT id, owner_id, repository_id, {_ENDED} FROM tasks "  # noqa: S608 - our own text
        "WHERE id IN (SELECT value FROM json_each(?)) "
        "AND EXISTS (SELECT 1 FROM listed WHERE seq = tasks.seq)",
        (json.dumps(list(task_ids)),),
    )
    return {task_id: (owner, repository, bool(ended)) for task_id, owner, repository, ended in rows}


def _last_if_ended(db: Database, task_id: str) -> int | None:
    task = _tasks(db, (task_id,)).get(task_id)
    return _last(db, "timeline", task_id) if task is not None and task[2] else None


def _last(db: Database, table: str, task_id: str) -> int:
    row = db.conn.execute(
        f"SELECT coalesce(max(id), 0) FROM {table} WHERE task_id = ?",  # noqa: S608 - our own words
        (task_id,),
    ).fetchone()
    return int(row[0])
