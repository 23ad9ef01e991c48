"""What the push gate asks: which task may push where, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.effects.hands import repo_of
from bot.github.calls import MOVE_REFS
from bot.github.client import GitHub
from bot.github.errors import GitHubError, Limited, Refused, Unavailable
from bot.github.retry import patiently
from bot.http.git_desk import PushGrant, PushRefusal, UpstreamError
from bot.worker_tokens import WorkerTokens
from handlers import events
from handlers.decision import Answer
from handlers.task import Status, Task
from storage import Store

UNKNOWN = "this token is not of this task, or of an older attempt of it"
NOTHING_TO_PUSH = "an answer was asked for, so nothing can be pushed"
OVER = "this attempt has ended or was stopped, so nothing can be pushed any more"
NOT_BEGUN = "ask for the assignment before you push"
DEFAULT = "nothing can be pushed to the default branch"


@dataclass(frozen=True, slots=True)
class _Grant(PushGrant):
    """A grant that remembers for which launch it was given: leave is not handed on."""

    attempt: int
    launch: int


@dataclass(frozen=True, slots=True)
class TaskPushDesk:
    """Answers from the database and from GitHub."""

    store: Store
    github: GitHub
    tokens: WorkerTokens
    github_url: str
    clock: Callable[[], datetime]

    async def authorise(self, task_id: str, token: str) -> PushGrant | PushRefusal:
        """Whether this token may push for this task now."""
        key = self.tokens.read(token)
        task = await self.store.task(task_id) if key and key.task_id == task_id else None
        if key is None or task is None or not task.is_current(key.attempt, key.launch):
            return PushRefusal(401, UNKNOWN)
        if _over(task):
            return PushRefusal(409, OVER)
        if task.status is not Status.RUNNING:
            return PushRefusal(409, NOT_BEGUN)
        branches = task.branches
        if branches.name is None:
            return PushRefusal(403, NOTHING_TO_PUSH)
        if branches.name == branches.default:
            return PushRefusal(403, DEFAULT)
        upstream = f"{self.github_url}/{task.where.repository}.git"
        known = (branches.name, branches.head, branches.pushing)
        return _Grant(task.id, upstream, *known, task.attempt, task.launch)

    async def upstream_token(self, grant: PushGrant) -> str:
        """A token that may write this one repository's contents."""
        where = (await self._task(grant)).where
        try:
            return await self.github.tokens.token(
                where.installation_id, where.repository_id, MOVE_REFS
            )
        except GitHubError as error:
            raise _failure("GitHub gives no leave to write", error) from error

    async def upstream_head(self, grant: PushGrant) -> str | None:
        """Where GitHub has the branch now."""
        repo = repo_of((await self._task(grant)).where)
        try:
            return await self.github.ref_sha(repo, f"heads/{grant.branch}")
        except GitHubError as error:
            raise _failure("GitHub does not tell where the branch is", error) from error

    async def begun(self, grant: PushGrant, new: str) -> bool:
        """Store the intent; False where the attempt is over by now."""
        return await self._apply(events.PushBegun(*_launch(grant), new)) is Answer.OK

    async def still_wanted(self, grant: PushGrant) -> bool:
        """Whether the launch that began the push is still the one at work."""
        _, attempt, launch = _launch(grant)
        task = await self.store.task(grant.task_id)
        if task is None or not task.is_current(attempt, launch):
            return False
        return task.status is Status.RUNNING and not _over(task)

    async def pushed(self, grant: PushGrant, new: str) -> None:
        """Store the branch's new head."""
        await self._apply(events.Pushed(*_launch(grant), new))

    async def failed(self, grant: PushGrant, new: str, why: str) -> None:
        """Store that nothing was changed."""
        await self._apply(events.PushFailed(*_launch(grant), new, why))

    async def move_branch(self, grant: PushGrant, old: str, new: str) -> str | None:
        """Move the branch forward; GitHub refuses what is no fast-forward.

        Without force it may be asked again: a branch that is there already stays there.
        """
        del old
        repo = repo_of((await self._task(grant)).where)
        ref = f"heads/{grant.branch}"
        try:
            await patiently(self.github.clock, lambda: self.github.update_ref(repo, ref, new))
        except Refused as refused:
            return refused.message
        except GitHubError as error:
            raise _failure("GitHub did not say whether the branch moved", error) from error
        return None

    async def drop_ref(self, grant: PushGrant, ref: str) -> None:
        """Remove a ref of ours."""
        repo = repo_of((await self._task(grant)).where)
        name = ref.removeprefix("refs/")
        try:
            await patiently(self.github.clock, lambda: self.github.delete_ref(repo, name))
        except GitHubError as error:
            raise _failure("GitHub did not remove a ref", error) from error

    async def _task(self, grant: PushGrant) -> Task:
        task = await self.store.task(grant.task_id)
        if task is None:
            raise UpstreamError("the task is gone")
        return task

    async def _apply(self, event: events.Event) -> Answer:
        return (await self.store.apply(event, self.clock())).answer


def _failure(what: str, error: GitHubError) -> UpstreamError:
    """A sentence; workers push again where it says that they should, after what may pass."""
    again = "; push again" if isinstance(error, (Limited, Unavailable)) else ""
    return UpstreamError(f"{what}: {error}{again}")


def _over(task: Task) -> bool:
    return bool(task.ended or task.ending or task.outcome)


def _launch(grant: PushGrant) -> tuple[str, int, int]:
    if not isinstance(grant, _Grant):
        raise TypeError("this grant was not given here")
    return grant.task_id, grant.attempt, grant.launch
