"""The one door to the database: one transaction a decision."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database

from handlers import decide
from handlers.decision import NOTHING, Decision, Rules
from handlers.effects import RevokeTokens
from handlers.ending import key_of, status_edit
from handlers.events import (
    BranchSeen,
    CommandGiven,
    CommandUndecidable,
    DeletionRequested,
    Event,
    PlaceOffered,
    PushBegun,
    Pushed,
    PushFailed,
    Restarted,
    StatusCommented,
    WorkerReported,
)
from handlers.task import Status, Task
from handlers.values import Person
from storage import (
    backup,
    census,
    house,
    idempotency,
    inbox,
    logs,
    migrations,
    outbound_turns,
    outbox,
    tasks,
    timeline,
    turns,
    vault_rows,
    views,
)
from storage.arrived import Arrivals
from storage.census import Census
from storage.feed import Feed
from storage.idempotency import FirstAnswer, OnceKey
from storage.inbox import Inbox, Waiting
from storage.lists import Lists
from storage.logs import Logs
from storage.moves import Moved, move_of
from storage.numbers import Book, Numbers
from storage.outbound import Outbound
from storage.outbox import Claimed, Owed
from storage.people import People
from storage.sqlite import Engine, StorageFailed
from storage.tasks import Attempt, Owned
from storage.timeline import Happened
from storage.timings import Timings
from storage.vault_rows import SealedToken

T = TypeVar("T")

NEXT = 3
"""How many of those who wait are told that the queue has moved; more edits would cost pace."""
_FREES_NO_PLACE = (WorkerReported, PushBegun, Pushed, PushFailed, StatusCommented, BranchSeen)
"""What neither frees a place nor lets anybody wait for one: the line is not looked at for it."""
KEEP_EFFECTS = timedelta(days=14)
KEEP_TOMBSTONES = timedelta(days=30)
KEEP_OUTBOUND = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Brief:
    """A task with its attempts, as an assignment or a status needs them."""

    task: Task
    attempts: tuple[Attempt, ...]


class Store:
    """What the bot remembers. `changed` is set after each commit that may have left work to do."""

    def __init__(
        self, engine: Engine, log_lines: Logs, numbers: Numbers, book: Book, rules: Rules
    ) -> None:
        self._engine = engine
        self._book = book
        self.feed = Feed(engine, log_lines, numbers)
        self.rules = rules
        self.inbox = Inbox(engine)
        self.arrivals = Arrivals(engine)
        self.outbound = Outbound(engine)
        self.logs = log_lines
        self.people = People(engine)
        self.lists = lists = Lists(engine)
        self.list_tasks, self.count_tasks, self.places = lists.page, lists.count, lists.places
        self.history, self.totals = lists.history, lists.totals
        self.changed = asyncio.Event()
        self.on_move: Callable[[Moved], None] = _nobody_listens
        """Called, on the event loop, with each move of a task once it is stored."""
        self._moves: list[Moved] = []
        self.held: datetime | None = None
        """When this database was made as a backup, until somebody has gone on from it.

        Until then nobody is given a place: GitHub may know more than the backup does.
        """

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
        store.held = await engine.read(backup.made_at)
        return store

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
        return await self._write(lambda db: self._apply_and_offer(db, event, now))

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
            decision = self._apply_and_offer(db, event, now)
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
                    self._apply(db, DeletionRequested(task_id, sender), now)
                    count += 1
            return count

        return await self._write(work)

    async def owned(self, which: Owned, after: str, limit: int) -> tuple[str, ...]:
        """The ids above `after` of somebody's tasks of one status, oldest first."""
        return await self._engine.read(lambda db: tasks.owned(db, which, after, limit))

    async def apply_delivery(
        self, delivery_id: str, delivery: house.HouseKeeping, now: datetime
    ) -> None:
        """Decide about a delivery that touches any number of tasks."""

        def work(db: Database) -> None:
            for event in tuple(house.events_of(db, delivery)):
                self._apply(db, event, now)
            inbox.handled(db, delivery_id, now)
            self._offer(db, now)

        await self._write(work)

    async def ignore(self, task_ids: Sequence[str], reason: str, now: datetime) -> None:
        """Mark candidates that are no commands, or that nobody may give."""

        def work(db: Database) -> None:
            for task_id in task_ids:
                inbox.decided(db, task_id, reason, now)

        await self._write(work)

    async def set_aside(self, waiting: Waiting, reason: str, now: datetime) -> None:
        """Mark a whole delivery that nothing can be made of, so that it holds up no other."""

        def work(db: Database) -> None:
            for candidate in waiting.candidates:
                inbox.decided(db, candidate.task_id, reason, now)
            inbox.handled(db, waiting.delivery_id, now)

        await self._write(work)

    async def offer_again(self, now: datetime) -> None:
        """Offer places to tasks whose launch failed and whose wait is over."""
        if await self._engine.read(lambda db: turns.any_to_launch_again(db, now)):
            await self._told(lambda db: self._offer(db, now))

    async def restarted(self, now: datetime) -> None:
        """Let no silence count for the time in which Bellhop was away."""

        def work(db: Database) -> None:
            for task_id in tasks.unfinished(db, "true", ()):
                self._apply(db, Restarted(task_id), now)
            self._offer(db, now)

        await self._write(work)

    async def hold(self) -> None:
        """Begin with care: what a backup owes may have been done after it was made."""
        await self._engine.write(backup.hold)

    async def unfinished(self) -> tuple[str, ...]:
        """The ids of the tasks that are not at their end, oldest first."""
        return await self._engine.read(lambda db: tasks.unfinished(db, "true", ()))

    async def go_on(self, now: datetime) -> None:
        """All is known that a backup could not know: go on as after any other start."""
        await self._engine.write(backup.release)
        self.held = None
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
            decision = self._apply_and_offer(db, event, now)
            outbox.mark(db, owed, "done", now)
            return decision

        return await self._write(work)

    async def due(self, now: datetime) -> tuple[str, ...]:
        """The tasks of which a clock has run out."""
        return await self._engine.read(lambda db: tasks.due(db, now))

    async def postpone_clock(self, task_id: str, until: datetime) -> None:
        """Let no clock of a task strike before a time; the next change of the task sets it anew."""
        await self._engine.write(lambda db: tasks.postpone(db, task_id, until))

    async def next_due(self, now: datetime) -> datetime | None:
        """When something has to be done that nothing else will wake Bellhop for."""

        def work(db: Database) -> datetime | None:
            times = (
                tasks.next_due(db, now),
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
            return None if task is None else Brief(task, tasks.attempts(db, task_id))

        return await self._engine.read(work)

    async def tasks_of_issue(self, repository_id: int, number: int) -> tuple[Task, ...]:
        """The tasks of an issue, newest first."""
        return await self._engine.read(lambda db: tasks.of_issue(db, repository_id, number))

    async def named(self, repository_id: int, name: str) -> Task | None:
        """The task of a repository by its short name or id."""
        return await self._engine.read(lambda db: tasks.named(db, repository_id, name))

    async def place_in_queue(self, task_id: str) -> int:
        """How many tasks have their turn before this one, and itself; 0 for one that has begun."""
        line = await self._engine.read(turns.line)
        return line.index(task_id) + 1 if task_id in line else 0

    async def delete(self, task_id: str, now: datetime) -> bool:
        """Delete a task that has ended, its log lines too; False where there is none."""
        deleted = await self._write(lambda db: tasks.delete(db, task_id, now))
        if deleted or await self.task(task_id) is None:  # lines may be left of an earlier try
            await self.logs.delete(task_id)
            self.feed.tell_removed(task_id)
        return deleted

    async def timeline(self, task_id: str, after: int = 0) -> tuple[Happened, ...]:
        """The events of a task, oldest first."""
        return await self._engine.read(lambda db: timeline.of_task(db, task_id, after))

    async def talk(self, task_id: str) -> tuple[Happened, ...]:
        """The messages to a task, and what became of them, oldest first."""
        return await self._engine.read(lambda db: timeline.talk(db, task_id))

    async def owes_more(self, task_id: str) -> bool:
        """Whether something of a task still waits to be done, beside its removal."""
        return await self._engine.read(lambda db: outbox.owes_more(db, task_id))

    @property
    def commits(self) -> Timings:
        """How long the transactions of the main database took."""
        return self._engine.commits

    async def census(self) -> Census:
        """How much there is of everything."""
        return await self._engine.read(census.take)

    async def owed_kinds(self) -> set[str]:
        """The kinds of the effects that wait."""
        return await self._engine.read(outbox.waiting)

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

    async def tokens(self, task_id: str, attempt: int, launch: int) -> tuple[SealedToken, ...]:
        """The sealed tokens of a task's launches up to this one, newest first."""
        return await self._engine.read(lambda db: vault_rows.of_task(db, task_id, attempt, launch))

    async def forget_token(self, token_id: int) -> None:
        """A token is revoked."""
        await self._engine.write(lambda db: vault_rows.remove(db, token_id))

    async def recall(self, key: str) -> str | None:
        """A fact that Bellhop kept about itself."""

        def work(db: Database) -> str | None:
            row = db.conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            return None if row is None else str(row[0])

        return await self._engine.read(work)

    async def remember(self, key: str, value: str) -> None:
        """Keep a fact about Bellhop itself."""
        statement = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"
        await self._engine.write(lambda db: db.conn.execute(statement, (key, value)).rowcount)

    async def forget_old(
        self, now: datetime, keep_payloads: timedelta, keep_logs: timedelta
    ) -> None:
        """Remove what is kept no longer."""

        def work(db: Database) -> None:
            views.forget_refusals(db, now)
            tasks.forget_tombstones(db, now, KEEP_TOMBSTONES)
            vault_rows.forget_expired(db, now)

        await self._engine.write(work)
        while await self._engine.write(lambda db: idempotency.forget(db, now)):
            pass
        while await self._engine.write(lambda db: outbox.forget(db, now, KEEP_EFFECTS)):
            pass
        await self.outbound.forget(now - KEEP_OUTBOUND)
        await self.inbox.forget(now - keep_payloads)
        await self.people.forget(now)
        await self.logs.forget(now, keep_logs)
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
            self._moves = moves  # the writer does one piece of work at a time
            return work(db)

        result = await self._engine.write(noted)
        for move in moves:
            self.on_move(move)
        return result

    def _apply_and_offer(self, db: Database, event: Event, now: datetime) -> Decision:
        decision = self._apply(db, event, now)
        if decision.task is not None and not isinstance(event, _FREES_NO_PLACE):
            self._offer(db, now)
        return decision

    def _apply(self, db: Database, event: Event, now: datetime) -> Decision:
        asked = isinstance(event, CommandGiven | CommandUndecidable)
        if asked and not inbox.is_open(db, event.task_id):
            return NOTHING  # it was decided before Bellhop was last stopped
        view = views.view_for(db, event, self.rules, now)
        decision = decide(view, event, now)
        self._save(db, event, decision, now)
        if decision.task is not None and (move := move_of(view, decision.task, now)) is not None:
            self._moves.append(move)
        if asked:
            inbox.decided(db, event.task_id, _state_of(event, decision), now)
        if decision.then is not None:
            self._apply(db, decision.then, now)
        return decision

    def _save(self, db: Database, event: Event, decision: Decision, now: datetime) -> None:
        task = decision.task
        before = tasks.load(db, task.id) if task is not None and task.ended else None
        if task is not None:
            task = tasks.save(db, task, decision.brief)
            timeline.append(db, self._book, task, decision.timeline, now)
        outbox.wish(db, decision.effects, now)
        if before is not None and before.status is Status.QUEUED:  # it has left the line
            self._tell_the_next(db, now)
        if decision.refusal is not None and isinstance(event, CommandGiven):
            views.remember_refusal(db, event, decision.refusal, now)

    def _offer(self, db: Database, now: datetime) -> None:
        """Offer places, one at a time, until nobody in line can take one."""
        if self.held is not None:
            return
        given = 0
        for _ in range(self.rules.max_running):
            task_id = turns.next_up(db, self.rules, now)
            if task_id is None:
                break
            self._apply(db, PlaceOffered(task_id), now)
            turns.take_turn(db, task_id)
            given += 1
        if given:
            self._tell_the_next(db, now)

    def _tell_the_next(self, db: Database, now: datetime) -> None:
        """The queue has moved: those who are next see their new place."""
        waiting = (tasks.load(db, task_id) for task_id in turns.front(db, NEXT))
        spoken_of = [task for task in waiting if task and task.where.number is not None]
        outbox.wish(db, [status_edit(task) for task in spoken_of], now)


def _nobody_listens(_: Moved) -> None:
    pass


def _state_of(event: CommandGiven | CommandUndecidable, decision: Decision) -> str:
    """What became of a candidate, for its row: `task` rows are kept as long as the task is."""
    if decision.task is not None and decision.task.id == event.task_id:
        return "task"
    return "answered" if decision.effects else "ignored"
