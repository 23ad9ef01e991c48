"""What programs and people on a page may ask for, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from inline_snapshot import snapshot

from handlers import events
from handlers.circumstances import Circumstances
from handlers.commands import Role, parse
from handlers.decision import NOTHING, Brief, Decision, Defaults, Kept, Rules
from handlers.effects import Comment, DeleteTask, RevokeTokens, SendWebhook
from handlers.on_request import MOST_PENDING
from handlers.repo_config import ConfigProblem, RepoConfig
from handlers.task import Branches, Ending, PullRequest, Status, Task
from handlers.values import Clocks, ErrorCode, FollowUp, Origin, TaskError, Webhook
from tests.makers import (
    ADA,
    APP,
    BOB,
    HEAD,
    HERE,
    HOUR,
    ID,
    MINUTE,
    NAME,
    NOON,
    ON_PULL,
    PULL,
    RULES,
    after,
    completed,
    kinds,
    now_task,
    of_launch,
    opening,
    stopping,
    task_in,
)

LATER = NOON + MINUTE
NOWHERE = replace(HERE, number=None, title="")
BY_PROGRAM = Origin("api", 0, 0, "")
BROKEN = (ConfigProblem(1, "agnt", "no such key"),)
HOOK = Webhook("https://example.org/hook")
MORE = FollowUp("m1", "And the window", BOB)
GREEN = FollowUp("m2", "In green", ADA, model="gpt-5")

OPENING = opening()
STOPPING = stopping()
RUNNING = task_in(Status.RUNNING)
DONE = task_in(Status.COMPLETED)
FAILED = task_in(Status.FAILED)
REJECTED = task_in(Status.REJECTED)
EVERY = {
    **{status.value: task_in(status) for status in Status},
    "stopping": STOPPING,
    "opening": OPENING,
    "deleting": replace(DONE, deleting=True),
    "deleting while it stops": replace(STOPPING, deleting=True),
    "deleting while it opens": replace(OPENING, deleting=True),
}


def found(**changes: Any) -> Circumstances:
    usual: dict[str, Any] = {"role": Role.WRITE, "config": RepoConfig(), "default_branch": "main"}
    return Circumstances(**{**usual, **changes})


def asked(text: str = "/fix Oil the door", **changes: Any) -> events.WorkRequested:
    (command, *_) = parse(text, APP)
    usual: dict[str, Any] = {
        "task_id": ID,
        "command": command,
        "where": NOWHERE,
        "sender": ADA,
        "origin": BY_PROGRAM,
        "found": found(),
    }
    return events.WorkRequested(**{**usual, **changes})


def outcome(decision: Decision) -> str:
    """What a caller is told, in few words."""
    if decision.declined:
        field = f" {decision.declined.field}" if decision.declined.field else ""
        return f"{decision.declined.kind}{field}: {decision.declined.detail}"
    task = decision.task
    if task is None:
        return "nothing"
    return f"{task.status.value} {task.state.state}, attempt {task.attempt}"


def every(event: events.Event, **changes: Any) -> dict[str, str]:
    return {name: outcome(after(task, event, LATER, **changes)) for name, task in EVERY.items()}


def unchanged(decision: Decision) -> bool:
    return (decision.task, decision.effects, decision.timeline, decision.brief) == (
        *(None, (), ()),
        None,
    )


# --- a new task -----------------------------------------------------------------------------------


def test_a_program_gets_a_task_that_speaks_nowhere() -> None:
    event = asked(webhook=HOOK, metadata={"ticket": "7"}, found=found(context="what others said"))
    decision = after(task_in(), event, LATER)
    task = now_task(decision)
    assert (task.status, task.owner, task.requester) == (Status.QUEUED, ADA, ADA)
    assert (task.webhook, task.metadata, task.origin) == (HOOK, {"ticket": "7"}, BY_PROGRAM)
    assert task.branches == Branches("main", "main", f"bellhop/{NAME}")
    assert decision.effects == ()
    assert decision.brief == Brief("Oil the door", "what others said")
    assert [entry.data for entry in decision.timeline] == [{"status": "queued"}]


@pytest.mark.parametrize(
    ("task", "event"),
    [
        (None, asked()),
        (DONE, events.RetryRequested(ID, BOB, found())),
        (DONE, events.MessageSent(ID, MORE, found())),
    ],
)
def test_who_has_too_much_waiting_gets_no_more(task: Task | None, event: events.Event) -> None:
    rules = replace(RULES, max_queued_per_owner=1)
    decision = after(task, event, LATER, rules=rules, waiting={ADA.id: 1})
    assert outcome(decision) == snapshot(
        "busy: 1 task waits for a free place already, and no more may wait of one person. Ask again once some have begun, or stop those that are not wanted any more."
    )
    assert unchanged(decision)
    decision = after(task, event, LATER, rules=rules, waiting={BOB.id: 1})
    assert now_task(decision).status is Status.QUEUED


def test_a_message_that_was_taken_before_is_worked_on_whatever_waits() -> None:
    rules = replace(RULES, max_queued_per_owner=1)
    task = replace(DONE, pending=(MORE,))
    decision = after(task, events.FollowUpDue(ID), LATER, rules=rules, waiting={ADA.id: 1})
    assert now_task(decision).status is Status.QUEUED


def test_about_an_issue_the_status_comment_is_written() -> None:
    assert kinds(after(task_in(), asked(where=HERE)).effects) == ["EditStatus"]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (asked(found=found(role=Role.TRIAGE)), snapshot("forbidden: `/fix` needs the **write** role on this repository, and yours is **triage**. Ask somebody who has it, or a maintainer for the role.")),
        (asked(found=found(archived=True)), snapshot("conflict: The repository is archived, and nothing can be changed there.")),
        (asked(found=found(config=BROKEN)), snapshot("""\
