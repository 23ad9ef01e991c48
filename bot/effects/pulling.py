"""The pull request of a task: opened, or found, or found wanting."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.effects.hands import Hands, give_way, repo_of
from bot.github.errors import Refused, Unavailable
from bot.github.pace import Priority
from bot.github.pulls import open_pull_once
from bot.github.values import PullFacts
from handlers import events, replies
from handlers.effects import OpenPullRequest
from handlers.task import Task
from storage.outbox import Owed

MOST_TRIES = 12
"""Tries while GitHub is broken: about half an hour."""

_PULL_URL = re.compile(r"(https?://[^/]+(?:/.*)?)/([\w.-]+/[\w.-]+)/pull/(\d{1,9})/?")


async def open_pull_request(
    hands: Hands, owed: Owed, effect: OpenPullRequest
) -> events.PullRequestReady | events.PullRequestFailed | None:
    """What became of the pull request; None where nobody waits for it any more.

    Raises:
        GitHubError: not now; to be tried again.
    """
    task = await hands.store.task(effect.task_id)
    if task is None or task.attempt != effect.attempt or not task.opening:
        return None
    try:
        task = await _with_last_push(hands, task)
        pull = await _pull_of(hands, task, effect.claimed_url)
    except Refused as refused:
        return events.PullRequestFailed(task.id, task.attempt, refused.message)
    except Unavailable as error:
        if owed.tries < MOST_TRIES:
            raise
        return events.PullRequestFailed(task.id, task.attempt, f"GitHub is broken: {error}")
    if isinstance(pull, str):
        return events.PullRequestFailed(task.id, task.attempt, pull)
    state = "merged" if pull.merged else pull.state
    return events.PullRequestReady(task.id, task.attempt, pull.number, pull.url, state)


async def _with_last_push(hands: Hands, task: Task) -> Task:
    """A push whose outcome was never heard may have taken place: GitHub knows."""
    branches = task.branches
    if branches.pushing is None or branches.name is None:
        return task
    head = await hands.github.ref_sha(repo_of(task.where), f"heads/{branches.name}")
    if head is None or head != branches.pushing:
        return task
    pushed = events.Pushed(task.id, task.attempt, task.launch, head)
    await hands.store.apply(pushed, hands.clock())
    return replace(task, branches=replace(branches, head=head, pushing=None, pushed=True))


async def _pull_of(hands: Hands, task: Task, claimed: str | None) -> PullFacts | str:
    """The pull request, or why what the worker claims is none of ours."""
    repo = repo_of(task.where)
    branches = task.branches
    if claimed is not None:
        return await _check(hands, task, claimed)
    if task.where.is_pull_request:
        pull = await hands.github.pull(repo, task.where.issue)
        return pull or "the pull request is gone"
    if branches.name is None or branches.head is None:
        return "nothing was pushed"
    give_way(hands, task.where, Priority.FINAL)
    opened = await open_pull_once(
        hands.github,
        repo,
        head=branches.name,
        head_sha=branches.head,
        base=branches.base,
        title=replies.pull_request_title(task),
        body=replies.pull_request_body(task),
        settle=hands.settle,
    )
    return opened.pull


async def _check(hands: Hands, task: Task, claimed: str) -> PullFacts | str:
    """A worker may have opened the pull request itself: believed is what GitHub says of it."""
    match = _PULL_URL.fullmatch(claimed)
    if match is None or match[2].lower() != task.where.repository.lower():
        return "the pull request that the worker names is not of this repository"
    pull = await hands.github.pull(repo_of(task.where), int(match[3]))
    if pull is None:
        return "the pull request that the worker names does not exist"
    ours = pull.head_repository_id == task.where.repository_id
    if not ours or pull.head_ref != task.branches.name:
        return "the pull request that the worker names is not from this task's branch"
    return pull
