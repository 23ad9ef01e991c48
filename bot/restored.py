"""Going on from a backup: GitHub is asked what happened after it was made, before work goes on.

The Bellhop that the backup is of must not run any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.effects.hands import repo_of
from bot.github.client import GitHub
from bot.github.comments import MANY, OurMark
from bot.github.errors import GitHubError, Refused
from bot.github.values import CommentFacts, PullFacts, RepoRef
from bot.intake import NO_ACCESS, where_of
from handlers.deliveries import Asking
from handlers.events import BackupRestored, StatusCommented
from handlers.task import PullRequest, Task
from storage import StorageFailed, Store
from storage.inbox import Waiting

_log = structlog.stdlib.get_logger(__name__)

PAGE = 64
"""How many deliveries are looked at at once."""


@dataclass(frozen=True, slots=True)
class Return:
    """Brings a restored database up to what GitHub knows."""

    store: Store
    github: GitHub
    mark: OurMark
    clock: Callable[[], datetime]

    async def settle(self, backoff: Callable[[int], float]) -> None:
        """Look until GitHub has said what it knows; `backoff` tells the seconds between tries."""
        tries = 0
        while True:
            try:
                return await self.look()
            except (GitHubError, StorageFailed) as error:
                tries += 1
                _log.warning("GitHub does not say what it knows yet", problem=str(error))
                await asyncio.sleep(backoff(tries))

    async def look(self) -> None:
        """Look at everything that was open when the backup was made; may be done again.

        Raises:
            GitHubError: GitHub did not say; to be tried again.
            StorageFailed: something could not be stored; likewise.
        """
        after = 0
        while page := await self.store.inbox.waiting(PAGE, after=after):
            for waiting in page:
                await self._look_at_commands(waiting)
            after = page[-1].number
        for task_id in await self.store.unfinished():
            task = await self.store.task(task_id)
            if task is not None:
                await self._look_at_task(task)
        await self.store.go_on(self.clock())

    async def _look_at_commands(self, waiting: Waiting) -> None:
        """A command that was answered was decided: what became of it is not done again."""
        written = waiting.value
        if not isinstance(written, Asking) or not waiting.candidates:
            return
        where = where_of(written)
        said = await self._said(repo_of(where), where.number, waiting.received_at)
        answered = {key.partition("/")[0] for key, _ in said}
        known = [one.task_id for one in waiting.candidates if one.task_id in answered]
        if known:
            await self.store.ignore(known, "restored", self.clock())

    async def _look_at_task(self, task: Task) -> None:
        said = await self._said(repo_of(task.where), task.where.number, task.created_at)
        ended = 0
        for key, comment in said:
            match key.split("/"):
                case [task.id, attempt, "final"] if attempt.isdecimal():
                    ended = max(ended, int(attempt))
                case [task.id, "status"]:
                    await self.store.apply(StatusCommented(task.id, comment), self.clock())
                case _:
                    pass
        pull = await self._pull(task)
        ended = ended if ended >= task.attempt else 0
        _log.info("task looked at", task=task.id, ended=bool(ended or pull))
        await self.store.apply(BackupRestored(task.id, ended, pull), self.clock())

    async def _said(
        self, repo: RepoRef, number: int | None, since: datetime
    ) -> list[tuple[str, int]]:
        """The keys and ids of our own comments on an issue."""
        if number is None:
            return []
        comments: Sequence[CommentFacts] = ()
        try:
            comments = await self.github.comments(repo, number, limit=MANY, since=since)
        except Refused as refused:
            _let_go(refused)
        found = [(self.mark.key(comment), comment.id) for comment in comments]
        return [(key, comment) for key, comment in found if key is not None]

    async def _pull(self, task: Task) -> PullRequest | None:
        """The pull request from the branch of a task that knows of none."""
        branch = task.branches.name
        if task.pull is not None or task.where.is_pull_request or branch is None:
            return None
        repo = repo_of(task.where)
        pulls: Sequence[PullFacts] = ()
        try:
            pulls = await self.github.pulls_by_head(repo, repo.owner, branch)
        except Refused as refused:
            _let_go(refused)
        for pull in pulls:
            if pull.head_repository_id == repo.repository_id:
                state = "merged" if pull.merged else pull.state
                return PullRequest(pull.number, pull.url, state)
        return None


def _let_go(refused: Refused) -> None:
    """Go on where the App has lost the repository: there is nothing to be found.

    Raises:
        Refused: for another reason.
    """
    if refused.status not in NO_ACCESS:
        raise refused
