"""Bellhop was restored from a backup, which does not know what happened after it was made."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from handlers.decision import NOTHING, Decision, View
from handlers.effects import Comment, EditStatus, Effect, RequestReview
from handlers.ending import finish
from handlers.events import BackupRestored
from handlers.on_worker import lose
from handlers.task import BUSY, Ending, Status, Task, saying
from handlers.values import ErrorCode, TaskError

SPOKEN = (Comment, EditStatus, RequestReview)
"""What people were told already, and more truly than it could be told now."""

UNKNOWN_LAUNCHES = 100
"""More launches than there can have been of one attempt."""
UNTOLD = "ended_after_backup"
"""The state of a task whose end GitHub knows better: what is said there stays as it is."""


def on_backup(view: View, event: BackupRestored, now: datetime) -> Decision:
    """What GitHub knows of an end counts; a worker of which nothing is known is lost."""
    task = view.task
    if task is None or task.ended:
        return NOTHING
    if event.ended >= task.attempt or event.pull is not None:
        return _ended_before(view, task, event, now)
    if task.opening:
        return NOTHING
    if task.status not in BUSY:
        return _launched_anew(Decision(task))
    if task.ending:
        return finish(view, task, task.ending, now)
    return _launched_anew(lose(view, task, "Bellhop was restored from a backup", now))


def _launched_anew(decision: Decision) -> Decision:
    """Let the next launch be another one than any that was made after the backup.

    A worker of those that still runs somewhere is refused like one of an older launch, and ends.
    """
    task = decision.task
    if task is None or task.ended:
        return decision
    return replace(decision, task=replace(task, launch=task.launch + UNKNOWN_LAUNCHES))


def _ended_before(view: View, task: Task, event: BackupRestored, now: datetime) -> Decision:
    """It ended after the backup was made: nothing is said anew, and nothing done again."""
    pushed = task.branches.pushed or event.pull is not None
    known = replace(
        task,
        branches=replace(task.branches, pushed=pushed),
        attempt=max(task.attempt, event.ended),
        pull=event.pull or task.pull,
        pending=(),  # whether they were heard is not known; their writers have seen the end
    )
    error = TaskError(
        ErrorCode.WORKER_LOST,
        "how it ended was lost: Bellhop was restored from a backup",
        remedy="The final comment on GitHub says how it ended.",
    )
    ending = Ending(Status.FAILED, error) if known.pull is None else Ending(Status.COMPLETED)
    ended = finish(view, known, ending, now)
    if not event.ended or ended.task is None:
        return ended
    owed: list[Effect] = [one for one in ended.effects if not isinstance(one, SPOKEN)]
    untold = saying(ended.task, UNTOLD, ended.task.state.message, now)
    return replace(ended, task=untold, effects=tuple(owed))
