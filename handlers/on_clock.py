"""Time passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from handlers.approval import expired
from handlers.decision import NOTHING, Decision, Entry, View
from handlers.ending import begin, finish, status_edit
from handlers.events import LaunchFailed
from handlers.launches import SILENCE
from handlers.on_launch import on_launch
from handlers.on_worker import lose
from handlers.task import BUSY, Ending, Status, Task
from handlers.values import ErrorCode, TaskError


def on_clock(view: View, now: datetime) -> Decision:
    """One of the task's clocks may have run out: the gravest counts."""
    task = view.task
    if task is None or task.ended:
        return NOTHING
    clocks = task.clocks
    if task.ending and _past(clocks.gone_by, now):
        return finish(view, task, task.ending, now)
    if _past(clocks.deadline, now):
        return begin(task, Ending(Status.FAILED, _timeout(task)), now)
    if _past(clocks.heard_by, now):
        return lose(view, task, "the worker was silent for two minutes", now)
    if _past(clocks.first_call_by, now):
        detail = "the worker made no call within five minutes"
        return on_launch(view, LaunchFailed(task.id, task.attempt, task.launch, detail), now)
    if task.awaiting and _past(clocks.expires_at, now):
        return finish(view, task, Ending(Status.REJECTED, expired()), now)
    if _past(clocks.warn_at, now):
        return _warn(task, now)
    return NOTHING


def on_restart(view: View, now: datetime) -> Decision:
    """Bellhop was away: no silence counts before workers had their time to be heard."""
    task = view.task
    if task is None or task.status not in BUSY:
        return NOTHING
    clocks = task.clocks
    later = replace(
        clocks,
        heard_by=_not_before(clocks.heard_by, now),
        first_call_by=_not_before(clocks.first_call_by, now),
    )
    return NOTHING if later == clocks else Decision(replace(task, clocks=later))


def _warn(task: Task, now: datetime) -> Decision:
    clocks = replace(task.clocks, warn_at=None)
    text = "80 % of the time limit is over: come to an end, and push what is worth keeping."
    warned = replace(task, clocks=clocks, updated_at=now, warning=text)
    entry = Entry("warning", "80 % of the time limit is over")
    return Decision(warned, (status_edit(warned),), (entry,))


def _timeout(task: Task) -> TaskError:
    minutes = f"{task.wish.time_limit / 60:g}"
    remedy = "Ask for less at a time, or for more time with `--time`."
    return TaskError(ErrorCode.TIMEOUT, f"the time limit of {minutes} minutes is over", "", remedy)


def _past(time: datetime | None, now: datetime) -> bool:
    return time is not None and time <= now


def _not_before(time: datetime | None, now: datetime) -> datetime | None:
    return None if time is None else max(time, now + SILENCE)
