"""A real database in a temporary folder, and words for what happens in it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database

from handlers.decision import Decision, Rules
from handlers.events import PlaceOffered, WorkerClaimed
from handlers.github_objects import Actor
from handlers.task import Status, Task
from handlers.values import Person
from storage import Store, migrations
from storage.candidates import Candidate
from storage.outbox import Owed
from storage.receiving import Arrival
from storage.sqlite import Engine
from tests.first_start import lay_out
from tests.makers import ADA, HERE, NOON, RULES, SECOND, given, id_of
from tests.payloads import comment_body

T = TypeVar("T")
PERSON = Actor(id=1, login="ada", type="User")


@asynccontextmanager
async def opened(folder: Path, rules: Rules = RULES) -> AsyncGenerator[Bench]:
    """A store, and an engine beside it on the same file, to look with and to spoil things."""
    path = lay_out(folder / "bellhop.db")
    store = await Store.open(path, rules)
    beside = await Engine.open(path, migrations=migrations.migrations, readers=1)
    try:
        yield Bench(store, beside)
    finally:
        await beside.close()
        await store.close()


@dataclass
class Bench:
    """A store on which tests work."""

    store: Store
    engine: Engine
    count: int = 0
    now: datetime = NOON

    async def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database holds."""
        return await self.engine.read(lambda db: list(db.conn.execute(sql, values)))

    async def do(self, work: Callable[[Database], T]) -> T:
        """Do something to the database as a writer."""
        return await self.engine.write(work)

    async def sql(self, statement: str, *values: Any) -> int:
        """Change the database behind everybody's back."""
        return await self.do(lambda db: db.conn.execute(statement, values).rowcount)

    async def arrive(self, *positions: int, delivery: str | None = None) -> tuple[str, ...]:
        """A comment is delivered, with candidates on these lines; their ids."""
        self.count += 1
        name = delivery or f"delivery-{self.count}"
        ids = tuple(id_of(self.count * 100 + position) for position in positions)
        source = self.count
        body = comment_body(
            source,
            installation=HERE.installation_id,
            repository=(HERE.repository_id, HERE.repository),
            number=HERE.number,
        )
        candidates = tuple(
            Candidate(one, "comment", source, position)
            for one, position in zip(ids, positions, strict=True)
        )
        arrival = Arrival(name, "issue_comment", self.now, body, candidates)
        received = await self.store.inbox.receive(arrival)
        assert received.task_ids == ids
        return ids

    async def ask(
        self,
        text: str = "/fix it",
        *,
        repository: int = HERE.repository_id,
        number: int = HERE.number,
        sender: Person = ADA,
        **changes: Any,
    ) -> Task:
        """Somebody gives a command, a second after the one before; the task as it is then."""
        decision = await self.give(
            text, repository=repository, number=number, sender=sender, **changes
        )
        assert decision.task is not None, decision
        task = await self.store.task(decision.task.id)
        assert task is not None
        return task

    async def give(
        self,
        text: str = "/fix it",
        *,
        repository: int = HERE.repository_id,
        number: int = HERE.number,
        sender: Person = ADA,
        **changes: Any,
    ) -> Decision:
        """The same; what was decided about it."""
        (task_id,) = await self.arrive(0)
        self.now += SECOND
        where = replace(
            HERE, repository_id=repository, repository=f"acme/r{repository}", number=number
        )
        event = given(text, task_id=task_id, where=where, sender=sender, **changes)
        return await self.store.apply(event, self.now)

    async def status(self, task: Task) -> Status:
        """Where a task is now."""
        now = await self.store.task(task.id)
        assert now is not None
        return now.status

    async def offer(self, task: Task) -> None:
        """Offer a place outside the order."""
        await self.store.apply(PlaceOffered(task.id), self.now)

    async def claim(self, task: Task, instance: str = "one") -> None:
        """A worker begins."""
        await self.store.apply(
            WorkerClaimed(task.id, task.attempt, task.launch, instance), self.now
        )

    async def working(self) -> list[int]:
        """The numbers of the issues whose tasks hold a place, in the order of their tasks."""
        rows = await self.rows(
            "SELECT number FROM tasks WHERE status IN ('starting', 'running') ORDER BY id"
        )
        return [number for (number,) in rows]

    async def owed(self, limit: int = 1000, *, busy: tuple[int, ...] = ()) -> list[Owed]:
        """What is due."""
        return list((await self.store.claim(self.now, busy, limit)).owed)
