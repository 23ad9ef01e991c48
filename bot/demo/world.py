"""All that can be seen of the demonstration at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.demo.commits import Commit, head_of
from bot.demo.offline import Delivery, OfflineGitHub, Place, Remark, Repository, Thread
from handlers.task import Task
from storage import tasks, timeline
from storage.connections import open_reader
from storage.timeline import Happened

ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """A task and what happened to it so far, as the database beside has it."""

    task: Task
    happened: tuple[Happened, ...]


@dataclass(frozen=True, slots=True)
class World:
    """One look at everything; `commits` are the newest ones of the branches but the first."""

    place: Place
    repository: Repository
    deliveries: tuple[Delivery, ...]
    tasks: tuple[TaskSeen, ...]
    commits: dict[str, Commit]

    @property
    def issue(self) -> Thread:
        """The issue that the demonstration is about."""
        number = self.place.issue_number
        return next(one for one in self.repository.issues if one.number == number)

    def ours(self, thread: Thread) -> tuple[Remark, ...]:
        """What Bellhop wrote on an issue or pull request."""
        return tuple(one for one in thread.comments if one.author == self.place.bot_login)


@dataclass(slots=True)
class Observer:
    """Looks, and remembers what cannot change so as not to ask again."""

    github: OfflineGitHub
    place: Place
    database: Path
    _commits: dict[str, tuple[str, Commit]] = field(
        default_factory=dict[str, tuple[str, Commit]], init=False
    )

    async def look(self) -> World:
        """Everything as it is now."""
        state = await self.github.state()
        repository = state.repositories[self.place.repository]
        accepted = tuple(one for one in state.deliveries if one.status_code == ACCEPTED)
        seen = self._read_tasks(accepted)
        commits = {branch: await self._commit(branch, seen) for branch in _pushed(repository, seen)}
        return World(self.place, repository, accepted, seen, commits)

    async def _commit(self, branch: str, seen: tuple[TaskSeen, ...]) -> Commit:
        head = next(one.task.branches.head for one in seen if one.task.branches.name == branch)
        known = self._commits.get(branch)
        if known is None or known[0] != head:
            known = (head or "", await head_of(self.place.clone_url, branch))
            self._commits[branch] = known
        return known[1]

    def _read_tasks(self, deliveries: tuple[Delivery, ...]) -> tuple[TaskSeen, ...]:
        ids = dict.fromkeys(task_id for one in deliveries for task_id in one.task_ids)
        db = open_reader(self.database)
        try:
            found = [(tasks.load(db, one), timeline.of_task(db, one)) for one in ids]
        finally:
            db.close()
        return tuple(TaskSeen(task, happened) for task, happened in found if task is not None)


def _pushed(repository: Repository, seen: tuple[TaskSeen, ...]) -> Iterator[str]:
    names = {one.task.branches.name for one in seen if one.task.branches.head}
    return (branch for branch in repository.branches if branch in names)
