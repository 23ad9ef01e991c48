"""All that can be seen of the demonstration at one moment, and what is new in it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.demo.commits import Commit, head_of
from bot.demo.offline import Delivery, OfflineGitHub, Place, Remark, Repository, Thread
from handlers.task import Task
from storage import tasks, timeline
from storage.connections import open_reader
from storage.timeline import Happened

ACCEPTED = 202
ENDS = frozenset({"completed", "failed", "cancelled", "rejected"})
END_MARKS = ("✅", "❌", "⏹️")
"""How a status comment begins once its task has ended."""


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
    def status_comments(self) -> set[int]:
        """The ids of the comments that are edited while a task goes on."""
        return {one.task.status_comment for one in self.tasks if one.task.status_comment}

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
    _tasks_of: dict[int, tuple[str, ...]] = field(
        default_factory=dict[int, tuple[str, ...]], init=False
    )
    _commits: dict[str, tuple[str, Commit]] = field(
        default_factory=dict[str, tuple[str, Commit]], init=False
    )

    async def look(self) -> World:
        """Everything as it is now."""
        repository = await self.github.repository()
        accepted = [one for one in await self.github.deliveries() if one.status_code == ACCEPTED]
        for delivery in accepted:
            if delivery.id not in self._tasks_of:
                self._tasks_of[delivery.id] = await self.github.tasks_of(delivery)
        seen = self._read_tasks()
        commits = {branch: await self._commit(branch, seen) for branch in _pushed(repository, seen)}
        return World(self.place, repository, tuple(accepted), seen, commits)

    async def _commit(self, branch: str, seen: tuple[TaskSeen, ...]) -> Commit:
        head = next(one.task.branches.head for one in seen if one.task.branches.name == branch)
        known = self._commits.get(branch)
        if known is None or known[0] != head:
            known = (head or "", await head_of(self.place.clone_url, branch))
            self._commits[branch] = known
        return known[1]

    def _read_tasks(self) -> tuple[TaskSeen, ...]:
        ids = dict.fromkeys(task_id for ids in self._tasks_of.values() for task_id in ids)
        db = open_reader(self.database)
        try:
            found = [(tasks.load(db, one), timeline.of_task(db, one)) for one in ids]
        finally:
            db.close()
        return tuple(TaskSeen(task, happened) for task, happened in found if task is not None)


def _pushed(repository: Repository, seen: tuple[TaskSeen, ...]) -> Iterator[str]:
    names = {one.task.branches.name for one in seen if one.task.branches.head}
    return (branch for branch in repository.branches if branch in names)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was seen: `key` is the same whenever it is seen again."""

    key: Hashable
    mark: str
    text: str
    details: tuple[str, ...] = ()


def steps(world: World) -> Iterator[Step]:
    """Everything there is to tell, roughly in the order in which it comes about."""
    yield from _said_by_people(world)
    for delivery in world.deliveries:
        yield Step(
            ("delivery", delivery.id),
            "📨",
            f"GitHub delivers {delivery.event}.{delivery.action}: signature checked, stored, "
            f"answered {delivery.status_code} in {delivery.duration:.2f} s",
        )
    for seen in world.tasks:
        yield from _of_task(seen, ended=False)
    for branch, commit in world.commits.items():
        text = f"On {branch}: {commit.sha} by {commit.author}, “{commit.title}”"
        yield Step(("commit", commit.sha), "🌿", text, commit.changed)
    yield from _pulls(world)
    for seen in world.tasks:
        yield from _of_task(seen, ended=True)
    yield from _said_by_us(world)


def _said_by_people(world: World) -> Iterator[Step]:
    for thread in (*world.repository.issues, *world.repository.pulls):
        for remark in thread.comments:
            if remark.author != world.place.bot_login:
                words = remark.body.strip().partition("\n")[0]
                text = f"{remark.author} comments on #{thread.number}: {words}"
                yield Step(("comment", remark.id), "💬", text)


def _of_task(seen: TaskSeen, *, ended: bool) -> Iterator[Step]:
    """The timeline, either the ends of attempts or all else but the percents between states."""
    for one in seen.happened:
        if one.type not in {"progress", "usage"} and ended == (one.data.get("status") in ENDS):
            mark = {"success": "✅", "error": "❌", "warning": "⚠️ "}.get(one.type, "⚙️ ")
            yield Step(("event", one.id), mark, f"{seen.task.name}: {one.message}")


def _said_by_us(world: World) -> Iterator[Step]:
    for thread in (*world.repository.issues, *world.repository.pulls):
        for remark in thread.comments:
            for reaction in remark.reactions:
                if reaction.user == world.place.bot_login and reaction.content == "eyes":
                    text = f"Bellhop reacts to {remark.author}'s comment"
                    yield Step(("eyes", remark.id), "👀", text)
        for remark in world.ours(thread):
            yield from _our_comment(world, thread, remark)


def _our_comment(world: World, thread: Thread, remark: Remark) -> Iterator[Step]:
    words = remark.body.strip().partition("\n")[0]
    if remark.id not in world.status_comments:
        text = f"Bellhop comments on #{thread.number}: {words}"
        yield Step(("comment", remark.id), "🔗", text)
        return
    text = f"Bellhop's status comment is on #{thread.number}; it is edited as work goes on"
    yield Step(("comment", remark.id), "📋", text)
    if words.startswith(END_MARKS):
        yield Step(("status", remark.id, words), "📋", f"The status comment ends: {words}")


def _pulls(world: World) -> Iterator[Step]:
    for pull in world.repository.pulls:
        closes = " and ".join(f"#{number}" for number in pull.closes)
        text = f"Pull request #{pull.number} “{pull.title}”"
        yield Step(("pull", pull.number), "🔀", f"{text}, closes {closes}" if closes else text)
        if pull.merged:
            yield Step(("merged", pull.number), "🎉", f"Pull request #{pull.number} is merged")


def missing(world: World, asked: int) -> tuple[str, ...]:
    """What a completed `/fix` should have left on GitHub and did not; `asked` is its comment."""
    issue = world.issue
    eyes = {("eyes", asked)} & {step.key for step in steps(world)}
    status = [one for one in world.ours(issue) if one.id in world.status_comments]
    pull = next((one for one in world.repository.pulls if issue.number in one.closes), None)
    linking = [
        one
        for one in world.ours(issue)
        if one not in status and pull is not None and pull.url in one.body
    ]
    ours = [one for one in world.commits.values() if one.author == world.place.bot_login]
    checks = (
        (bool(eyes), "the reaction to the comment"),
        (len(status) == 1, f"one status comment (there are {len(status)})"),
        (bool(ours), "a branch with a commit of Bellhop's"),
        (pull is not None, "a pull request that closes the issue"),
        (len(linking) == 1, f"one comment with the link (there are {len(linking)})"),
    )
    return tuple(what for there, what in checks if not there)
