"""Something happened to the place where a task belongs."""

from __future__ import annotations

from handlers import events
from handlers.decision import NOTHING
from handlers.task import Status
from handlers.values import ErrorCode
from tests.makers import ID, NOON, after, now_task, of_launch, opening, task_in

GONE = events.TargetGone(ID, "the repository was archived")


def test_what_works_where_nothing_is_any_more_is_stopped_and_fails() -> None:
    stopped = now_task(after(task_in(Status.RUNNING), GONE))
    assert stopped.state.message == "the repository was archived"
    ended = now_task(after(stopped, events.WorkerGone(*of_launch(stopped))))
    assert ended.status is Status.FAILED
    assert ended.error is not None
    assert (ended.error.code, ended.error.retryable) == (ErrorCode.REPOSITORY_GONE, False)


def test_what_waits_or_is_nearly_done_fails_at_once() -> None:
    for task in (task_in(), opening()):
        assert now_task(after(task, GONE)).status is Status.FAILED


def test_a_closed_issue_takes_back_what_waits() -> None:
    ended = after(task_in(), events.IssueClosed(ID))
    assert now_task(ended).status is Status.CANCELLED
    assert "was stopped by closing the issue" in getattr(ended.effects[0], "body", "")


def test_a_new_name_of_the_repository_is_taken_over_once() -> None:
    event = events.RepositoryRenamed(ID, "acme/gate")
    renamed = now_task(after(task_in(Status.COMPLETED), event))
    assert (renamed.where.repository, renamed.where.repository_id) == ("acme/gate", 100)
    assert renamed.updated_at == NOON
    assert after(renamed, event) == NOTHING
