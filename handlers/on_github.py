"""Something happened on GitHub to what tasks belong to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from handlers.decision import NOTHING, Decision, Entry, View
from handlers.ending import begin, finish, status_edit
from handlers.events import IssueClosed, PullRequestClosed, RepositoryRenamed, TargetGone
from handlers.task import Ending, Status
from handlers.values import ErrorCode, TaskError


def on_target_gone(view: View, event: TargetGone, now: datetime) -> Decision:
    """The place where a task belongs is gone: it stops, queued or not."""
    task = view.task
    if task is None or task.ended or task.ending:
        return NOTHING
    error = TaskError(ErrorCode.REPOSITORY_GONE, event.reason, retryable=False)
    ending = Ending(Status.FAILED, error)
    if task.status is Status.QUEUED or task.opening:
        return finish(view, task, ending, now)
    return begin(task, ending, now)


def on_issue_closed(view: View, event: IssueClosed, now: datetime) -> Decision:
    """What still waits there is not wanted any more; what works already goes on."""
    task = view.task
    del event
    if task is None or task.status is not Status.QUEUED:
        return NOTHING
    place = "pull request" if task.where.is_pull_request else "issue"
    return finish(view, task, Ending(Status.CANCELLED, by=f"closing the {place}"), now)


def on_renamed(view: View, event: RepositoryRenamed, now: datetime) -> Decision:
    """The repository has another name."""
    task = view.task
    if task is None or task.where.repository == event.full_name:
        return NOTHING
    where = replace(task.where, repository=event.full_name)
    return Decision(replace(task, where=where, updated_at=now))


def on_pull_closed(view: View, event: PullRequestClosed, now: datetime) -> Decision:
    """A pull request of Bellhop's was merged or closed."""
    task = view.task
    state = "merged" if event.merged else "closed"
    if task is None or task.pull is None or task.pull.state == state:
        return NOTHING
    closed = replace(task, pull=replace(task.pull, state=state), updated_at=now)
    return Decision(closed, (status_edit(closed),), (Entry("info", f"pull request {state}"),))
