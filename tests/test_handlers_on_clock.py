"""Time passed: the gravest clock counts, and no silence while Bellhop was away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from handlers import events
from handlers.decision import NOTHING
from handlers.task import Status, Task
from handlers.values import Clocks, ErrorCode
from tests.makers import HOUR, ID, MINUTE, NOON, SECOND, after, kinds, now_task, stopping, task_in

STRUCK = events.ClockStruck(ID)
RUNNING = task_in(Status.RUNNING)


@pytest.mark.parametrize(
    ("task", "at"),
    [
        (RUNNING, 2 * MINUTE),
        (task_in(Status.STARTING), 5 * MINUTE),
        (stopping(), 5 * MINUTE),
    ],
)
def test_a_clock_runs_out_on_the_second(task: Task, at: timedelta) -> None:
    assert after(task, STRUCK, NOON + at - SECOND) == NOTHING
    assert after(task, STRUCK, NOON + at).task is not None


def test_a_silent_worker_is_lost_once_and_then_for_good() -> None:
    now = NOON + 2 * MINUTE
    decision = after(RUNNING, STRUCK, now)
    again = now_task(decision)
    assert (again.status, again.attempt, again.launch, again.lost) == (Status.QUEUED, 2, 1, True)
    assert (again.clocks, again.instance, again.progress) == (Clocks(), None, 0)
    assert (again.queued_at, again.started_at) == (now, None)
    assert kinds(decision.effects) == ["StopWorker", "RevokeTokens", "EditStatus"]
    ended = now_task(after(replace(RUNNING, lost=True), STRUCK, now))
    assert ended.status is Status.FAILED
    assert ended.error is not None
    assert ended.error.code is ErrorCode.WORKER_LOST


def test_a_worker_that_never_calls_is_a_launch_that_failed() -> None:
    decision = after(task_in(Status.STARTING), STRUCK, NOON + 5 * MINUTE)
    task = now_task(decision)
    assert (task.status, task.launch, task.launch_failures) == (Status.QUEUED, 2, 1)
    assert task.state.message == "the worker made no call within five minutes"


def test_at_the_time_limit_the_worker_is_stopped_and_the_task_fails() -> None:
    heard = replace(RUNNING, clocks=replace(RUNNING.clocks, heard_by=NOON + HOUR))
    decision = after(heard, STRUCK, NOON + 30 * MINUTE)
    task = now_task(decision)
    assert (task.status, task.state.state) == (Status.RUNNING, "stopping")
    assert task.ending is not None
    assert task.ending.error is not None
    assert task.ending.error.code is ErrorCode.TIMEOUT
    assert task.ending.error.title == "the time limit of 30 minutes is over"
    assert kinds(decision.effects) == ["StopWorker", "EditStatus"]
    ended = now_task(after(task, STRUCK, NOON + 35 * MINUTE))
    assert (ended.status, ended.error) == (Status.FAILED, task.ending.error)


def test_the_time_limit_is_graver_than_silence() -> None:
    task = now_task(after(RUNNING, STRUCK, NOON + HOUR))
    assert task.ending is not None


def test_most_of_the_time_is_over_is_said_once() -> None:
    heard = replace(RUNNING, clocks=replace(RUNNING.clocks, heard_by=NOON + HOUR))
    decision = after(heard, STRUCK, NOON + 24 * MINUTE)
    warned = now_task(decision)
    assert warned.clocks == replace(heard.clocks, warn_at=None)
    assert warned.warning
    assert [entry.type for entry in decision.timeline] == ["warning"]
    assert after(warned, STRUCK, NOON + 25 * MINUTE) == NOTHING


def test_a_worker_that_does_not_go_is_counted_as_gone() -> None:
    ended = now_task(after(stopping(), STRUCK, NOON + 5 * MINUTE))
    assert (ended.status, ended.clocks) == (Status.CANCELLED, Clocks())


def test_after_a_restart_workers_have_two_minutes_to_be_heard() -> None:
    late = NOON + HOUR
    running = now_task(after(RUNNING, events.Restarted(ID), late))
    assert running.clocks == replace(RUNNING.clocks, heard_by=late + 2 * MINUTE)
    starting = now_task(after(task_in(Status.STARTING), events.Restarted(ID), late))
    assert starting.clocks == Clocks(first_call_by=late + 2 * MINUTE)
    assert after(RUNNING, events.Restarted(ID), NOON - SECOND) == NOTHING
