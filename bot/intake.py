"""From a stored delivery to decisions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot import trail
from bot.asked import asked_in
from bot.facts import Config, Facts
from bot.github.errors import GitHubError, Refused
from bot.github.values import RepoRef
from bot.late import is_there, still_holds
from bot.reviews import Reviews
from handlers.admission import MOST_COMMANDS, deaf_to
from handlers.apps import app_of
from handlers.commands import Command, CommandKind, Misuse, Options, may_name_own, parse
from handlers.deliveries import (
    Asking,
    Delivery,
    IssueLabeled,
    PullRequestClosed,
    ReviewSubmitted,
    TextWritten,
)
from handlers.events import CommandGiven, CommandUndecidable
from handlers.on_command import is_of_other_bots
from handlers.own_commands import plain_kind
from handlers.repo_config import RepoConfig
from handlers.reviews import asks_without_command
from handlers.values import Origin, Person, Where
from storage import StorageFailed, Store
from storage.candidates import Candidate
from storage.inbox import Waiting

Kinds = Mapping[str, CommandKind]
_log = structlog.stdlib.get_logger(__name__)

ASK_FOR = timedelta(hours=1)
"""How long GitHub is asked about a command before its writer is told that it does not answer."""
NO_ACCESS = {403, 404, 410, 451}
"""Refusals that mean that the App may not see the repository any more; others may pass."""
OUR_MISTAKE = "Bellhop itself failed; its log tells why"


@dataclass(frozen=True, slots=True)
class _Heard:
    """A command where it stands; `config` is the repository's file where it was read for it."""

    candidate: Candidate
    command: Command | Misuse
    config: Config | GitHubError | None
    ordinal: int = 0


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
        if not isinstance(value, Asking):
            if waiting.late and await self._is_over(waiting, value):
                _log.info("over by now")
                await self.store.set_aside(waiting, "over", self.clock())
            else:
                await self.store.apply_delivery(waiting.delivery_id, value, self.clock())
            await self._look_at_file(value)
        elif why := deaf_to(value, self.app_id, self.app_name):
            _log.info("not listened to", why=why)
            await self._ignore(waiting, {one.position for one in waiting.candidates})
        elif isinstance(value, IssueLabeled):
            await self._take_label(waiting, value)
        else:
            await self._take_commands(waiting, value)

    async def _is_over(self, waiting: Waiting, value: Delivery) -> bool:
        """Whether what happened was taken back; what GitHub does not say is as it was told last."""
        try:
            return not await still_holds(self.facts.github, value)
        except GitHubError as error:
            if self._may_answer_yet(waiting, error):
                raise
            return False

    async def _look_at_file(self, value: Delivery) -> None:
        """Know what a merged pull request may have changed in the repository's file."""
        if isinstance(value, PullRequestClosed) and value.merged:
            repo = RepoRef(value.installation_id, value.repository.id, value.repository.full_name)
            with contextlib.suppress(GitHubError):
                await self.facts.config(repo)

    async def _take_label(self, waiting: Waiting, labelled: IssueLabeled) -> None:
        config = await self._file(labelled)
        name = self._asked_with(labelled)
        if name is None:
            if isinstance(config, GitHubError) and self._may_answer_yet(waiting, config):
                raise config  # nobody knows yet that it asks for nothing
            await self._ignore(waiting, {one.position for one in waiting.candidates})
            return
        command = Command(name, "", Options(), None, 0, addressed=True, source=f"/{name}")
        for candidate in waiting.candidates:
            with trail.about_task(candidate.task_id):
                await self._decide(waiting, labelled, _Heard(candidate, command, config))

    def _asked_with(self, labelled: IssueLabeled) -> str | None:
        """The command that a label asks for, as far as the file is known."""
        return self.facts.triggers.asks_for(labelled.repository.id, labelled.label)

    async def _file(self, written: Asking) -> Config | GitHubError:
        """What the repository's file says, or why GitHub does not tell."""
        try:
            return await self.facts.config(asked_in(written).repo)
        except GitHubError as error:
            return error

    def _own(self, written: TextWritten, config: Config | GitHubError | None) -> Kinds:
        """The repository's own commands, by their names alone where the file cannot be read."""
        if isinstance(config, RepoConfig):
            return {name: one.kind for name, one in config.commands.items()}
        return {name: plain_kind(name) for name in self.facts.triggers.of(written.repository.id)}

    async def _take_commands(self, waiting: Waiting, written: TextWritten) -> None:
        text, triggers = written.text, self.facts.triggers
        config = None
        if may_name_own(text, self.app_name, triggers.names):
            config = await self._file(written)
        own = self._own(written, config)
        # A text can be made to take seconds: they must not be everybody's.
        parsed = await asyncio.to_thread(parse, text, self.app_name, own)
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
                    one = _Heard(candidate, command, config, ordinal)
                    await self._decide(waiting, written, one)

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
                received_at, now = waiting.received_at, self.clock()
                await desk.take(first, review, where_of(review), received_at, now)
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

    async def _decide(self, waiting: Waiting, written: Asking, heard: _Heard) -> None:
        where, task_id, command = where_of(written), heard.candidate.task_id, heard.command
        if is_of_other_bots(command) and not await self.store.tasks_of_issue(
            where.repository_id, written.subject.number
        ):
            await self.store.ignore([task_id], "ignored", self.clock())
            return
        origin = _origin_of(heard.candidate, written)
        try:
            if waiting.late and not await is_there(self.facts.github, written):
                _log.info("gone by now")
                await self.store.ignore([task_id], "gone", self.clock())
                return
            if isinstance(heard.config, GitHubError):
                raise heard.config
            found = await self.facts.about(written, command, heard.config)
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
            heard.ordinal,
            waiting.received_at,
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
        if _is_lost(error):
            _log.warning("the App has no access there", problem=str(error))
            await self.store.ignore([task_id], "no_access", self.clock())
            return
        if self._may_answer_yet(waiting, error):
            raise error
        undecidable = CommandUndecidable(task_id, where, origin, str(error))
        await self.store.apply(undecidable, self.clock())

    def _may_answer_yet(self, waiting: Waiting, error: GitHubError) -> bool:
        """Whether GitHub is worth being asked again."""
        return not _is_lost(error) and self.clock() - waiting.received_at < ASK_FOR

    async def _give_up(self, waiting: Waiting) -> None:
        """Tell those who wait for an answer, where that can be done, and go on without it."""
        now = self.clock()
        written = waiting.value
        try:
            if isinstance(written, Asking) and self._expects_answer(written):
                for one in waiting.candidates:
                    origin = _origin_of(one, written)
                    event = CommandUndecidable(one.task_id, where_of(written), origin, OUR_MISTAKE)
                    await self.store.apply(event, now)
        except StorageFailed:
            raise
        except Exception:  # noqa: BLE001 - a mistake of ours, which is logged
            _log.exception("nobody could be told")
        await self.store.set_aside(waiting, "failed", now)

    def _expects_answer(self, written: Asking) -> bool:
        """Whether somebody waits for an answer: with most labels nobody asks for anything."""
        if deaf_to(written, self.app_id, self.app_name):
            return False
        return isinstance(written, TextWritten) or self._asked_with(written) is not None


def _is_lost(error: GitHubError) -> bool:
    """Whether GitHub says that the App may not see the repository any more."""
    return isinstance(error, Refused) and error.status in NO_ACCESS


def _origin_of(candidate: Candidate, written: Asking) -> Origin:
    return Origin(candidate.source_kind, candidate.source_id, candidate.position, written.url)


def where_of(written: Asking) -> Where:
    """Where a text stands, or a label was put."""
    return Where(
        installation_id=written.installation_id,
        repository_id=written.repository.id,
        repository=written.repository.full_name,
        number=written.subject.number,
        is_pull_request=written.subject.is_pull_request,
        title=written.subject.title,
    )
