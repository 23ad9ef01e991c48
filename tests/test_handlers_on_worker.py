"""What workers and runners say, and what follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from handlers import events
from handlers.decision import NOTHING, Answer, Load
from handlers.effects import (
    Comment,
    Launch,
    OpenPullRequest,
    RequestReview,
    RevokeTokens,
    StopWorker,
)
from handlers.on_launch import LAUNCH_WAITS
from handlers.task import Branches, PullRequest, Status, Task
from handlers.values import Clocks, ErrorCode, TaskError, Usage
from tests.makers import (
    HEAD,
    HOUR,
    ID,
    MINUTE,
    NAME,
    NOON,
    ON_PULL,
    after,
    completed,
    kinds,
    now_task,
    of_launch,
    opening,
    stopping,
    task_in,
)

RUNNING = task_in(Status.RUNNING)
STARTING = task_in(Status.STARTING)
LAUNCH = (ID, 1, 1)
LATER = NOON + MINUTE
PUSHED = replace(RUNNING, branches=replace(RUNNING.branches, head=HEAD, pushed=True))


def failed_as(task: Task) -> ErrorCode:
    assert task.status is Status.FAILED
    assert task.error is not None
    return task.error.code


def test_a_free_place_is_taken_with_a_launch() -> None:
    decision = after(task_in(), events.PlaceOffered(ID))
    assert decision.effects[0] == Launch(f"{ID}/1/1/launch", ID, 1, 1)
    full = after(task_in(), events.PlaceOffered(ID), load=Load(total=10))
    assert full == NOTHING


def test_each_failed_launch_is_tried_again_later_until_it_is_given_up() -> None:
    task, waits = task_in(), []
    for _ in range(len(LAUNCH_WAITS)):
        starting = now_task(after(task, events.PlaceOffered(ID)))
        task = now_task(after(starting, events.LaunchFailed(*of_launch(starting), "no room")))
        assert task.clocks.retry_at is not None
        waits.append((task.clocks.retry_at - NOON).total_seconds())
    assert waits == [2, 8, 30]
    starting = now_task(after(task, events.PlaceOffered(ID)))
    code = ErrorCode.GITHUB_UNAVAILABLE
    failed = events.LaunchFailed(*of_launch(starting), "no room", code=code)
    assert failed_as(now_task(after(starting, failed))) is code


def test_tokens_of_a_failed_launch_are_revoked_beside_those_of_the_end() -> None:
    first = after(STARTING, events.LaunchFailed(*LAUNCH, "no room"))
    starting = replace(STARTING, launch=2, launch_failures=1)
    second = after(starting, events.LaunchFailed(*of_launch(starting), "none", retryable=False))
    revoked = [
        effect.key
        for effect in (*first.effects, *second.effects)
        if isinstance(effect, RevokeTokens)
    ]
    assert revoked == [f"{ID}/1/1/revoke", f"{ID}/1/revoke"]


def test_a_launch_that_can_never_work_is_given_up_at_once() -> None:
    failed = events.LaunchFailed(*LAUNCH, "no such runner", retryable=False)
    assert failed_as(now_task(after(STARTING, failed))) is ErrorCode.LAUNCH_FAILED


def test_a_stop_outlives_whatever_becomes_of_the_launch() -> None:
    for event in (
        events.LaunchFailed(*LAUNCH, "no room"),
        events.PermissionLost(*LAUNCH),
        events.WorkerExited(*LAUNCH, 1),
        events.WorkerGone(*LAUNCH),
    ):
        ended = now_task(after(stopping(Status.STARTING), event))
        assert (ended.status, ended.error) == (Status.CANCELLED, None)


def test_a_worker_that_nobody_waits_for_is_removed() -> None:
    (effect,) = after(task_in(Status.CANCELLED, attempt=2), events.Launched(*LAUNCH)).effects
    assert effect == StopWorker(f"{ID}/1/1/stop/0", ID, 1, 1, "process", 0.0)


def test_a_role_that_was_taken_away_ends_the_launch() -> None:
    assert failed_as(now_task(after(STARTING, events.PermissionLost(*LAUNCH)))) is (
        ErrorCode.NOT_PERMITTED
    )
    assert after(opening(), events.PermissionLost(*LAUNCH)) == NOTHING


def test_a_branch_that_moved_while_the_task_waited_is_where_it_starts() -> None:
    seen = events.BranchSeen(*LAUNCH, HEAD)
    moved = now_task(after(STARTING, seen))
    assert moved.branches.head == HEAD
    assert after(moved, seen) == NOTHING
    assert after(replace(PUSHED, attempt=1), events.BranchSeen(*LAUNCH, None)) == NOTHING


def test_the_first_worker_has_the_attempt_and_its_clocks() -> None:
    task = now_task(after(STARTING, events.WorkerClaimed(*LAUNCH, "one"), LATER))
    assert (task.instance, task.started_at) == ("one", LATER)
    assert task.clocks == Clocks(
        heard_by=LATER + 2 * MINUTE, warn_at=LATER + 24 * MINUTE, deadline=LATER + 30 * MINUTE
    )


@pytest.mark.parametrize(
    ("said", "state", "message", "entries"),
    [
        ({}, "working", "", []),
        ({"message": "oiling"}, "working", "oiling", ["status"]),
        ({"state": "pushing"}, "pushing", "", ["status"]),
        ({"state": "pushing", "message": "now"}, "pushing", "now", ["status"]),
        ({"progress": 40}, "working", "", ["progress"]),
        ({"progress": 0}, "working", "", []),
        ({"usage": Usage(1, 2, 0.5)}, "working", "", ["usage"]),
        ({"usage": Usage()}, "working", "", []),
    ],
)
def test_a_report_changes_what_it_names(
    said: dict[str, Any], state: str, message: str, entries: list[str]
) -> None:
    decision = after(RUNNING, events.WorkerReported(*LAUNCH, **said), LATER)
    task = now_task(decision)
    assert (task.state.state, task.state.message) == (state, message)
    assert task.clocks.heard_by == LATER + 2 * MINUTE
    assert [entry.type for entry in decision.timeline] == entries
    assert kinds(decision.effects) == (["EditStatus"] if entries else [])


@pytest.mark.parametrize(("told", "shown"), [(100, 99), (50, 50), (20, 30), (None, 30), (30, 30)])
def test_progress_never_falls_and_only_the_end_is_a_hundred(told: int | None, shown: int) -> None:
    task = replace(RUNNING, progress=30)
    assert now_task(after(task, events.WorkerReported(*LAUNCH, told))).progress == shown


def test_a_worker_that_is_to_stop_changes_neither_state_nor_clocks() -> None:
    before = stopping()
    task = now_task(after(before, events.WorkerReported(*LAUNCH, 40, "working", "still"), LATER))
    assert (task.state, task.clocks) == (before.state, before.clocks)


def test_a_warning_is_repeated_until_it_is_acknowledged() -> None:
    warned = replace(RUNNING, warning="80 %")
    assert now_task(after(warned, events.WorkerReported(*LAUNCH))).warning == "80 %"
    heard = events.WorkerReported(*LAUNCH, acknowledged=frozenset({events.TIME_WARNING}))
    assert now_task(after(warned, heard)).warning is None


@pytest.mark.parametrize(("cost", "over"), [(1.99, False), (2.0, False), (2.01, True)])
def test_above_the_cost_limit_the_worker_is_stopped(cost: float, *, over: bool) -> None:
    task = replace(RUNNING, wish=replace(RUNNING.wish, max_cost=2.0))
    event = events.WorkerReported(*LAUNCH, usage=Usage(cost_usd=cost))
    reported = now_task(after(task, event))
    assert (reported.ending is not None) is over
    assert reported.usage.cost_usd == cost
    if over:
        assert after(reported, event).effects == ()
        ended = now_task(after(reported, events.WorkerGone(*LAUNCH)))
        assert failed_as(ended) is ErrorCode.COST_LIMIT


# --- the end --------------------------------------------------------------------------------------


def test_what_was_pushed_becomes_a_pull_request() -> None:
    event = completed(PUSHED, summary="s", title="t", body="b", usage=Usage(1))
    decision = after(PUSHED, event)
    task = now_task(decision)
    assert (task.status, task.opening, task.clocks) == (Status.RUNNING, True, Clocks())
    assert (task.summary, task.title, task.body, task.usage) == ("s", "t", "b", Usage(1))
    assert decision.effects[0] == OpenPullRequest(f"{ID}/1/pull", ID, 1)
    ready = events.PullRequestReady(ID, 1, 9, "https://github.test/9", "open")
    done = after(task, ready)
    ended = now_task(done)
    assert (ended.status, ended.progress) == (Status.COMPLETED, 100)
    assert ended.pull == PullRequest(9, "https://github.test/9", "open")
    assert done.effects[-1] == RequestReview(f"{ID}/1/review", ended.where, 9, "ada")


def test_what_changed_nothing_is_completed_without_a_pull_request() -> None:
    ended = now_task(after(RUNNING, completed(RUNNING, summary="all well")))
    assert (ended.status, ended.pull, ended.summary) == (Status.COMPLETED, None, "all well")


def test_a_pull_request_that_a_worker_names_is_checked() -> None:
    effect = after(RUNNING, completed(RUNNING, pr_url="https://github.test/9")).effects[0]
    assert effect == OpenPullRequest(f"{ID}/1/pull", ID, 1, "https://github.test/9")


def test_a_completion_that_names_another_branch_fails() -> None:
    assert failed_as(now_task(after(PUSHED, completed(PUSHED, branch="main")))) is (
        ErrorCode.PR_FAILED
    )
    right = completed(PUSHED, branch=f"bellhop/{NAME}")
    assert now_task(after(PUSHED, right)).opening


def test_a_failure_says_what_the_worker_said() -> None:
    error = TaskError(ErrorCode.PUSH_REFUSED, "no", "d", "r", retryable=False)
    assert now_task(after(RUNNING, completed(RUNNING, status="failed", error=error))).error == error
    plain = now_task(after(RUNNING, completed(RUNNING, status="failed")))
    assert failed_as(plain) is ErrorCode.WORKER_FAILED


def test_the_first_completion_is_answered_for_a_day() -> None:
    ended = task_in(Status.COMPLETED, outcome="one")
    same, other = completed(ended, canonical="one"), completed(ended, canonical="other")
    day = NOON + timedelta(hours=24)
    assert (after(ended, same, day).answer, after(ended, other, day).answer) == (
        Answer.OK,
        Answer.CONFLICT,
    )
    assert after(ended, same, day + MINUTE).answer is Answer.STALE


@pytest.mark.parametrize(
    "event", [events.WorkerClaimed(*LAUNCH, "first-one"), events.WorkerReported(*LAUNCH)]
)
def test_a_worker_hears_for_a_day_that_its_attempt_has_ended(event: Any) -> None:
    ended, day = task_in(Status.COMPLETED), NOON + timedelta(hours=24)
    assert after(ended, event, day).answer is Answer.ENDED
    assert after(ended, event, day + MINUTE).answer is Answer.STALE


def test_after_a_stop_a_completion_is_kept_and_opens_nothing() -> None:
    stopped = stopping(branches=PUSHED.branches)
    decision = after(stopped, completed(stopped, canonical="one", summary="s"))
    assert (decision.answer, decision.effects) == (Answer.OK, ())
    ended = now_task(after(now_task(decision), events.WorkerExited(*LAUNCH, 0)))
    assert (ended.status, ended.outcome) == (Status.CANCELLED, "one")


@pytest.mark.parametrize(
    ("where", "asked", "pushed", "requested"),
    [
        (RUNNING.where, True, True, True),
        (RUNNING.where, False, True, False),
        (RUNNING.where, True, False, False),
        (ON_PULL, True, True, False),
    ],
)
def test_a_review_is_asked_for_where_there_is_something_new_to_see(
    where: Any, *, asked: bool, pushed: bool, requested: bool
) -> None:
    task = opening(where=where, wish=replace(RUNNING.wish, request_review=asked))
    known = None if pushed else PullRequest(9, "u")
    task = replace(task, branches=replace(task.branches, pushed=pushed), pull=known)
    done = after(task, events.PullRequestReady(ID, 1, 9, "u", "open"))
    assert ("RequestReview" in kinds(done.effects)) is requested


def test_a_pull_request_that_could_not_be_opened_is_opened_by_the_next_attempt() -> None:
    """Even if that attempt has nothing to add to the commits of the one before."""
    left = replace(RUNNING.branches, head="a" * 40, pushed=False)
    task = replace(RUNNING, branches=left)
    told = after(task, completed(task))
    assert "OpenPullRequest" in kinds(told.effects)
    done = after(now_task(told), events.PullRequestReady(ID, 1, 9, "u", "open"))
    assert now_task(done).branches.pushed
    assert "Done: u" in next(one.body for one in done.effects if isinstance(one, Comment))


@pytest.mark.parametrize(("code", "how"), [(3, "ended with code 3"), (None, "vanished")])
def test_a_worker_that_ends_unasked_is_lost_or_was_never_there(code: int | None, how: str) -> None:
    lost = now_task(after(RUNNING, events.WorkerExited(*LAUNCH, code)))
    assert (lost.attempt, lost.state.message) == (2, f"the worker {how}; it is started again")
    failed = now_task(after(STARTING, events.WorkerExited(*LAUNCH, code)))
    assert (failed.launch, failed.state.message) == (2, f"the worker {how} before its first call")


def test_what_a_lost_attempt_spent_is_not_counted_twice() -> None:
    spent = replace(RUNNING, usage=Usage(1, 2, 3.0), warning="80 %")
    lost = now_task(after(spent, events.WorkerExited(*LAUNCH, 1)))
    assert (lost.usage, lost.warning) == (Usage(), None)


# --- the push gate --------------------------------------------------------------------------------


def test_a_push_is_noted_before_and_after_it() -> None:
    begun = now_task(after(RUNNING, events.PushBegun(*LAUNCH, HEAD)))
    assert (begun.branches.pushing, begun.branches.pushed) == (HEAD, False)
    assert begun.state.state == "pushing"
    done = now_task(after(begun, events.Pushed(*LAUNCH, HEAD)))
    assert done.branches == Branches("main", "main", f"bellhop/{NAME}", HEAD, pushed=True)
    refused = after(begun, events.PushFailed(*LAUNCH, HEAD, "protected"))
    assert now_task(refused).branches == RUNNING.branches
    assert refused.timeline[0].message == "a push was refused: protected"


def test_what_github_took_is_so_even_for_an_attempt_that_is_over() -> None:
    newer = task_in(Status.RUNNING, attempt=2)
    moved = now_task(after(newer, events.Pushed(*LAUNCH, HEAD), NOON + HOUR))
    assert (moved.branches.head, moved.branches.pushed) == (HEAD, False)


def test_the_status_comment_is_kept_once() -> None:
    event = events.StatusCommented(ID, 4)
    noted = now_task(after(task_in(), event))
    assert noted.status_comment == 4
    assert after(noted, event) == NOTHING