conflict: `.github/bellhop.yml` on the default branch has mistakes, so nothing was started:

- line 1, `agnt`: no such key

Mend them there and ask again.\
""")),
        (asked(found=found(config=RepoConfig(agent="codex"))), snapshot("conflict: This Bellhop has no agent `codex`. It has: `command`.")),
        (asked("/fix --agent codex it"), snapshot("invalid agent: This Bellhop has no agent `codex`. It has: `command`.")),
        (asked("/fix --base gone it", found=found(base_missing=True)), snapshot("invalid branch: There is no branch `gone` here. Name one that exists.")),
        (asked("/fix --base main it", where=ON_PULL, found=found(pull=PULL)), snapshot("invalid branch: A base branch is for issues: on a pull request the work goes to its own branch.")),
        (asked(where=ON_PULL, found=found(pull=replace(PULL, same_repository=False))), snapshot("invalid issueNumber: This pull request comes from a fork, and Bellhop pushes only to branches of this repository. `/ask` works here; for a change, push the branch to this repository first.")),
        (asked(where=ON_PULL, found=found(pull=replace(PULL, open=False))), snapshot("invalid issueNumber: This pull request is closed. Reopen it, or ask on an issue.")),
        (asked(where=ON_PULL, found=found(pull=replace(PULL, protected=True))), snapshot("invalid issueNumber: `oil` is the default or a protected branch, and Bellhop never pushes to those. Open the pull request from a branch of its own.")),
    ],
)  # fmt: skip
def test_what_cannot_be_started_is_said_at_once(event: events.WorkRequested, told: str) -> None:
    decision = after(task_in(), event)
    assert unchanged(decision)
    assert outcome(decision) == told


# --- another attempt ------------------------------------------------------------------------------


def test_what_can_be_tried_again() -> None:
    assert every(events.RetryRequested(ID, BOB, found())) == snapshot(
        {
            "queued": "conflict: It is queued: only what has ended can be tried again.",
            "starting": "conflict: It is starting: only what has ended can be tried again.",
            "running": "conflict: It is running: only what has ended can be tried again.",
            "completed": "queued waiting_for_slot, attempt 2",
            "failed": "queued waiting_for_slot, attempt 2",
            "cancelled": "queued waiting_for_slot, attempt 2",
            "rejected": "conflict: It was refused at admission: ask for a new task.",
            "stopping": "conflict: It is running: only what has ended can be tried again.",
            "opening": "conflict: It is running: only what has ended can be tried again.",
            "deleting": "conflict: It is gone, or about to be.",
            "deleting while it stops": "conflict: It is gone, or about to be.",
            "deleting while it opens": "conflict: It is gone, or about to be.",
        }
    )


def test_a_retry_asks_for_what_was_asked_last() -> None:
    heads = {f"bellhop/{NAME}": "c" * 40}
    event = events.RetryRequested(ID, BOB, found(context="news", branch_heads=heads))
    decision = after(DONE, event, LATER)
    task = now_task(decision)
    assert (task.requester, task.owner, task.branches.head) == (BOB, ADA, "c" * 40)
    assert decision.brief == Brief(None, "news")
    assert [entry.data for entry in decision.timeline] == [{"status": "queued"}]


@pytest.mark.parametrize(
    ("task", "there", "told"),
    [
        (DONE, found(role=Role.TRIAGE), snapshot("forbidden: `/fix` needs the **write** role on this repository, and yours is **triage**. Ask somebody who has it, or a maintainer for the role.")),
        (DONE, found(archived=True), snapshot("conflict: The repository is archived, and nothing can be changed there.")),
        (DONE, found(config=BROKEN), snapshot("""\
