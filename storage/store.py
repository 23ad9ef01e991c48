"""The one door to the database: its files, and what is kept in them beside tasks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from handlers.decision import Rules
from handlers.effects import RevokeTokens
from handlers.ending import key_of
from handlers.task import Task
from storage import (
    app_commands,
    app_rows,
    backup,
    idempotency,
    keeping,
    logs,
    migrations,
    outbox,
    sealed,
    tasks,
    timeline,
    tombstones,
    vault_rows,
    views,
)
from storage.app_rows import SealedApp
from storage.arrived import Arrivals
from storage.decisions import Decisions
from storage.feed import Feed
from storage.inbox import Inbox
from storage.keeping import Keep
from storage.lists import Lists
from storage.logs import Logs
from storage.missed import MissedDeliveries
from storage.numbers import Book, Numbers
from storage.outbound import Outbound
from storage.own_commands import OwnCommands
from storage.people import People
from storage.preference_scopes import Scopes
from storage.sealed import Change, FormerKey, Resealed
from storage.sqlite import Engine, StorageFailed
from storage.timings import Timings


class Store(Decisions):
    """What the bot remembers."""

    def __init__(
        self, engine: Engine, log_lines: Logs, numbers: Numbers, book: Book, rules: Rules
    ) -> None:
        super().__init__(engine, book, rules)
        self.feed = Feed(engine, log_lines, numbers)
        self.inbox = Inbox(engine)
        self.arrivals = Arrivals(engine)
        self.missed = MissedDeliveries(engine)
        self.outbound = Outbound(engine)
        self.own_commands = OwnCommands(engine)
        self.logs = log_lines
        self.people = People(engine)
        self.scopes = Scopes(engine)
        self.lists = lists = Lists(engine)
        self.list_tasks, self.count_tasks, self.places = lists.page, lists.count, lists.places
        self.history, self.totals = lists.history, lists.totals

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
        await store.own_commands.load()
        store._decider.held = await engine.read(backup.made_at)
        return store

    @property
    def failing(self) -> bool:
        """Whether the last commit failed."""
        return self._engine.failing

    @property
    def commits(self) -> Timings:
        """How long the transactions of the main database took."""
        return self._engine.commits

    async def close(self) -> None:
        """Finish what was given and close the files."""
        await self.logs.close()
        await self._engine.close()

    async def delete(self, task_id: str, now: datetime) -> bool:
        """Delete a task that has ended, its log lines too; False where there is none."""
        deleted = await self._write(lambda db: tasks.delete(db, task_id, now))
        if deleted or await self.task(task_id) is None:  # lines may be left of an earlier try
            await self.logs.delete(task_id)
            self.feed.tell_removed(task_id)
        return deleted

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
            app_commands.forget(db, now)
            tombstones.forget(db, now, keep.tombstones)
            vault_rows.forget_expired(db, now)

        await self._engine.write(work)
        while await self._engine.write(lambda db: idempotency.forget(db, now)):
            pass
        while await self._engine.write(lambda db: outbox.forget(db, now, keeping.EFFECTS)):
            pass
        await self.outbound.forget(now - keeping.OUTBOUND)
        await self.inbox.forget(now - keep.payloads)
        await self.missed.forget(now - keep.payloads)
        await self.people.forget(now)
        await self.logs.forget(now, keep.logs)
        await self.lists.tidy()
