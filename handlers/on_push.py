"""Commits on their way: pushes through the gate, and the pull request."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from handlers.decision import NOTHING, Answer, Decision, Entry, View
from handlers.ending import finish
from handlers.events import (
    PullRequestFailed,
    PullRequestReady,
    PushBegun,
    Pushed,
    PushFailed,
)
from handlers.launches import current
from handlers.task import Ending, PullRequest, Status, saying
from handlers.values import ErrorCode, TaskError


def on_push(view: View, event: PushBegun | Pushed | PushFailed, now: datetime) -> Decision:
    """The push gate sends a push on, or has."""
    task = view.task if isinstance(event, Pushed) else current(view, event)
    if task is None:
        return Decision(answer=Answer.STALE)
    branches = task.branches
    match event:
        case PushBegun(new=new):
            if task.status is not Status.RUNNING or task.ending or task.outcome:
                return Decision(answer=Answer.ENDED)
            pushing = saying(task, "pushing", "", now)
            entry = Entry("status", f"pushing {new[:12]}", {"state": "pushing"})
            return Decision(replace(pushing, branches=replace(branches, pushing=new)), (), (entry,))
        case Pushed(new=new):
            # What GitHub took is so, even if the attempt is over by now.
            mine = branches.pushed or current(view, event) is not None
            moved = replace(branches, head=new, pushing=None, pushed=mine)
            entry = Entry("info", f"pushed {new[:12]} to {branches.name}", {"head": new})
            return Decision(replace(task, branches=moved, updated_at=now), (), (entry,))
        case PushFailed(detail=detail):
            kept = replace(task, branches=replace(branches, pushing=None), updated_at=now)
            return Decision(kept, (), (Entry("warning", f"a push was refused: {detail}"),))
        case _:
            assert_never(event)


def on_pull_request(
    view: View, event: PullRequestReady | PullRequestFailed, now: datetime
) -> Decision:
    """The pull request is there, or GitHub would not have it."""
    task = view.task
    if task is None or task.attempt != event.attempt or not task.opening:
        return NOTHING
    match event:
        case PullRequestReady(number=number, url=url, state=state):
            opened = replace(task.branches, pushed=task.branches.pushed or task.pull is None)
            there = replace(task, pull=PullRequest(number, url, state), branches=opened)
            return finish(view, there, Ending(Status.COMPLETED), now)
        case PullRequestFailed(detail=detail):
            return finish(view, task, pr_failed(detail), now)
        case _:
            assert_never(event)


def pr_failed(detail: str) -> Ending:
    """How a task ends whose pull request cannot be opened."""
    remedy = "Open the pull request by hand from the branch, or ask again."
    error = TaskError(ErrorCode.PR_FAILED, "the pull request could not be opened", detail, remedy)
    return Ending(Status.FAILED, error)
