"""Workers and their tokens: launch, stop, revoke."""

from __future__ import annotations

import structlog

from bot.effects.hands import Hands, repo_of
from bot.facts import settings_of
from bot.github.errors import GitHubError, Limited, Refused
from bot.runners.base import LaunchFailed as RunnerFailed
from bot.runners.base import WorkerKey, WorkerSpec
from bot.vault import WrongKey
from handlers import events
from handlers.apps import role_at_work
from handlers.effects import Launch, RevokeTokens, StopWorker
from handlers.task import Status, Task
from handlers.values import ErrorCode, app_slug
from storage import StorageFailed

_log = structlog.stdlib.get_logger(__name__)

GONE = frozenset({403, 404, 410, 451})
"""Refusals which mean that the App has lost the repository."""


class Workshop:
    """Starts and ends workers."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands

    async def launch(self, effect: Launch) -> events.Event | None:
        """Start the worker of a launch; None where nobody waits for it any more.

        Raises:
            Limited: GitHub asks to wait; nothing was started.
            StorageFailed: the database did not take what was found out.
        """
        task = await self._hands.store.task(effect.task_id)
        if (
            task is None
            or task.status is not Status.STARTING
            or task.ending
            or not task.is_current(effect.attempt, effect.launch)
        ):
            return None
        of_launch = (task.id, task.attempt, task.launch)
        try:
            if not await self._still_permitted(task):
                return events.PermissionLost(*of_launch)
            await self._look_at_branch(task)
            await self._hands.github_tokens.current(task)
            await self._start(task)
        except (Limited, StorageFailed):
            raise
        except GitHubError as error:
            gone = isinstance(error, Refused) and error.status in GONE
            code = ErrorCode.REPOSITORY_GONE if gone else ErrorCode.GITHUB_UNAVAILABLE
            _log_failure(task, str(error))
            return events.LaunchFailed(*of_launch, str(error), retryable=not gone, code=code)
        except RunnerFailed as error:
            _log_failure(task, error.detail, error.private)
            return events.LaunchFailed(*of_launch, error.detail, retryable=error.retryable)
        except Exception as error:  # noqa: BLE001 - a mistake of ours: logged, and the task goes on
            _log.exception("launch failed")
            detail = f"a mistake of Bellhop's own: {type(error).__name__}"
            return events.LaunchFailed(*of_launch, detail, code=ErrorCode.INTERNAL)
        return events.Launched(*of_launch)

    async def stop(self, effect: StopWorker) -> events.WorkerGone:
        """End a worker with its children, and clear what it left on this side."""
        runner = self._hands.runners[effect.runner]
        key = WorkerKey(effect.task_id, effect.attempt, effect.launch)
        await runner.stop(key, effect.grace)
        await runner.forget(key)
        return events.WorkerGone(effect.task_id, effect.attempt, effect.launch)

    async def revoke(self, effect: RevokeTokens) -> None:
        """Revoke every token that was handed out for a task up to a launch.

        Raises:
            GitHubError: some are still valid; they are tried again.
        """
        hands = self._hands
        for kept in await hands.store.tokens(effect.task_id, effect.attempt, effect.launch):
            if kept.expires_at > hands.clock():
                try:
                    await hands.github.tokens.revoke(hands.vault.unseal(kept.secret))
                except WrongKey:
                    _log.exception("a token cannot be revoked and lives until it expires")
            await hands.store.forget_token(kept.id)

    async def _still_permitted(self, task: Task) -> bool:
        """Ask GitHub again before anything that can write: roles are taken away at times."""
        if task.wish.answers:
            return True
        github, repo, who = self._hands.github, repo_of(task.where), task.requester
        if app := app_slug(who.login):
            role = role_at_work(await settings_of(github, repo), app, task.wish.command)
        else:
            role = await github.role(repo, who.login, who.id)
        return role >= task.wish.role

    async def _look_at_branch(self, task: Task) -> None:
        """Where a branch is that may have moved while the task waited."""
        branches = task.branches
        if branches.name is None or (branches.head is None and task.attempt == 1):
            return
        head = await self._hands.github.ref_sha(repo_of(task.where), f"heads/{branches.name}")
        seen = events.BranchSeen(task.id, task.attempt, task.launch, head)
        await self._hands.store.apply(seen, self._hands.clock())

    async def _start(self, task: Task) -> None:
        key = WorkerKey(task.id, task.attempt, task.launch)
        environment = {
            "BELLHOP_URL": self._hands.worker_url,
            "BELLHOP_TOKEN": self._hands.tokens.make(key),
            "BELLHOP_TASK_ID": task.id,
        }
        runner = self._hands.runners.get(task.wish.runner)
        if runner is None:
            detail = f"there is no runner {task.wish.runner} any more"
            raise RunnerFailed(detail, retryable=False)
        await runner.start(WorkerSpec(key, environment, task.wish.image, task.wish.time_limit))


def _log_failure(task: Task, problem: str, private: str = "") -> None:
    _log.warning(
        "worker not started", task=task.id, name=task.name, problem=problem, private=private
    )
