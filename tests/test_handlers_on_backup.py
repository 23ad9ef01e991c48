"""Restored from a backup: what GitHub knows of an end counts, all else goes on or is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handlers.decision import NOTHING, Decision
from handlers.events import BackupRestored
from handlers.on_backup import UNKNOWN_LAUNCHES, UNTOLD
from handlers.task import PullRequest, Status, Task
from handlers.values import ErrorCode, FollowUp
from tests.makers import ADA, ID, MINUTE, NOON, after, kinds, now_task, opening, stopping, task_in

NOTHING_FOUND = BackupRestored(ID, 0)
PULL = PullRequest(9, "https://github.test/acme/door/pull/9")
NOW = NOON + MINUTE


@pytest.mark.parametrize("task", [task_in(Status.COMPLETED), task_in(Status.REJECTED), opening()])
def test_what_has_ended_or_is_about_to_goes_on_as_it_is(task: Task) -> None:
    assert after(task, NOTHING_FOUND, NOW) == NOTHING


def test_what_waits_waits_on_for_a_launch_that_nobody_can_have_made() -> None:
    decision = after(task_in(Status.QUEUED), NOTHING_FOUND, NOW)
    assert decision == Decision(task_in(Status.QUEUED, launch=1 + UNKNOWN_LAUNCHES))


@pytest.mark.parametrize("status", [Status.STARTING, Status.RUNNING])
def test_a_worker_of_which_nothing_is_known_is_lost(status: Status) -> None:
    decision = after(task_in(status), NOTHING_FOUND, NOW)
    task = now_task(decision)
    assert (task.status, task.attempt, task.lost) == (Status.QUEUED, 2, True)
    assert task.launch == 1 + UNKNOWN_LAUNCHES
    assert "Launch" not in kinds(decision.effects)
    again = now_task(after(task_in(status, lost=True), NOTHING_FOUND, NOW))
    assert (again.status, again.error and again.error.code) == (
        Status.FAILED,
        ErrorCode.WORKER_LOST,
    )


def test_what_was_being_stopped_has_stopped() -> None:
    assert now_task(after(stopping(), NOTHING_FOUND, NOW)).status is Status.CANCELLED


@pytest.mark.parametrize("status", [Status.QUEUED, Status.STARTING, Status.RUNNING])
def test_an_end_that_was_told_is_told_no_more(status: Status) -> None:
    decision = after(task_in(status), BackupRestored(ID, 1, PULL), NOW)
    task = now_task(decision)
    assert (task.status, task.pull, task.state.state) == (Status.COMPLETED, PULL, UNTOLD)
    assert {"Comment", "EditStatus", "RequestReview"}.isdisjoint(kinds(decision.effects))


def test_a_pull_request_without_its_final_comment_is_told_of() -> None:
    decision = after(task_in(Status.RUNNING), BackupRestored(ID, 0, PULL), NOW)
    assert now_task(decision).status is Status.COMPLETED
    assert {"Comment", "EditStatus", "RequestReview"} <= set(kinds(decision.effects))


def test_an_end_without_a_pull_request_is_not_known() -> None:
    task = now_task(after(task_in(Status.RUNNING), BackupRestored(ID, 1), NOW))
    assert (task.status, task.state.state) == (Status.FAILED, UNTOLD)
    assert task.error is not None
    assert "final comment" in task.error.remedy


def test_later_attempts_that_ended_are_not_made_again() -> None:
    waiting = replace(task_in(Status.RUNNING), pending=(FollowUp("m1", "And oil.", ADA),))
    task = now_task(after(waiting, BackupRestored(ID, 3, PULL), NOW))
    assert (task.attempt, task.pending) == (3, ())
