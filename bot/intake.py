"""From a stored delivery to decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot import trail
from bot.facts import Facts
from bot.github.errors import GitHubError, Refused
from bot.reviews import Reviews
from handlers.admission import MOST_COMMANDS, deaf_to
from handlers.apps import app_of
from handlers.commands import Command, Misuse, parse
from handlers.deliveries import ReviewSubmitted, TextWritten
from handlers.events import CommandGiven, CommandUndecidable
from handlers.on_command import is_of_other_bots
from handlers.reviews import asks_without_command
from handlers.values import Origin, Person, Where
from storage import StorageFailed, Store
from storage.inbox import Waiting

_log = structlog.stdlib.get_logger(__name__)

ASK_FOR = timedelta(hours=1)
"""How long GitHub is asked about a command before its writer is told that it does not answer."""
NO_ACCESS = {403, 404, 410, 451}
"""Refusals that mean that the App may not see the repository any more; others may pass."""
OUR_MISTAKE = "Bellhop itself failed; its log tells why"


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes what waits in the inbox to the decisions about it."""

    store: Store
    facts: Facts
    app_id: int
    app_name: str
    clock: Callable[[], datetime]

    async def take(self, waiting: Waiting) -> None:
        """Decide about everything in one delivery.

        Raises:
            GitHubError: GitHub did not say what must be known; to be tried again.
            StorageFailed: nothing could be stored; to be tried again.
            Exception: a mistake of ours; to be tried again, until it is given up after an hour.
        """
        try:
            await self._take(waiting)
        except (GitHubError, StorageFailed):
            raise
        except Exception:
            if self.clock() - waiting.received_at < ASK_FOR:
                raise
            _log.exception("delivery given up")
            await self._give_up(waiting)

    async def _take(self, waiting: Waiting) -> None:
        value = waiting.value
        if not isinstance(value, TextWritten):
            await self.store.apply_delivery(waiting.delivery_id, value, self.clock())
        elif why := deaf_to(value, self.app_id, self.app_name):
            _log.info("not listened to", why=why)
            await self._ignore(waiting, {one.position for one in waiting.candidates})
        else:
            await self._take_commands(waiting, value)

    async def _take_commands(self, waiting: Waiting, written: TextWritten) -> None:
        # A text can be made to take seconds: they must not be everybody's.
        parsed = await asyncio.to_thread(parse, written.text, self.app_name)
        commands = {one.position: one for one in parsed}
        if not commands and isinstance(written, ReviewSubmitted):
            await self._take_review(waiting, written)
            return
        ordinals = {position: place for place, position in enumerate(commands)}
        # One more than count is decided, to say so; for the others nobody is asked anything.
        heard = {position for position, place in ordinals.items() if place <= MOST_COMMANDS}
        await self._ignore(waiting, {one.position for one in waiting.candidates} - heard)
        for candidate in waiting.candidates:
            command = commands.get(candidate.position)
            if command is not None and candidate.position in heard:
                ordinal = ordinals[candidate.position]
                with trail.about_task(candidate.task_id):
                    await self._decide(waiting, written, candidate.task_id, command, ordinal)

    async def _take_review(self, waiting: Waiting, review: ReviewSubmitted) -> None:
        """One whole review is one message, however many lines looked like commands."""
        first, *rest = waiting.candidates or (None,)
        await self._ignore(waiting, {one.position for one in rest if one})
        if first is None:
            return
        if not asks_without_command(review, self.app_name):
            await self.store.ignore([first.task_id], "ignored", self.clock())
            return
        desk = Reviews(self.store, self.facts)
        try:
            with trail.about_task(first.task_id):
                await desk.take(
                    first.task_id, first.position, review, where_of(review), self.clock()
                )
        except GitHubError as error:
            # Nobody waits for an answer to what was no command: it is let go without a word.
            gone = isinstance(error, Refused) and error.status in NO_ACCESS
            if not gone and self.clock() - waiting.received_at < ASK_FOR:
                raise
            _log.warning("review given up", problem=str(error))
            await self.store.ignore([first.task_id], "no_access", self.clock())

    async def _ignore(self, waiting: Waiting, positions: set[int]) -> None:
        ids = [one.task_id for one in waiting.candidates if one.position in positions]
        if ids:
            await self.store.ignore(ids, "ignored", self.clock())

    async def _decide(
        self,
        waiting: Waiting,
        written: TextWritten,
        task_id: str,
        command: Command | Misuse,
        ordinal: int,
    ) -> None:
        where = where_of(written)
        if is_of_other_bots(command) and not await self.store.tasks_of_issue(
            where.repository_id, written.subject.number
        ):
            await self.store.ignore([task_id], "ignored", self.clock())
            return
        position = command.position
        origin = Origin(written.kind, written.source_id, position, written.url)
        try:
            found = await self.facts.about(written, command)
        except GitHubError as error:
            await self._undecidable(waiting, task_id, where, origin, error)
            return
        sender = Person(written.sender.id, written.sender.login)
        event = CommandGiven(
            task_id,
            command,
            where,
            sender,
            origin,
            written.written_at,
            found,
            ordinal,
            app=app_of(written),
        )
        await self.store.apply(event, self.clock())

    async def _undecidable(
        self,
        waiting: Waiting,
        task_id: str,
        where: Where,
        origin: Origin,
        error: GitHubError,
    ) -> None:
        """Ask again later, until nobody can be waiting any more; without access at once."""
        now = self.clock()
        if isinstance(error, Refused) and error.status in NO_ACCESS:
            _log.warning("the App has no access there", problem=str(error))
            await self.store.ignore([task_id], "no_access", now)
            return
        if now - waiting.received_at < ASK_FOR:
            raise error
        await self.store.apply(CommandUndecidable(task_id, where, origin, str(error)), now)

    async def _give_up(self, waiting: Waiting) -> None:
        """Tell those who wait for an answer, where that can be done, and go on without it."""
        now = self.clock()
        written = waiting.value
        try:
            if isinstance(written, TextWritten) and not deaf_to(
                written, self.app_id, self.app_name
            ):
                for one in waiting.candidates:
                    origin = Origin(written.kind, written.source_id, one.position, written.url)
                    event = CommandUndecidable(one.task_id, where_of(written), origin, OUR_MISTAKE)
                    await self.store.apply(event, now)
        except StorageFailed:
            raise
        except Exception:  # noqa: BLE001 - a mistake of ours, which is logged
            _log.exception("nobody could be told")
        await self.store.set_aside(waiting, "failed", now)


def where_of(written: TextWritten) -> Where:
    """Where a text stands."""
    return Where(
        installation_id=written.installation_id,
        repository_id=written.repository.id,
        repository=written.repository.full_name,
        number=written.subject.number,
        is_pull_request=written.subject.is_pull_request,
        title=written.subject.title,
    )
