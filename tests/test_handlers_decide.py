"""Every event in every situation of a task, and the one table of moves."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from inline_snapshot import snapshot

from handlers import decide, events
from handlers.commands import Role
from handlers.decision import NOTHING, Answer, Decision
from handlers.effects import Comment, EditStatus, lane
from handlers.task import ENDED, TRANSITIONS, IllegalMove, PullRequest, Status, Task, advance
from handlers.values import Clocks, Usage
from tests.makers import (
    ADA,
    HEAD,
    HERE,
    HOUR,
    ID,
    MINUTE,
    NOON,
    after,
    completed,
    given,
    kinds,
    now_task,
    of_launch,
    opening,
    stopping,
    task_in,
    view,
)

SITUATIONS: dict[str, Task] = {
    **{status.value: task_in(status) for status in Status},
    "stopping": stopping(),
    "opening": opening(),
}
LAUNCH = (ID, 1, 1)
EVENTS: dict[str, events.Event] = {
    "undecidable": events.CommandUndecidable(ID, HERE, task_in().origin, "502"),
    "place offered": events.PlaceOffered(ID),
    "launched": events.Launched(*LAUNCH),
    "launch failed": events.LaunchFailed(*LAUNCH, "no room"),
    "permission lost": events.PermissionLost(*LAUNCH),
    "branch seen": events.BranchSeen(*LAUNCH, HEAD[:-1] + "c"),
    "claimed": events.WorkerClaimed(*LAUNCH, "first-one"),
    "claimed by a second": events.WorkerClaimed(*LAUNCH, "second-one"),
    "reported": events.WorkerReported(*LAUNCH, 40, "working", "oiling", Usage(1, 2, 0.5)),
    "completed": completed(task_in(), canonical="{}"),
    "completed otherwise": completed(task_in(), canonical='{"status":"failed"}', status="failed"),
    "worker cancelled": completed(task_in(), canonical="{}", status="cancelled"),
    "exited": events.WorkerExited(*LAUNCH, 1),
    "gone": events.WorkerGone(*LAUNCH),
    "push begun": events.PushBegun(*LAUNCH, HEAD),
    "pushed": events.Pushed(*LAUNCH, HEAD),
    "push failed": events.PushFailed(*LAUNCH, HEAD, "protected"),
    "pull ready": events.PullRequestReady(ID, 1, 9, "https://github.test/acme/door/pull/9", "open"),
    "pull failed": events.PullRequestFailed(ID, 1, "no commits between"),
    "status commented": events.StatusCommented(ID, 4),
    "clock before any is over": events.ClockStruck(ID),
    "restarted": events.Restarted(ID),
    "backup restored": events.BackupRestored(ID, 1, PullRequest(9, "https://github.test/pull/9")),
    "target gone": events.TargetGone(ID, "the repository was archived"),
    "issue closed": events.IssueClosed(ID),
    "renamed": events.RepositoryRenamed(ID, "acme/gate"),
    "pull merged": events.PullRequestClosed(ID, merged=True),
}


def told(task: Task, decision: Decision) -> str:
    """A decision in a few words: `-` is nothing at all."""
    words = [decision.answer.value] if decision.answer is not Answer.OK else []
    if decision.task is not None:
        same = decision.task.status is task.status
        words.append("saved" if same else f"-> {decision.task.status.value}")
        if decision.task.ending and not task.ending:
            words.append(f"stopping to be {decision.task.ending.status.value}")
    words += kinds(decision.effects)
    return " ".join(words) or "-"


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_is_decided_in_every_situation(name: str) -> None:
    rows = snapshot(
        {
            "undecidable": {"Comment": "everywhere"},
            "place offered": {
                "-> starting Launch EditStatus": "queued",
                "-": "starting running completed failed cancelled rejected stopping opening",
            },
            "launched": {
                "StopWorker": "queued completed failed cancelled rejected",
                "saved": "starting",
                "-": "running stopping opening",
            },
            "launch failed": {
                "-": "queued running completed failed cancelled rejected stopping opening",
                "-> queued StopWorker RevokeTokens EditStatus": "starting",
            },
            "permission lost": {
                "-": "queued completed failed cancelled rejected opening",
                "-> failed Comment EditStatus RevokeTokens StopWorker": "starting running",
                "-> cancelled Comment EditStatus RevokeTokens StopWorker": "stopping",
            },
            "branch seen": {
                "-": "queued running completed failed cancelled rejected stopping opening",
                "saved": "starting",
            },
            "claimed": {
                "ended": "queued completed failed cancelled rejected stopping opening",
                "-> running EditStatus": "starting",
                "-": "running",
            },
            "claimed by a second": {
                "ended": "queued completed failed cancelled rejected stopping opening",
                "-> running EditStatus": "starting",
                "claimed": "running",
            },
            "reported": {
                "ended": "queued starting completed failed cancelled rejected opening",
                "saved EditStatus": "running stopping",
            },
            "completed": {
                "ended": "queued starting failed cancelled rejected",
                "-> completed Comment EditStatus RevokeTokens StopWorker": "running",
                "-": "completed opening",
                "saved": "stopping",
            },
            "completed otherwise": {
                "ended": "queued starting failed cancelled rejected",
                "-> failed Comment EditStatus RevokeTokens StopWorker": "running",
                "conflict": "completed opening",
                "saved": "stopping",
            },
            "worker cancelled": {
                "ended": "queued starting failed cancelled rejected",
                "-> cancelled Comment EditStatus RevokeTokens StopWorker": "running",
                "-": "completed opening",
                "saved": "stopping",
            },
            "exited": {
                "-": "queued completed failed cancelled rejected opening",
                "-> queued StopWorker RevokeTokens EditStatus": "starting running",
                "-> cancelled Comment EditStatus RevokeTokens StopWorker": "stopping",
            },
            "gone": {
                "-": "queued starting running completed failed cancelled rejected opening",
                "-> cancelled Comment EditStatus RevokeTokens StopWorker": "stopping",
            },
            "push begun": {
                "ended": "queued starting completed failed cancelled rejected stopping opening",
                "saved": "running",
            },
            "pushed": {"saved": "everywhere"},
            "push failed": {"saved": "everywhere"},
            "pull ready": {
                "-": "queued starting running completed failed cancelled rejected stopping",
                "-> completed Comment EditStatus RevokeTokens StopWorker RequestReview": "opening",
            },
            "pull failed": {
                "-": "queued starting running completed failed cancelled rejected stopping",
                "-> failed Comment EditStatus RevokeTokens StopWorker": "opening",
            },
            "status commented": {"saved": "everywhere"},
            "clock before any is over": {"-": "everywhere"},
            "restarted": {"-": "everywhere"},
            "backup restored": {
                "-> completed RevokeTokens": "queued",
                "-> completed RevokeTokens StopWorker": "starting running stopping opening",
                "-": "completed failed cancelled rejected",
            },
            "target gone": {
                "-> failed Comment EditStatus RevokeTokens": "queued",
                "saved stopping to be failed StopWorker EditStatus": "starting running",
                "-": "completed failed cancelled rejected stopping",
                "-> failed Comment EditStatus RevokeTokens StopWorker": "opening",
            },
            "issue closed": {
                "-> cancelled Comment EditStatus RevokeTokens": "queued",
                "-": "starting running completed failed cancelled rejected stopping opening",
            },
            "renamed": {"saved": "everywhere"},
            "pull merged": {
                "-": "queued starting running failed cancelled rejected stopping opening",
                "saved EditStatus": "completed",
            },
        }
    )
    found: dict[str, list[str]] = {}
    for situation, task in SITUATIONS.items():
        found.setdefault(told(task, after(task, EVENTS[name])), []).append(situation)
    everywhere = {len(SITUATIONS): "everywhere"}
    row = {what: everywhere.get(len(at), " ".join(at)) for what, at in found.items()}
    assert row == rows[name]


@pytest.mark.parametrize("name", [name for name in EVENTS if name != "undecidable"])
def test_an_event_of_a_task_that_is_not_there_changes_nothing(name: str) -> None:
    decision = decide(view(None), EVENTS[name], NOON)
    assert replace(decision, answer=Answer.OK) == NOTHING


OLD = {name: event for name, event in EVENTS.items() if isinstance(event, events.OfLaunch)}


@pytest.mark.parametrize("name", OLD)
@pytest.mark.parametrize("changes", [{"attempt": 2}, {"launch": 2}])
def test_a_fact_about_another_launch_moves_nothing(name: str, changes: dict[str, int]) -> None:
    for task in SITUATIONS.values():
        newer = replace(task, **changes)
        saved = after(newer, OLD[name]).task
        assert saved is None or saved.status is newer.status
        assert name == "pushed" or saved is None


@pytest.mark.parametrize("name", ["claimed", "reported", "completed", "push begun", "push failed"])
def test_a_worker_with_an_older_token_is_told_so(name: str) -> None:
    assert after(task_in(Status.RUNNING, attempt=2), OLD[name]).answer is Answer.STALE
    assert decide(view(None), OLD[name], NOON).answer is Answer.STALE


MOVES = {(move.source, move.target) for move in TRANSITIONS}


def test_the_table_has_no_row_twice_and_gives_each_a_reason() -> None:
    assert len(MOVES) == len(TRANSITIONS)
    assert all(move.why for move in TRANSITIONS)
    assert [f"{move.source} -> {move.target}" for move in TRANSITIONS] == snapshot(
        [
            "queued -> starting",
            "queued -> rejected",
            "queued -> cancelled",
            "queued -> failed",
            "queued -> completed",
            "starting -> running",
            "starting -> queued",
            "starting -> failed",
            "starting -> cancelled",
            "starting -> completed",
            "running -> completed",
            "running -> failed",
            "running -> cancelled",
            "running -> queued",
            "completed -> queued",
            "failed -> queued",
            "cancelled -> queued",
        ]
    )


@pytest.mark.parametrize(("source", "target"), list(product(Status, Status)))
def test_advance_makes_the_moves_of_the_table_and_no_other(source: Status, target: Status) -> None:
    task = task_in(source)
    later = NOON + MINUTE
    if (source, target) not in MOVES:
        with pytest.raises(IllegalMove, match=f"cannot go from {source} to {target}"):
            advance(task, target, later, state="x")
        assert task == task_in(source)
        return
    moved = advance(task, target, later, state="x", message="y", progress=3)
    assert (moved.status, moved.progress, moved.updated_at) == (target, 3, later)
    assert (moved.state.timestamp, moved.state.state, moved.state.message) == (later, "x", "y")


LATER = NOON + 2 * HOUR
DOES: dict[tuple[Status, Status], tuple[Task, events.Event]] = {
    (Status.QUEUED, Status.STARTING): (task_in(), EVENTS["place offered"]),
    (Status.QUEUED, Status.CANCELLED): (task_in(), EVENTS["issue closed"]),
    (Status.QUEUED, Status.FAILED): (task_in(), EVENTS["target gone"]),
    (Status.QUEUED, Status.COMPLETED): (task_in(), EVENTS["backup restored"]),
    (Status.STARTING, Status.RUNNING): (task_in(Status.STARTING), EVENTS["claimed"]),
    (Status.STARTING, Status.QUEUED): (task_in(Status.STARTING), EVENTS["launch failed"]),
    (Status.STARTING, Status.FAILED): (
        task_in(Status.STARTING, launch_failures=3),
        EVENTS["launch failed"],
    ),
    (Status.STARTING, Status.CANCELLED): (stopping(Status.STARTING), EVENTS["gone"]),
    (Status.STARTING, Status.COMPLETED): (task_in(Status.STARTING), EVENTS["backup restored"]),
    (Status.RUNNING, Status.COMPLETED): (opening(), EVENTS["pull ready"]),
    (Status.RUNNING, Status.FAILED): (opening(), EVENTS["pull failed"]),
    (Status.RUNNING, Status.CANCELLED): (stopping(), EVENTS["gone"]),
    (Status.RUNNING, Status.QUEUED): (task_in(Status.RUNNING), EVENTS["exited"]),
    **{
        (status, Status.QUEUED): (task_in(status), given("/retry"))
        for status in ENDED - {Status.REJECTED}
    },
}


@pytest.mark.parametrize("move", DOES, ids="-".join)
def test_every_move_of_the_table_is_made_by_an_event(move: tuple[Status, Status]) -> None:
    task, event = DOES[move]
    assert task.status is move[0]
    assert now_task(after(task, event, LATER, issue_tasks=(task,))).status is move[1]


def test_no_move_of_the_table_is_without_an_event() -> None:
    refused = decide(view(None), given("/fix", role=Role.TRIAGE), NOON)
    assert now_task(refused).status is Status.REJECTED
    assert {*DOES, (Status.QUEUED, Status.REJECTED)} == MOVES


def test_a_merge_is_noted_once_whatever_the_task_does() -> None:
    pull = PullRequest(9, "https://github.test/acme/door/pull/9")
    for status in Status:
        decision = after(task_in(status, pull=pull), EVENTS["pull merged"])
        again = now_task(decision)
        assert again.pull == replace(pull, state="merged")
        assert [entry.message for entry in decision.timeline] == ["pull request merged"]
        assert after(again, EVENTS["pull merged"]) == NOTHING
    closed = after(task_in(pull=pull), events.PullRequestClosed(ID, merged=False))
    assert now_task(closed).pull == replace(pull, state="closed")


def test_facts_name_the_task_they_are_about() -> None:
    assert of_launch(task_in()) == LAUNCH
    assert task_in().owner == ADA
    assert Clocks().next() is None
    assert Clocks(heard_by=LATER, retry_at=NOON).next() == NOON


def test_a_task_of_no_issue_has_no_issue() -> None:
    assert HERE.issue == 7
    with pytest.raises(LookupError, match="no issue of acme/door"):
        _ = replace(HERE, number=None).issue


def test_comments_of_an_issue_wait_for_each_other_and_nothing_else_does() -> None:
    assert lane(Comment("key", HERE, "text")) == "issue:100/7"
    assert lane(EditStatus("key", HERE, ID)) is None


def test_what_may_have_been_written_to_give_orders_is_not_obeyed() -> None:
    branches = task_in().branches
    assert branches.config_from is None
    assert replace(branches, head=HEAD).config_from == "main"
    assert replace(branches, trusted="release").config_from == "release"