conflict: `.github/bellhop.yml` on the default branch has mistakes, so nothing was started:

- line 1, `agnt`: no such key

Mend them there and ask again.\
""")),
        (DONE, found(pull=replace(PULL, open=False)), snapshot("conflict: This pull request is closed. Reopen it, or ask on an issue.")),
        (replace(DONE, wish=replace(DONE.wish, agent="codex")), found(), snapshot("conflict: This Bellhop has no agent `codex`. It has: `command`.")),
        (None, found(), snapshot("conflict: It is gone, or about to be.")),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_again(task: Task | None, there: Circumstances, told: str) -> None:
    decision = after(task, events.RetryRequested(ID, BOB, there))
    assert unchanged(decision)
    assert outcome(decision) == told


# --- a stop ---------------------------------------------------------------------------------------


def test_what_can_be_stopped() -> None:
    assert every(events.StopRequested(ID, BOB)) == snapshot(
        {
            "queued": "cancelled cancelled, attempt 1",
            "starting": "starting stopping, attempt 1",
            "running": "running stopping, attempt 1",
            "completed": "conflict: It is completed already: there is nothing to stop.",
            "failed": "conflict: It is failed already: there is nothing to stop.",
            "cancelled": "conflict: It is cancelled already: there is nothing to stop.",
            "rejected": "conflict: It is rejected already: there is nothing to stop.",
            "stopping": "nothing",
            "opening": "conflict: Its work is done and the pull request is being opened: too late to stop.",
            "deleting": "conflict: It is completed already: there is nothing to stop.",
            "deleting while it stops": "nothing",
            "deleting while it opens": "conflict: Its work is done and the pull request is being opened: too late to stop.",
        }
    )
    assert outcome(after(None, events.StopRequested(ID, BOB))) == snapshot(
        "conflict: It is gone, or about to be."
    )


def test_a_stop_by_request_is_a_stop_like_any_other() -> None:
    decision = after(RUNNING, events.StopRequested(ID, BOB), LATER)
    assert now_task(decision).ending == Ending(Status.CANCELLED, by="bob")
    assert kinds(decision.effects) == ["StopWorker", "EditStatus"]
    waiting = after(task_in(), events.StopRequested(ID, BOB), LATER)
    assert kinds(waiting.effects) == ["Comment", "EditStatus", "RevokeTokens"]


# --- messages -------------------------------------------------------------------------------------


def test_where_a_message_goes() -> None:
    assert every(events.MessageSent(ID, MORE, found())) == snapshot(
        {
            "queued": "queued waiting_for_slot, attempt 1",
            "starting": "starting starting, attempt 1",
            "running": "running working, attempt 1",
            "completed": "queued waiting_for_slot, attempt 2",
            "failed": "queued waiting_for_slot, attempt 2",
            "cancelled": "queued waiting_for_slot, attempt 2",
            "rejected": "conflict: It was refused at admission: ask for a new task.",
            "stopping": "conflict: It is being stopped. Send the message once it has ended.",
            "opening": "running opening_pull_request, attempt 1",
            "deleting": "conflict: It is gone, or about to be.",
            "deleting while it stops": "conflict: It is gone, or about to be.",
            "deleting while it opens": "conflict: It is gone, or about to be.",
        }
    )
    assert outcome(after(None, events.MessageSent(ID, MORE, found()))) == snapshot(
        "conflict: It is gone, or about to be."
    )


@pytest.mark.parametrize("task", [task_in(), task_in(Status.STARTING), RUNNING, OPENING])
def test_a_message_to_what_has_not_ended_waits_for_a_worker(task: Task) -> None:
    decision = after(task, events.MessageSent(ID, MORE, found()), LATER)
    assert decision.task == replace(task, pending=(MORE,), updated_at=LATER)
    assert decision.effects == ()
    (entry,) = decision.timeline
    assert (entry.type, entry.message, entry.data) == (
        "message",
        "And the window",
        {"id": "m1", "by": "bob"},
    )


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
def test_a_message_to_what_has_ended_is_another_attempt(status: Status) -> None:
    task = task_in(status)
    decision = after(task, events.MessageSent(ID, GREEN, found()), LATER)
    again = now_task(decision)
    assert (again.status, again.attempt, again.requester) == (Status.QUEUED, 2, ADA)
    assert (again.pending, again.wish.model, again.pull) == ((), "gpt-5", task.pull)
    assert again.wish.prompt == task.wish.prompt, "the task is still what it was called for"
    assert decision.brief == Brief("In green", None)
    assert kinds(decision.effects) == ["EditStatus"]
    assert [(one.type, one.data) for one in decision.timeline] == [
        ("message", {"id": "m2", "by": "ada"}),
        ("status", {"status": "queued", "answers": ["m2"]}),
    ]


@pytest.mark.parametrize(
    ("circumstances", "told"),
    [
        (
            found(archived=True),
            snapshot("conflict: The repository is archived, and nothing can be changed there."),
        ),
        (
            found(role=Role.TRIAGE),
            snapshot(
                "forbidden: `/fix` needs the **write** role on this repository, and yours is **triage**. Ask somebody who has it, or a maintainer for the role."
            ),
        ),
        (
            found(config=BROKEN),
            snapshot("""\
