"""From a free place to a worker at work."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from handlers import replies
from handlers.admission import may_start
from handlers.budgets import Budget, day_end
from handlers.decision import NOTHING, Answer, Decision, Entry, View
from handlers.effects import Launch, RevokeTokens
from handlers.ending import finish, key_of, removal, status_edit
from handlers.events import (
    BranchSeen,
    Launched,
    LaunchFailed,
    OfLaunch,
    PermissionLost,
    PlaceOffered,
    WorkerClaimed,
)
from handlers.launches import FIRST_CALL, SILENCE, WARN_AT, current, long_over
from handlers.task import BUSY, Ending, Status, Task, advance, saying
from handlers.values import Clocks, ErrorCode, TaskError

LAUNCH_WAITS = (2.0, 8.0, 30.0)
"""Seconds before a failed launch is tried again; after the last one the task fails."""


def on_place(view: View, event: PlaceOffered, now: datetime) -> Decision:
    """Take a free place: claimed here, inside the transaction that counted the places."""
    task = view.task
    if task is None or task.status is not Status.QUEUED or task.awaiting:
        return NOTHING
    if held := next((one for one in view.budgets.get(task.owner.id, ()) if one.taken), None):
        return _wait_for_budget(task, held, now)
    if not may_start(task, view.load, view.rules):
        return _wait_for_place(task, now)
    starting = advance(
        task, Status.STARTING, now, state="starting", message="starting a worker", clocks=Clocks()
    )
    del event
    key = key_of(starting, f"{starting.launch}/launch")
    launch = Launch(key, task.id, task.attempt, task.launch)
    entry = Entry("status", "starting a worker", {"status": "starting"})
    return Decision(starting, (launch, status_edit(starting)), (entry,))


def _wait_for_budget(task: Task, budget: Budget, now: datetime) -> Decision:
    """Nothing begins that could not be paid today; a new day wakes what waits, if nothing else."""
    until = day_end(now)
    if task.clocks.budget_at == until:
        return NOTHING
    told = replies.waits_for_budget(budget)
    waits = replace(saying(task, "waiting_for_budget", told, now), clocks=Clocks(budget_at=until))
    entry = Entry("warning", f"waiting: {told}", {"state": "waiting_for_budget"})
    return Decision(waits, (status_edit(waits),), (entry,))


def _wait_for_place(task: Task, now: datetime) -> Decision:
    """It could be paid again; what it waits for now is a place."""
    if task.clocks.budget_at is None:
        return NOTHING
    waits = saying(task, "waiting_for_slot", "waiting for a free place", now)
    waits = replace(waits, clocks=Clocks())
    entry = Entry("status", "waiting for a free place", {"state": "waiting_for_slot"})
    return Decision(waits, (status_edit(waits),), (entry,))


def on_launch(
    view: View, event: Launched | LaunchFailed | PermissionLost, now: datetime
) -> Decision:
    """What became of a launch."""
    task = current(view, event)
    if task is None or task.status not in BUSY:
        return _tidy_away(view, event)
    match event:
        case Launched():
            if task.status is Status.RUNNING or task.ending:
                return NOTHING
            clocks = replace(task.clocks, first_call_by=now + FIRST_CALL)
            return Decision(replace(task, clocks=clocks, updated_at=now))
        case PermissionLost():
            if task.opening:
                return NOTHING
            if task.ending:
                return finish(view, task, task.ending, now)
            error = TaskError(
                ErrorCode.NOT_PERMITTED,
                f"{task.requester.login} may no longer use /{task.wish.command} here",
                remedy="Ask somebody with the role to write the command.",
                retryable=False,
            )
            return finish(view, task, Ending(Status.FAILED, error), now)
        case LaunchFailed():
            return launch_failed(view, task, event, now)
        case _:
            assert_never(event)


def _tidy_away(view: View, event: OfLaunch) -> Decision:
    """A worker was started that nobody waits for any more: it goes."""
    task = view.task
    if task is None or not isinstance(event, Launched):
        return NOTHING
    then = replace(task, attempt=event.attempt, launch=event.launch)
    return Decision(effects=(removal(then, 0.0),))


def launch_failed(view: View, task: Task, event: LaunchFailed, now: datetime) -> Decision:
    """Try again a little later, three times; then the task fails."""
    if task.status is Status.RUNNING:
        return NOTHING
    if task.ending:
        return finish(view, task, task.ending, now)
    if not event.retryable or task.launch_failures >= len(LAUNCH_WAITS):
        error = TaskError(
            event.code,
            "the worker could not be started",
            event.detail,
            f"Bellhop's own log, which its operator reads, says more of `{task.name}`.",
        )
        return finish(view, task, Ending(Status.FAILED, error), now)
    wait = timedelta(seconds=LAUNCH_WAITS[task.launch_failures])
    again = advance(
        task,
        Status.QUEUED,
        now,
        state="waiting_to_launch",
        message=event.detail,
        launch=task.launch + 1,
        launch_failures=task.launch_failures + 1,
        clocks=Clocks(retry_at=now + wait),
    )
    entry = Entry("warning", f"the launch failed: {event.detail}", {"status": "queued"})
    undone = RevokeTokens(key_of(task, f"{task.launch}/revoke"), task.id, task.attempt, task.launch)
    return Decision(again, (removal(task, 0.0), undone, status_edit(again)), (entry,))


def on_branch(view: View, event: BranchSeen) -> Decision:
    """People may have pushed to the branch while the task waited: the worker starts from there."""
    task = current(view, event)
    if task is None or task.status is not Status.STARTING or task.branches.head == event.head:
        return NOTHING  # once a worker pushes, what was seen before it counts no more
    return Decision(replace(task, branches=replace(task.branches, head=event.head, pushing=None)))


def on_claim(view: View, event: WorkerClaimed, now: datetime) -> Decision:
    """The first worker that asks has the attempt."""
    task = current(view, event)
    if task is None or long_over(task, now):
        return Decision(answer=Answer.STALE)
    if task.ended or task.ending or task.outcome or task.status is Status.QUEUED:
        return Decision(answer=Answer.ENDED)
    if task.status is Status.RUNNING:
        same = task.instance == event.instance
        return Decision(answer=Answer.OK if same else Answer.CLAIMED)
    limit = timedelta(seconds=task.wish.time_limit)
    running = advance(
        task,
        Status.RUNNING,
        now,
        state="cloning",
        message="",
        instance=event.instance,
        started_at=now,
        clocks=Clocks(heard_by=now + SILENCE, warn_at=now + limit * WARN_AT, deadline=now + limit),
    )
    entry = Entry("status", "a worker has begun", {"status": "running"})
    return Decision(running, (status_edit(running),), (entry,))
