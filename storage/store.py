"""The one door to the database: one transaction a decision."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database

from handlers.decision import Decision, Rules
from handlers.effects import RevokeTokens
from handlers.ending import key_of
from handlers.events import (
    DeletionRequested,
    Event,
    Restarted,
)
from handlers.task import Status, Task
from handlers.values import Person
from storage import (
    app_rows,
    backup,
    candidates,
    clocks,
    house,
    idempotency,
    inbox,
    keeping,
    logs,
    migrations,
    outbox,
    sealed,
    tasks,
    timeline,
    tombstones,
    turns,
    vault_rows,
    views,
)
from storage.app_rows import SealedApp
from storage.arrived import Arrivals
from storage.decider import Decider
from storage.feed import Feed
from storage.idempotency import FirstAnswer, OnceKey
from storage.inbox import Inbox, Waiting
from storage.keeping import Keep
from storage.lists import Lists
from storage.logs import Logs
from storage.moves import Moved
from storage.numbers import Book, Numbers
from storage.outbound import Outbound
from storage.outbox import Claimed, Owed
from storage.people import People
from storage.preference_scopes import Scopes
from storage.reads import Reads
from storage.sealed import Change, FormerKey, Resealed
from storage.sqlite import Engine, StorageFailed
from storage.timings import Timings

T = TypeVar("T")


class Store(Reads):
    """What the bot remembers. `changed` is set after each commit that may have left work to do."""

    def __init__(
        self, engine: Engine, log_lines: Logs, numbers: Numbers, book: Book, rules: Rules
    ) -> None:
        super().__init__(engine)
        self._decider = Decider(book, rules)
        self.feed = Feed(engine, log_lines, numbers)
        self.inbox = Inbox(engine)
        self.arrivals = Arrivals(engine)
        self.outbound = Outbound(engine)
        self.logs = log_lines
        self.people = People(engine)
        self.scopes = Scopes(engine)
        self.lists = lists = Lists(engine)
        self.list_tasks, self.count_tasks, self.places = lists.page, lists.count, lists.places
        self.history, self.totals = lists.history, lists.totals
        self.changed = asyncio.Event()
        self.on_move: Callable[[Moved], None] = _nobody_listens
        """Called, on the event loop, with each move of a task once it is stored."""

    @classmethod
    async def open(cls, path: Path, rules: Rules, *, migrate: bool = True) -> Store:
        """Open the database and the one of the log lines beside it.

        `migrate` False: another process uses them, so the tables stay as they are.

        Raises:
            StorageFailed: one of the files cannot be used; the message says why.
        """
        numbers = Numbers()
        book, book_of_lines = numbers.book(), numbers.book()
        engine = await Engine.open(
            path,
            migrations=migrations.migrations,
            migrate=migrate,
            group_ended=book.close,
        )
        beside = path.with_name(f"{path.stem}-logs{path.suffix}")
        try:
            lines = await Engine.open(
                beside,
                migrations=logs.migrations,
                readers=1,
                synchronous="NORMAL",
                group_ended=book_of_lines.close,
                migrate=migrate,
            )
        except StorageFailed:
            await engine.close()
            raise
        last = max(await engine.read(timeline.last_number), await lines.read(logs.last_number))
        numbers.go_on_after(last)
        store = cls(engine, Logs(lines, book_of_lines), numbers, book, rules)
        store._decider.held = await engine.read(backup.made_at)
        return store

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

    @property
    def failing(self) -> bool:
        """Whether the last commit failed."""
        return self._engine.failing

    async def close(self) -> None:
        """Finish what was given and close the files."""
        await self.logs.close()
        await self._engine.close()

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

    async def delete(self, task_id: str, now: datetime) -> bool:
        """Delete a task that has ended, its log lines too; False where there is none."""
        deleted = await self._write(lambda db: tasks.delete(db, task_id, now))
        if deleted or await self.task(task_id) is None:  # lines may be left of an earlier try
            await self.logs.delete(task_id)
            self.feed.tell_removed(task_id)
        return deleted

    @property
    def commits(self) -> Timings:
        """How long the transactions of the main database took."""
        return self._engine.commits

    async def keep_token(
        self, task: Task, secret: bytes, expires_at: datetime, now: datetime
    ) -> None:
        """Remember a sealed GitHub token of a task's launch until it is revoked.

        If that launch is over by now, so is what would have revoked it: that is wished for anew.
        """

        def work(db: Database) -> None:
            number = vault_rows.keep(db, task, secret, expires_at)
            known = tasks.load(db, task.id)
            if known is None or known.ended or not known.is_current(task.attempt, task.launch):
                key = key_of(task, f"{task.launch}/late/{number}")
                late = RevokeTokens(key, task.id, task.attempt, task.launch)
                outbox.wish(db, (late,), now)

        await self._write(work)

    async def forget_token(self, token_id: int) -> None:
        """A token is revoked."""
        await self._engine.write(lambda db: vault_rows.remove(db, token_id))

    async def change_key(self, change: Change, *, leave_others: bool) -> Resealed:
        """Seal all secrets with another key, or none.

        Raises:
            CannotOpen: something cannot be opened, and may not be left.
        """
        return await self._engine.write(
            lambda db: sealed.change_key(db, change, leave_others=leave_others)
        )

    async def former_keys(self) -> tuple[FormerKey, ...]:
        """What is kept of the secret keys that were replaced, the last one first."""
        return await self._engine.read(sealed.former_keys)

    async def remember(self, key: str, value: str) -> None:
        """Keep a fact about Bellhop itself."""
        statement = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"
        await self._engine.write(lambda db: db.conn.execute(statement, (key, value)).rowcount)

    async def keep_app(self, app: SealedApp) -> bool:
        """Remember the App that was made; False where there is one already."""
        return await self._engine.write(lambda db: app_rows.keep(db, app))

    async def app(self) -> SealedApp | None:
        """The App that the set-up page made, if it did."""
        return await self._engine.read(app_rows.load)

    async def forget_old(self, now: datetime, keep: Keep) -> None:
        """Remove what is kept no longer."""

        def work(db: Database) -> None:
            views.forget_refusals(db, now)
            tombstones.forget(db, now, keep.tombstones)
            vault_rows.forget_expired(db, now)

        await self._engine.write(work)
        while await self._engine.write(lambda db: idempotency.forget(db, now)):
            pass
        while await self._engine.write(lambda db: outbox.forget(db, now, keeping.EFFECTS)):
            pass
        await self.outbound.forget(now - keeping.OUTBOUND)
        await self.inbox.forget(now - keep.payloads)
        await self.people.forget(now)
        await self.logs.forget(now, keep.logs)
        await self.lists.tidy()

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