conflict: `.github/bellhop.yml` on the default branch has mistakes, so nothing was started:

- line 1, `agnt`: no such key

Mend them there and ask again.\
"""),
        ),
        (
            found(pull=replace(PULL, open=False)),
            snapshot("conflict: This pull request is closed. Reopen it, or ask on an issue."),
        ),
        (
            found(pull=replace(PULL, protected=True)),
            snapshot(
                "conflict: `oil` is the default or a protected branch, and Bellhop never pushes to those. Open the pull request from a branch of its own."
            ),
        ),
    ],
)
def test_a_message_begins_no_attempt_where_a_retry_would_not(
    circumstances: Circumstances, told: str
) -> None:
    task = replace(DONE, where=ON_PULL)
    decision = after(task, events.MessageSent(ID, MORE, circumstances), LATER)
    assert unchanged(decision)
    assert outcome(decision) == told
    retry = after(task, events.RetryRequested(ID, BOB, circumstances), LATER)
    assert outcome(retry) == outcome(decision)


def test_the_attempt_starts_where_the_branch_is_now_and_hears_the_news() -> None:
    there = found(branch_heads={f"bellhop/{NAME}": "c" * 40}, context="what others said")
    decision = after(DONE, events.MessageSent(ID, MORE, there), LATER)
    assert now_task(decision).branches.head == "c" * 40
    assert decision.brief == Brief("And the window", "what others said")


def test_what_ended_while_it_was_spoken_to_is_looked_at_first() -> None:
    decision = after(DONE, events.MessageSent(ID, MORE), LATER)
    assert unchanged(decision)
    assert outcome(decision) == (
        "conflict: It has ended just now. Send the message again, for another attempt."
    )


def test_a_message_that_cannot_begin_an_attempt_is_declined() -> None:
    task = replace(DONE, wish=replace(DONE.wish, agent="codex"))
    decision = after(task, events.MessageSent(ID, MORE, found()))
    assert unchanged(decision)
    assert outcome(decision) == snapshot(
        "conflict: This Bellhop has no agent `codex`. It has: `command`."
    )


def test_only_so_many_messages_wait() -> None:
    task = replace(RUNNING, pending=(MORE,) * MOST_PENDING)
    decision = after(task, events.MessageSent(ID, GREEN, found()))
    assert unchanged(decision)
    assert outcome(decision) == snapshot(
        "conflict: 20 messages wait already: wait until they are heard."
    )


def test_they_are_only_so_long_together() -> None:
    long = FollowUp("m3", "ü" * 8_000, BOB)
    task = replace(RUNNING, pending=(long,) * 3)
    assert (
        outcome(after(task, events.MessageSent(ID, MORE, found()))) == "running working, attempt 1"
    )
    decision = after(task, events.MessageSent(ID, long))
    assert unchanged(decision)
    assert outcome(decision) == snapshot(
        "conflict: The messages that wait would take more than 64 kB together: wait until they are heard, or send a shorter one."
    )
    escaped = FollowUp("m4", "\x01" * 8_000, BOB)
    one, two = replace(RUNNING, pending=()), replace(RUNNING, pending=(escaped,))
    assert outcome(after(one, events.MessageSent(ID, escaped))) == "running working, attempt 1"
    assert unchanged(after(two, events.MessageSent(ID, escaped))), "as they are kept"


def test_what_the_worker_has_dealt_with_waits_no_more() -> None:
    task = replace(RUNNING, pending=(MORE, GREEN))
    one = events.WorkerReported(*of_launch(task), acknowledged=frozenset({"m1", "unheard-of"}))
    decision = after(task, one)
    assert now_task(decision).pending == (GREEN,)
    assert decision.effects == (), "the status comment says nothing of it"
    (entry,) = decision.timeline
    assert (entry.message, entry.data) == (
        "the worker has dealt with a message",
        {"acknowledged": ["m1"]},
    )
    both = events.WorkerReported(*of_launch(task), acknowledged=frozenset({"m1", "m2"}))
    assert [entry.message for entry in after(task, both).timeline] == [
        "the worker has dealt with 2 messages"
    ]


def settled(task: Task, event: events.Event) -> tuple[Decision, Decision | None]:
    """An event and what follows at once."""
    first = after(task, event, LATER)
    if first.then is None:
        return first, None
    return first, after(now_task(first), first.then, LATER)


RETRYABLE = TaskError(ErrorCode.WORKER_FAILED, "it broke")
FATAL = replace(RETRYABLE, retryable=False)
ENDS: dict[str, tuple[Task, events.Event, Status, bool]] = {
    "completed with nothing to open": (RUNNING, completed(RUNNING), Status.COMPLETED, True),
    "completed and opened": (
        OPENING,
        events.PullRequestReady(ID, 1, 9, "https://github.test/9", "open"),
        Status.COMPLETED,
        True,
    ),
    "not opened": (OPENING, events.PullRequestFailed(ID, 1, "no"), Status.FAILED, True),
    "failed": (
        RUNNING,
        completed(RUNNING, status="failed", error=RETRYABLE),
        Status.FAILED,
        True,
    ),
    "failed for good": (
        RUNNING,
        completed(RUNNING, status="failed", error=FATAL),
        Status.FAILED,
        False,
    ),
    "lost twice": (
        replace(RUNNING, lost=True),
        events.WorkerExited(*of_launch(RUNNING), 1),
        Status.FAILED,
        True,
    ),
    "stopped": (STOPPING, events.WorkerGone(*of_launch(STOPPING)), Status.CANCELLED, False),
    "stopped by its own worker": (
        RUNNING,
        completed(RUNNING, status="cancelled"),
        Status.CANCELLED,
        False,
    ),
    "the repository is gone": (
        OPENING,
        events.TargetGone(ID, "the repository was archived"),
        Status.FAILED,
        False,
    ),
    "deleted while it was opened": (
        replace(OPENING, deleting=True),
        events.PullRequestReady(ID, 1, 9, "https://github.test/9", "open"),
        Status.COMPLETED,
        False,
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_messages_that_nobody_heard_begin_an_attempt_or_are_said_to_be_dropped(name: str) -> None:
    task, event, status, goes_on = ENDS[name]
    first, second = settled(replace(task, pending=(MORE, GREEN)), event)
    ended = now_task(first)
    assert ended.status is status
    assert sum(isinstance(one, Comment) and one.final for one in first.effects) == 1
    dropped = [one.data["dropped"] for one in first.timeline if "dropped" in one.data]
    if goes_on:
        assert second is not None
        again = now_task(second)
        assert (again.status, again.attempt, again.pending) == (Status.QUEUED, 2, ())
        assert second.brief == Brief("And the window\n\nIn green", None)
        assert (again.requester, again.wish.model) == (ADA, "gpt-5")
        assert second.timeline[-1].data["answers"] == ["m1", "m2"]
        assert dropped == []
    else:
        assert (second, ended.pending) == (None, ())
        assert dropped == [["m1", "m2"]]


def test_a_lost_worker_leaves_its_messages_to_the_next_one() -> None:
    task = replace(RUNNING, pending=(MORE,))
    decision = after(task, events.WorkerExited(*of_launch(task), 1))
    assert decision.then is None
    assert (now_task(decision).attempt, now_task(decision).pending) == (2, (MORE,))


def test_messages_for_which_no_attempt_is_allowed_are_said_to_be_dropped() -> None:
    task = replace(DONE, pending=(MORE,), wish=replace(DONE.wish, agent="codex"))
    decision = after(task, events.FollowUpDue(ID), LATER)
    assert now_task(decision) == replace(task, pending=(), updated_at=LATER)
    assert decision.declined is None
    (entry,) = decision.timeline
    assert (entry.type, entry.message, entry.data) == (
        "warning",
        "1 message was not answered: This Bellhop has no agent `codex`. It has: `command`.",
        {"dropped": ["m1"]},
    )


@pytest.mark.parametrize("task", [None, RUNNING, replace(RUNNING, pending=(MORE,)), DONE])
def test_nothing_follows_where_nothing_waits(task: Task | None) -> None:
    assert after(task, events.FollowUpDue(ID)) == NOTHING


# --- more time ------------------------------------------------------------------------------------

ROOM = Rules(APP, time_limit=3600)


def test_what_can_be_extended() -> None:
    assert every(events.ExtensionRequested(ID, 600), rules=ROOM) == snapshot(
        {
            "queued": "queued waiting_for_slot, attempt 1",
            "starting": "starting starting, attempt 1",
            "running": "running working, attempt 1",
            "completed": "conflict: It has ended or is about to: there is nothing left to extend.",
            "failed": "conflict: It has ended or is about to: there is nothing left to extend.",
            "cancelled": "conflict: It has ended or is about to: there is nothing left to extend.",
            "rejected": "conflict: It has ended or is about to: there is nothing left to extend.",
            "stopping": "conflict: It has ended or is about to: there is nothing left to extend.",
            "opening": "conflict: It has ended or is about to: there is nothing left to extend.",
            "deleting": "conflict: It has ended or is about to: there is nothing left to extend.",
            "deleting while it stops": "conflict: It has ended or is about to: there is nothing left to extend.",
            "deleting while it opens": "conflict: It has ended or is about to: there is nothing left to extend.",
        }
    )
    assert outcome(after(None, events.ExtensionRequested(ID, 60))) == snapshot(
        "conflict: It is gone, or about to be."
    )


def test_more_time_moves_the_clocks_of_a_task_at_work() -> None:
    decision = after(RUNNING, events.ExtensionRequested(ID, 1200), LATER, rules=ROOM)
    task = now_task(decision)
    assert task.wish.time_limit == 3000
    assert task.clocks == replace(
        RUNNING.clocks, warn_at=NOON + 40 * MINUTE, deadline=NOON + 50 * MINUTE
    )
    assert kinds(decision.effects) == ["EditStatus"]
    assert [(one.message, one.data) for one in decision.timeline] == [
        ("1200 seconds more", {"timeLimit": 3000})
    ]


def test_more_time_before_the_start_is_more_time_later() -> None:
    task = now_task(after(task_in(), events.ExtensionRequested(ID, 1200), rules=ROOM))
    assert (task.wish.time_limit, task.clocks) == (3000, Clocks())


@pytest.mark.parametrize(
    ("seconds", "warned", "warn_at"),
    [
        (1200, None, 40),  # the warning was too early: it is taken back, and comes again
        (30, "hurry", None),  # even now most of the time is over
    ],
)
def test_a_warning_that_came_too_early_is_taken_back(
    seconds: int, warned: str | None, warn_at: int | None
) -> None:
    task = replace(RUNNING, warning="hurry", clocks=replace(RUNNING.clocks, warn_at=None))
    now = NOON + 25 * MINUTE
    longer = now_task(after(task, events.ExtensionRequested(ID, seconds), now, rules=ROOM))
    assert longer.warning == warned
    assert longer.clocks.warn_at == (None if warn_at is None else NOON + warn_at * MINUTE)
    assert longer.clocks.deadline == NOON + 30 * MINUTE + timedelta(seconds=seconds)


def test_a_warning_that_is_due_is_not_lost_by_more_time() -> None:
    """The clock had run out, and nobody had looked yet."""
    now = NOON + 25 * MINUTE
    heard = replace(RUNNING, clocks=replace(RUNNING.clocks, heard_by=NOON + HOUR))
    longer = now_task(after(heard, events.ExtensionRequested(ID, 30), now, rules=ROOM))
    assert longer.clocks.warn_at is not None
    assert longer.clocks.warn_at <= now
    assert now_task(after(longer, events.ClockStruck(ID), now, rules=ROOM)).warning


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (
            1800,
            snapshot(
                "invalid seconds: The operator allows 1800 seconds in all, which leaves 0 to add."
            ),
        ),
        (
            1000,
            snapshot(
                "invalid seconds: The operator allows 1000 seconds in all, which leaves 0 to add."
            ),
        ),
    ],
)
def test_the_operator_says_how_long_a_task_may_take(limit: int, told: str) -> None:
    rules = Rules(APP, time_limit=limit)
    decision = after(RUNNING, events.ExtensionRequested(ID, 60), rules=rules)
    assert unchanged(decision)
    assert outcome(decision) == told


@pytest.mark.parametrize(
    ("file", "kept", "told"),
    [
        (
            2400,
            Kept(),
            snapshot(
                "invalid seconds: The repository's `.github/bellhop.yml` allows 2400 seconds in all, which leaves 600 to add."
            ),
        ),
        (
            None,
            Kept(Defaults(time_limit=1800), Defaults(time_limit=3000)),
            snapshot(
                "invalid seconds: The installation allows 1800 seconds in all, which leaves 0 to add."
            ),
        ),
        (
            None,
            Kept(person=Defaults(time_limit=1900)),
            snapshot(
                "invalid seconds: Whoever asked for this attempt allows 1900 seconds in all, which leaves 100 to add."
            ),
        ),
    ],
)
def test_more_time_widens_nobodys_limit(file: int | None, kept: Kept, told: str) -> None:
    task = replace(RUNNING, wish=replace(RUNNING.wish, repository_time_limit=file))
    decision = after(task, events.ExtensionRequested(ID, 900), rules=ROOM, kept=kept)
    assert unchanged(decision)
    assert outcome(decision) == told


def test_a_retry_keeps_to_what_the_repository_allows_today() -> None:
    narrow = RepoConfig(time_limit=600, max_cost=1.5)
    task = now_task(after(DONE, events.RetryRequested(ID, BOB, found(config=narrow)), LATER))
    assert (task.wish.time_limit, task.wish.max_cost) == (600, 1.5)


# --- deletion -------------------------------------------------------------------------------------


def test_what_can_be_removed() -> None:
    assert every(events.DeletionRequested(ID, ADA)) == snapshot(
        {
            "queued": "cancelled cancelled, attempt 1",
            "starting": "starting stopping, attempt 1",
            "running": "running stopping, attempt 1",
            "completed": "completed completed, attempt 1",
            "failed": "failed failed, attempt 1",
            "cancelled": "cancelled cancelled, attempt 1",
            "rejected": "rejected rejected, attempt 1",
            "stopping": "running stopping, attempt 1",
            "opening": "running opening_pull_request, attempt 1",
            "deleting": "nothing",
            "deleting while it stops": "nothing",
            "deleting while it opens": "nothing",
        }
    )
    assert outcome(after(None, events.DeletionRequested(ID, ADA))) == snapshot(
        "conflict: It is gone, or about to be."
    )


def deletions(decision: Decision) -> int:
    return sum(isinstance(one, DeleteTask) for one in decision.effects)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.REJECTED])
def test_what_has_ended_is_removed_at_once(status: Status) -> None:
    decision = after(task_in(status), events.DeletionRequested(ID, ADA))
    assert decision.effects == (DeleteTask(f"{ID}/delete", ID),)
    assert now_task(decision).deleting


@pytest.mark.parametrize(
    ("task", "last", "status"),
    [
        (RUNNING, events.WorkerGone(*of_launch(RUNNING)), Status.CANCELLED),
        (
            task_in(Status.STARTING),
            events.LaunchFailed(*of_launch(RUNNING), "no room"),
            Status.CANCELLED,
        ),
        (
            OPENING,
            events.PullRequestReady(ID, 1, 9, "https://github.test/9", "open"),
            Status.COMPLETED,
        ),
        (OPENING, events.PullRequestFailed(ID, 1, "no"), Status.FAILED),
        (STOPPING, events.WorkerGone(*of_launch(RUNNING)), Status.CANCELLED),
    ],
)
def test_what_has_not_ended_ends_first(task: Task, last: events.Event, status: Status) -> None:
    going = after(task, events.DeletionRequested(ID, ADA), LATER)
    assert deletions(going) == 0
    ended = after(now_task(going), last, LATER)
    assert now_task(ended).status is status
    assert deletions(ended) == 1
    (final,) = [one for one in ended.effects if isinstance(one, Comment)]
    assert "/retry" not in final.body


def test_what_waits_ends_and_is_removed_at_once() -> None:
    decision = after(task_in(pending=(MORE,)), events.DeletionRequested(ID, ADA))
    assert now_task(decision).status is Status.CANCELLED
    assert kinds(decision.effects) == ["Comment", "EditStatus", "RevokeTokens", "DeleteTask"]
    assert decision.then is None


# --- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "sent"), [(("completed",), 1), (("failed",), 0)])
def test_a_program_is_told_of_the_ends_it_asked_for(wanted: tuple[str, ...], sent: int) -> None:
    hook = replace(HOOK, events=wanted)
    task = opening(webhook=hook, where=NOWHERE)
    ready = events.PullRequestReady(ID, 1, 9, "https://github.test/9", "open")
    decision = after(task, ready, LATER)
    told = [one for one in decision.effects if isinstance(one, SendWebhook)]
    assert len(told) == sent
    assert not any(isinstance(one, Comment) for one in decision.effects)
    for one in told:
        assert (one.key, one.message_id) == (
            f"{ID}/1/webhook",
            f"msg_{ID.replace('-', '')}_1",
        )
        assert (one.owner_id, one.url, one.attempt) == (ADA.id, HOOK.url, 1)
        assert '"prUrl":"https://github.test/9"' in one.body


def test_an_end_with_messages_says_that_it_goes_on() -> None:
    decision = after(replace(RUNNING, pending=(MORE,)), completed(RUNNING, status="failed"))
    (final,) = [one for one in decision.effects if isinstance(one, Comment)]
    assert final.body == snapshot("""\
