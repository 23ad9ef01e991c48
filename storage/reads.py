"""What the store is asked, none of which changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from handlers.task import Task
from storage import (
    approvals,
    attempts,
    census,
    clocks,
    outbound_turns,
    outbox,
    tasks,
    timeline,
    turns,
    vault_rows,
)
from storage.attempts import Attempt
from storage.census import Census
from storage.sqlite import Engine
from storage.tasks import Owned
from storage.timeline import Happened
from storage.vault_rows import SealedToken


@dataclass(frozen=True, slots=True)
class Brief:
    """A task with its attempts, as an assignment or a status needs them."""

    task: Task
    attempts: tuple[Attempt, ...]


class Reads:
    """Questions to one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def owned(self, which: Owned, after: str, limit: int) -> tuple[str, ...]:
        """The ids above `after` of somebody's tasks of one status, oldest first."""
        return await self._engine.read(lambda db: tasks.owned(db, which, after, limit))

    async def unfinished(self) -> tuple[str, ...]:
        """The ids of the tasks that are not at their end, oldest first."""
        return await self._engine.read(lambda db: tasks.unfinished(db, "true", ()))

    async def due(self, now: datetime) -> tuple[str, ...]:
        """The tasks of which a clock has run out."""
        return await self._engine.read(lambda db: clocks.due(db, now))

    async def next_due(self, now: datetime) -> datetime | None:
        """When something has to be done that nothing else will wake Bellhop for."""

        def work(db: Database) -> datetime | None:
            times = (
                clocks.next_due(db, now),
                outbox.next_due(db, now),
                outbound_turns.next_due(db, now),
            )
            return min((time for time in times if time is not None), default=None)

        return await self._engine.read(work)

    async def task(self, task_id: str) -> Task | None:
        """The task of an id."""
        return await self._engine.read(lambda db: tasks.load(db, task_id))

    async def brief(self, task_id: str) -> Brief | None:
        """A task with its attempts."""

        def work(db: Database) -> Brief | None:
            task = tasks.load(db, task_id)
            return None if task is None else Brief(task, attempts.of_task(db, task_id))

        return await self._engine.read(work)

    async def tasks_of_issue(self, repository_id: int, number: int) -> tuple[Task, ...]:
        """The tasks of an issue, or those that a pull request came of, newest first."""
        return await self._engine.read(lambda db: tasks.of_issue(db, repository_id, number))

    async def awaiting(self, repository_id: int, number: int) -> tuple[Task, ...]:
        """What waits for approval on an issue, oldest first."""
        return await self._engine.read(lambda db: approvals.of_issue(db, repository_id, number))

    async def task_of_pull(self, repository_id: int, number: int) -> Task | None:
        """The task that a pull request came of; None where Bellhop did not open it."""
        return await self._engine.read(lambda db: tasks.opened(db, repository_id, number))

    async def named(self, repository_id: int, name: str) -> Task | None:
        """The task of a repository by its short name or id."""
        return await self._engine.read(lambda db: tasks.named(db, repository_id, name))

    async def place_in_queue(self, task_id: str) -> int:
        """How many tasks have their turn before this one, and itself; 0 for one that has begun."""
        line = await self._engine.read(turns.line)
        return line.index(task_id) + 1 if task_id in line else 0

    async def timeline(self, task_id: str, after: int = 0) -> tuple[Happened, ...]:
        """The events of a task, oldest first."""
        return await self._engine.read(lambda db: timeline.of_task(db, task_id, after))

    async def states(self, task_id: str) -> tuple[Happened, ...]:
        """The changes of a task's status and state, oldest first."""
        return await self._engine.read(lambda db: timeline.states(db, task_id))

    async def talk(self, task_id: str) -> tuple[Happened, ...]:
        """The messages to a task, and what became of them, oldest first."""
        return await self._engine.read(lambda db: timeline.talk(db, task_id))

    async def owes_more(self, task_id: str) -> bool:
        """Whether something of a task still waits to be done, beside its removal."""
        return await self._engine.read(lambda db: outbox.owes_more(db, task_id))

    async def census(self) -> Census:
        """How much there is of everything."""
        return await self._engine.read(census.take)

    async def owed_kinds(self) -> set[str]:
        """The kinds of the effects that wait."""
        return await self._engine.read(outbox.waiting)

    async def tokens(self, task_id: str, attempt: int, launch: int) -> tuple[SealedToken, ...]:
        """The sealed tokens of a task's launches up to this one, newest first."""
        return await self._engine.read(lambda db: vault_rows.of_task(db, task_id, attempt, launch))

    async def recall(self, key: str) -> str | None:
        """A fact that Bellhop kept about itself."""

        def work(db: Database) -> str | None:
            row = db.conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            return None if row is None else str(row[0])

        return await self._engine.read(work)
