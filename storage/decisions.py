"""What happens is decided: one transaction a decision, with all that follows from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TypeVar

from sqlite_utils import Database

from handlers.decision import Decision, Rules
from handlers.events import DeletionRequested, Event, Restarted
from handlers.task import Status, Task
from handlers.values import Person
from storage import backup, candidates, clocks, house, idempotency, inbox, outbox, tasks, turns
from storage.decider import Decider
from storage.idempotency import FirstAnswer, OnceKey
from storage.inbox import Waiting
from storage.moves import Moved
from storage.numbers import Book
from storage.outbox import Claimed, Owed
from storage.reads import Reads
from storage.sqlite import Engine

T = TypeVar("T")


class Decisions(Reads):
    """What happens to the tasks of one database, and what is owed for it.

    `changed` is set after each commit that may have left work to do.
    """

    def __init__(self, engine: Engine, book: Book, rules: Rules) -> None:
        super().__init__(engine)
        self._decider = Decider(book, rules)
        self.changed = asyncio.Event()
        self.on_move: Callable[[Moved], None] = _nobody_listens
        """Called, on the event loop, with each move of a task once it is stored."""

    @property
    def rules(self) -> Rules:
        """What decisions go by."""
        return self._decider.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self._decider.rules = rules

    @property
    def held(self) -> datetime | None:
        """When this database was made as a backup, until somebody has gone on from it."""
        return self._decider.held

    async def apply(self, event: Event, now: datetime) -> Decision:
        """Decide about one event and store all that follows, or nothing.

        Raises:
            IllegalMove: the lifecycle has no such move.
            StorageFailed: nothing could be stored.
        """
        return await self._write(lambda db: self._decider.apply_and_offer(db, event, now))

    async def answered(self, once: OnceKey, now: datetime) -> FirstAnswer | None:
        """What was answered to a key within a day, whatever was asked for then."""
        return await self._engine.read(lambda db: idempotency.recall(db, once, now))

    async def apply_once(
        self,
        event: Event,
        once: OnceKey,
        answer: Callable[[Task], FirstAnswer],
        now: datetime,
    ) -> Decision | FirstAnswer:
        """Decide about an event unless its key was answered before, and remember the answer.

        Args:
            event: What is asked for.
            once: The key that the request carries.
            answer: Makes the answer of the task that was decided; runs on the writer's thread.
            now: The time.

        Returns:
            The decision; or what was answered to the key before, and nothing was decided.

        Raises:
            StorageFailed: nothing could be stored.
        """

        def work(db: Database) -> Decision | FirstAnswer:
            before = idempotency.recall(db, once, now)
            if before is not None:
                return before
            decision = self._decider.apply_and_offer(db, event, now)
            if decision.task is not None:
                idempotency.keep(db, once, answer(decision.task), now)
            return decision

        return await self._write(work)

    async def delete_some(
        self, task_ids: Sequence[str], statuses: Collection[Status], sender: Person, now: datetime
    ) -> int:
        """Have tasks removed that are, still, in one of some statuses; returns how many."""

        def work(db: Database) -> int:
            count = 0
            for task_id in task_ids:
                task = tasks.load(db, task_id)
                if task is not None and not task.deleting and task.status in statuses:
                    self._decider.apply(db, DeletionRequested(task_id, sender), now)
                    count += 1
            return count

        return await self._write(work)

    async def apply_delivery(
        self, delivery_id: str, delivery: house.HouseKeeping, now: datetime
    ) -> None:
        """Decide about a delivery that touches any number of tasks, or a person."""

        def work(db: Database) -> None:
            for event in tuple(house.events_of(db, delivery)):
                self._decider.apply(db, event, now)
            house.forget_what_goes(db, delivery)
            inbox.handled(db, delivery_id, now)
            self._decider.offer(db, now)

        await self._write(work)

    async def ignore(self, task_ids: Sequence[str], reason: str, now: datetime) -> None:
        """Mark candidates that are no commands, or that nobody may give."""

        def work(db: Database) -> None:
            for task_id in task_ids:
                candidates.decided(db, task_id, reason, now)

        await self._write(work)

    async def set_aside(self, waiting: Waiting, reason: str, now: datetime) -> None:
        """Mark a whole delivery that nothing can be made of, so that it holds up no other."""

        def work(db: Database) -> None:
            for candidate in waiting.candidates:
                candidates.decided(db, candidate.task_id, reason, now)
            inbox.handled(db, waiting.delivery_id, now)

        await self._write(work)

    async def offer_again(self, now: datetime) -> None:
        """Offer places to tasks whose launch failed and whose wait is over."""
        if await self._engine.read(lambda db: turns.any_to_launch_again(db, now)):
            await self._told(lambda db: self._decider.offer(db, now))

    async def restarted(self, now: datetime) -> None:
        """Let no silence count for the time in which Bellhop was away."""

        def work(db: Database) -> None:
            for task_id in tasks.unfinished(db, "true", ()):
                self._decider.apply(db, Restarted(task_id), now)
            self._decider.offer(db, now)

        await self._write(work)

    async def hold(self) -> None:
        """Begin with care: what a backup owes may have been done after it was made."""
        await self._engine.write(backup.hold)

    async def go_on(self, now: datetime) -> None:
        """All is known that a backup could not know: go on as after any other start."""
        await self._engine.write(backup.release)
        self._decider.held = None
        await self.restarted(now)

    async def claim(self, now: datetime, busy: Collection[int], limit: int) -> Claimed:
        """The effects that are due, counted as tried."""
        if not await self._engine.read(lambda db: outbox.any_due(db, now, busy)):
            return Claimed(())
        return await self._engine.write(lambda db: outbox.claim(db, now, busy, limit))

    async def mark(self, owed: Owed, state: str, now: datetime, error: str | None = None) -> None:
        """An effect is done, skipped or failed."""
        await self._write(lambda db: outbox.mark(db, owed, state, now, error))

    async def postpone(
        self, owed: Owed, until: datetime, error: str | None, *, tried: bool = True
    ) -> None:
        """An effect waits for a later try."""
        await self._engine.write(lambda db: outbox.postpone(db, owed, until, error, tried=tried))

    async def settle(self, owed: Owed, event: Event, now: datetime) -> Decision:
        """What an effect brought about, and that it is done: both or neither."""

        def work(db: Database) -> Decision:
            decision = self._decider.apply_and_offer(db, event, now)
            outbox.mark(db, owed, "done", now)
            return decision

        return await self._write(work)

    async def postpone_clock(self, task_id: str, until: datetime) -> None:
        """Let no clock of a task strike before a time; the next change of the task sets it anew."""
        await self._engine.write(lambda db: clocks.postpone(db, task_id, until))

    async def _write(self, work: Callable[[Database], T]) -> T:
        try:
            return await self._told(work)
        finally:
            self.changed.set()  # also when the caller is cancelled: the work may be done

    async def _told(self, work: Callable[[Database], T]) -> T:
        """Do some work in a transaction, and tell of the moves in it once they are stored."""
        moves: list[Moved] = []

        def noted(db: Database) -> T:
            moves.clear()  # where others failed, it is done once more
            self._decider.moves = moves  # the writer does one piece of work at a time
            return work(db)

        result = await self._engine.write(noted)
        for move in moves:
            self.on_move(move)
        return result


def _nobody_listens(_: Moved) -> None:
    pass