❌ `brave-otter-4f2` failed: the agent failed.

Another attempt begins with what was said meanwhile.\
""")


def test_every_attempt_of_a_follow_up_is_its_own() -> None:
    """The second attempt's wishes have other keys than the first one's."""
    again = now_task(after(DONE, events.MessageSent(ID, MORE, found()), LATER))
    running = replace(
        again, status=Status.RUNNING, started_at=LATER, clocks=Clocks(heard_by=NOON + HOUR)
    )
    decision = after(running, completed(running), LATER)
    assert {one.key for one in decision.effects if isinstance(one, Comment | RevokeTokens)} == {
        f"{ID}/2/final",
        f"{ID}/2/revoke",
    }
    assert now_task(decision).pull == PullRequest(9, "https://github.test/acme/door/pull/9")
    assert running.branches == replace(DONE.branches, pushed=False, head=HEAD)


# --- outsiders' text ------------------------------------------------------------------------------


@pytest.mark.parametrize("was", [True, False])
@pytest.mark.parametrize("shown", [True, False])
def test_what_reached_an_attempt_reaches_those_that_follow(*, was: bool, shown: bool) -> None:
    """They are told of it; whether workflows run is what the file says by then."""
    before = replace(FAILED, outsiders=was)
    for ci in ("run", "skip"):
        config = RepoConfig(ci=ci)
        there = found(outsiders=shown, config=config)
        made = now_task(after(None, asked(found=there), name=NAME))
        assert (made.outsiders, made.skip_ci) == (shown, shown and ci == "skip")
        for event in (
            events.RetryRequested(ID, BOB, there),
            events.MessageSent(ID, MORE, there),
        ):
            again = now_task(after(before, event))
            assert (again.attempt, again.outsiders) == (2, was or shown)
            assert again.skip_ci is (again.outsiders and ci == "skip")
    follows = after(replace(before, pending=(MORE,)), events.FollowUpDue(ID))
    assert now_task(follows).outsiders is was
