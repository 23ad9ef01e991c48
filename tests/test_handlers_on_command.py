"""What follows from a command: work, a new attempt, a stop, an answer, or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from inline_snapshot import snapshot

from handlers import decide, events
from handlers.circumstances import PullFacts
from handlers.commands import Role
from handlers.decision import NOTHING, Brief, Decision
from handlers.effects import Comment, React
from handlers.on_command import is_of_other_bots, pick_retry
from handlers.repo_config import ConfigProblem, RepoConfig
from handlers.task import Branches, Status, Task
from handlers.values import Clocks, Origin, Usage
from tests.makers import (
    ADA,
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
    folded,
    given,
    id_of,
    kinds,
    now_task,
    opening,
    stopping,
    task_in,
    view,
)

LATER = NOON + HOUR
BAD = (ConfigProblem(1, "x", "is wrong"),)


def body_of(decision: Decision) -> str:
    """The text of the one comment that is new."""
    (body,) = [one.body for one in decision.effects if isinstance(one, Comment)]
    return body


def test_fix_makes_a_queued_task_with_a_branch_of_its_own() -> None:
    event = given("/fix --time 5m Oil *the* door", context="comments", base_missing=False)
    decision = decide(view(), event, LATER)
    task = now_task(decision)
    assert (task.id, task.name, task.version) == (ID, NAME, 0)
    assert (task.status, task.state.state) == (Status.QUEUED, "waiting_for_slot")
    assert (task.owner, task.requester, task.where, task.origin) == (
        ADA,
        ADA,
        HERE,
        event.origin,
    )
    assert (task.wish.prompt, task.wish.time_limit) == ("Oil *the* door", 300)
    assert task.branches == Branches("main", "main", f"bellhop/{NAME}")
    assert {task.created_at, task.queued_at, task.updated_at, task.state.timestamp} == {LATER}
    assert decision.brief == Brief("Oil *the* door", "comments")
    assert kinds(decision.effects) == ["React", "EditStatus"]
    assert [entry.message for entry in decision.timeline] == ["/fix was admitted"]
    assert decision.refusal is None


@pytest.mark.parametrize(
    ("changes", "outsiders"),
    [({}, False), ({"outsiders": True}, True), ({"role": Role.TRIAGE}, True)],
)
def test_whose_words_reach_the_agent_is_known(changes: dict[str, Any], *, outsiders: bool) -> None:
    assert now_task(decide(view(), given("/ask why?", **changes), NOON)).outsiders is outsiders


@pytest.mark.parametrize(
    ("text", "changes", "branches"),
    [
        ("/fix --base release it", {}, Branches("release", "main", f"bellhop/{NAME}")),
        (
            "/fix",
            {"where": ON_PULL, "pull": PULL},
            Branches("main", "main", "oil", "a" * 40),
        ),
        ("/ask why?", {}, Branches("main", "main")),
        ("/ask --base release why?", {}, Branches("release", "main")),
        ("/ask why?", {"where": ON_PULL, "pull": PULL}, Branches("oil", "main", trusted="main")),
        (
            "/ask why?",
            {"where": ON_PULL, "pull": replace(PULL, same_repository=False)},
            Branches("main", "main"),
        ),
    ],
)
def test_where_work_starts_and_where_it_may_push(
    text: str, changes: dict[str, Any], branches: Branches
) -> None:
    assert now_task(decide(view(), given(text, **changes), NOON)).branches == branches


def test_eyes_are_put_under_what_asked_once_for_all_its_commands() -> None:
    def eyes(origin: Origin) -> React:
        effect = decide(view(), given("/fix", origin=origin), NOON).effects[0]
        assert isinstance(effect, React)
        return effect

    assert eyes(Origin("comment", 5, 0, "")) == eyes(Origin("comment", 5, 3, ""))
    assert eyes(Origin("comment", 5, 0, "")) == React("comment/5/eyes", HERE, 5)
    assert eyes(Origin("issue", 5, 0, "")) == React("issue/5/eyes", HERE, None)


@pytest.mark.parametrize(
    "text", ["/stop", "/tell it more", "/retry", "/status", "/help", "/Retry the build", "/STOP x"]
)
def test_words_that_other_bots_know_too_mean_us_only_where_we_have_a_task(text: str) -> None:
    event = given(text, role=Role.ADMIN)
    assert is_of_other_bots(event.command)
    assert decide(view(), event, NOON) == NOTHING
    assert decide(view(issue_tasks=(task_in(),)), event, NOON) != NOTHING
    addressed = given(f"/bellhop {text[1:]}", role=Role.ADMIN)
    assert decide(view(), addressed, NOON) != NOTHING


@pytest.mark.parametrize("text", ["/fix", "/ask why?", "/bellhop help", "/bellhop tea"])
def test_other_words_are_ours_alone(text: str) -> None:
    assert not is_of_other_bots(given(text).command)


def test_a_misuse_is_explained_to_those_who_could_use_it_rightly() -> None:
    event = given("/fix --agnet codex it")
    decision = decide(view(), event, NOON)
    assert decision.task is None
    assert decision.refusal == f"misuse:{body_of(decision)}"
    assert "--agent" in body_of(decision)
    outsider = decide(view(), given("/fix --agnet codex it", role=Role.READ), NOON)
    assert outsider.refusal == "not_permitted:fix"
    written_big = decide(view(), given("/FIX --agnet codex it", role=Role.READ), NOON)
    assert written_big.refusal == "not_permitted:fix"


def test_an_unknown_word_is_explained_once_to_readers_and_never_to_strangers() -> None:
    decision = decide(view(), given("/bellhop fxi it", role=Role.READ), NOON)
    assert decision.refusal == "unknown_command"
    assert "`/fix`" in body_of(decision)
    refused = view(refused=frozenset({"unknown_command:tea"}))
    assert decide(refused, given("/bellhop tea"), NOON) == NOTHING
    assert decide(refused, given("/bellhop coffee"), NOON).refusal == "unknown_command:coffee"
    stranger = given("/bellhop coffee", role=Role.READ)
    assert decide(view(), stranger, NOON).refusal == "unknown_command"
    refused = view(refused=frozenset({"unknown_command"}))
    assert decide(refused, stranger, NOON) == NOTHING, "words can be made up without end"
    assert decide(view(), given("/bellhop tea", role=Role.NONE), NOON) == NOTHING


def test_status_and_help_are_answered() -> None:
    tasks = (task_in(Status.RUNNING),)
    status = decide(view(issue_tasks=tasks), given("/status"), NOON)
    assert kinds(status.effects) == ["React", "Comment"]
    assert NAME in body_of(status)
    helped = decide(view(issue_tasks=tasks), given("/help", role=Role.READ), NOON)
    assert "/help" in body_of(helped)
    assert status.task is None
    assert helped.task is None
    assert [one.key for one in helped.effects] == ["comment/77/eyes", f"{ID}/reply"]


def test_what_github_would_not_say_is_told_where_it_was_asked() -> None:
    event = events.CommandUndecidable(ID, HERE, Origin("comment", 5, 0, ""), "502 Bad @gateway")
    decision = decide(view(), event, NOON)
    assert decision.task is None
    assert folded(body_of(decision)) == snapshot(
        """\
GitHub did not answer for an hour (502 Bad
@&#x200B;gateway), so this command was never started. Write
it again once GitHub works.\
"""
    )


# --- too much waits already -----------------------------------------------------------------------


FEW = replace(RULES, max_queued_per_owner=2)


@pytest.mark.parametrize("text", ["/fix it", "/ask why?", "/retry"])
def test_who_has_too_much_waiting_is_told_so_once(text: str) -> None:
    seen = view(rules=FEW, issue_tasks=(OLD,), waiting={ADA.id: 2})
    decision = decide(seen, given(text), LATER)
    assert folded(body_of(decision)) == snapshot("""\
2 tasks wait for a free place already, and no more may wait
of one person. Ask again once some have begun, or stop those
that are not wanted any more.\
""")
    assert decision.refusal == "queue_full"
    again = replace(seen, refused=frozenset({"queue_full"}))
    assert decide(again, given(text), LATER) == NOTHING


@pytest.mark.parametrize("text", ["/fix it", "/ask why?", "/retry"])
@pytest.mark.parametrize("waiting", [{}, {ADA.id: 1}, {BOB.id: 2}])
def test_who_has_less_waiting_is_not(text: str, waiting: dict[int, int]) -> None:
    seen = view(rules=FEW, issue_tasks=(OLD,), waiting=waiting)
    assert now_task(decide(seen, given(text), LATER)).status is Status.QUEUED


# --- /retry ---------------------------------------------------------------------------------------

OLD = task_in(
    Status.FAILED,
    attempt=1,
    launch=3,
    launch_failures=2,
    lost=True,
    instance="first-one",
    outcome="{}",
    summary="no",
    title="t",
    body="b",
    progress=70,
    usage=Usage(1, 2, 3.0),
    status_comment=4,
    branches=Branches("main", "main", f"bellhop/{NAME}", HEAD, pushing=HEAD, pushed=True),
)


def test_a_retry_is_a_new_attempt_that_starts_from_nothing_but_the_branch() -> None:
    event = given("/retry", sender=BOB, context="news", branch_heads={f"bellhop/{NAME}": "c" * 40})
    decision = decide(view(issue_tasks=(OLD,)), event, LATER)
    task = now_task(decision)
    expected = replace(
        task_in(),
        attempt=2,
        requester=BOB,
        queued_at=LATER,
        updated_at=LATER,
        state=task.state,
        status_comment=4,
        branches=Branches("main", "main", f"bellhop/{NAME}", "c" * 40),
    )
    assert task == expected
    assert (task.state.state, task.state.timestamp) == ("waiting_for_slot", LATER)
    assert decision.brief == Brief(None, "news"), "the prompt is that of the attempt before"
    assert kinds(decision.effects) == ["React", "EditStatus"]
    assert [entry.message for entry in decision.timeline] == ["attempt 2 was asked for"]


@pytest.mark.parametrize(
    ("heads", "head"),
    [({}, HEAD), ({f"bellhop/{NAME}": None}, None), ({"another": "d" * 40}, HEAD)],
)
def test_a_retry_starts_where_the_branch_is_now(
    heads: dict[str, str | None], head: str | None
) -> None:
    decision = decide(view(issue_tasks=(OLD,)), given("/retry", branch_heads=heads), LATER)
    assert now_task(decision).branches == Branches("main", "main", f"bellhop/{NAME}", head)


def test_a_retry_is_of_the_installation_that_the_repository_is_in_now() -> None:
    there = replace(HERE, installation_id=11, repository="new-owner/widgets", title="Another")
    decision = decide(view(issue_tasks=(OLD,)), given("/retry", where=there), LATER)
    assert now_task(decision).where == replace(there, title=OLD.where.title)


def on_pull(status: Status = Status.FAILED) -> Task:
    return task_in(
        status, where=ON_PULL, branches=Branches("main", "main", "oil", HEAD, pushed=True)
    )


def test_on_a_pull_request_a_retry_starts_from_its_head() -> None:
    event = given("/retry", where=ON_PULL, pull=PULL)
    task = now_task(decide(view(issue_tasks=(on_pull(),)), event, LATER))
    assert task.branches == Branches("main", "main", "oil", PULL.head_sha)


@pytest.mark.parametrize(
    "pull",
    [
        replace(PULL, protected=True),
        replace(PULL, open=False),
        replace(PULL, same_repository=False),
    ],
)
def test_a_retry_pushes_to_no_branch_that_is_guarded_by_now(pull: PullFacts) -> None:
    event = given("/retry", where=ON_PULL, pull=pull)
    decision = decide(view(issue_tasks=(on_pull(),)), event, LATER)
    assert decision.task is None
    assert decision.refusal
    question = replace(on_pull(), branches=Branches("oil", "main"))
    asked = replace(
        question, wish=replace(question.wish, command="ask", role=Role.TRIAGE, result="answer")
    )
    assert now_task(decide(view(issue_tasks=(asked,)), event, LATER)).attempt == 2


def test_a_task_is_retried_where_it_belongs() -> None:
    event = given(f"/bellhop retry {NAME}", where=ON_PULL, pull=PULL)
    decision = decide(view(named=OLD), event, LATER)
    assert decision.task is None
    assert folded(body_of(decision)) == snapshot("""\
`brave-otter-4f2` belongs to #7: write `/retry
brave-otter-4f2` there, so that its worker is told that
discussion.\
""")


def test_a_task_of_a_program_is_not_retried_by_a_comment() -> None:
    by_program = replace(OLD, where=replace(HERE, number=None))
    decision = decide(view(named=by_program), given(f"/bellhop retry {NAME}"), LATER)
    assert decision.task is None
    assert body_of(decision) == (
        f"`{NAME}` was asked for by a program, and is tried again by one, or on its page."
    )


@pytest.mark.parametrize("text", ["/bellhop retry", f"/bellhop retry {NAME}"])
def test_what_is_being_removed_begins_no_attempt(text: str) -> None:
    going = replace(OLD, deleting=True)
    decision = decide(view(named=going, issue_tasks=(going,)), given(text), LATER)
    assert decision.task is None
    assert "no task" in body_of(decision)
    listed = decide(view(issue_tasks=(going,)), given("/status"), LATER)
    assert NAME not in body_of(listed)


def test_a_retry_needs_settings_that_can_be_read() -> None:
    decision = decide(view(issue_tasks=(OLD,)), given("/retry", config=BAD), LATER)
    assert decision.task is None
    assert "bellhop.yml" in body_of(decision)


def test_a_retry_stays_within_what_the_operator_allows_now() -> None:
    dear = replace(OLD, wish=replace(OLD.wish, time_limit=3600, max_cost=9.0))
    rules = replace(RULES, time_limit=600, max_cost=2.0)
    decision = decide(view(issue_tasks=(dear,), rules=rules), given("/retry"), LATER)
    wish = now_task(decision).wish
    assert (wish.time_limit, wish.max_cost) == (600, 2.0)
    gone = replace(OLD, wish=replace(OLD.wish, agent="oracle"))
    decision = decide(view(issue_tasks=(gone,)), given("/retry"), LATER)
    assert decision.task is None
    assert body_of(decision) == "This Bellhop has no agent `oracle`. It has: `command`."


def test_without_instructions_the_issue_itself_is_meant() -> None:
    brief = decide(view(), given("/fix"), LATER).brief
    assert brief == Brief("Resolve this issue.", "")
    brief = decide(view(), given("/fix", where=ON_PULL, pull=PULL), LATER).brief
    assert brief == Brief("Do what the discussion of this pull request asks for.", "")


def test_a_retry_needs_the_role_of_the_command_itself() -> None:
    event = given("/retry", role=Role.TRIAGE)
    decision = decide(view(issue_tasks=(OLD,)), event, LATER)
    assert (decision.task, decision.refusal) == (None, "not_permitted:fix")
    asked = replace(OLD, wish=replace(OLD.wish, command="ask", role=Role.TRIAGE, result="answer"))
    assert now_task(decide(view(issue_tasks=(asked,)), event, LATER)).attempt == 2


@pytest.mark.parametrize("status", Status)
def test_only_what_has_ended_can_be_tried_again(status: Status) -> None:
    task = task_in(status)
    again = status in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}
    for text, seen in (
        ("/retry", {"issue_tasks": (task,)}),
        (f"/retry {NAME}", {"named": task}),
    ):
        decision = decide(view(**{"issue_tasks": (task_in(),), **seen}), given(text), LATER)
        assert (decision.task is not None) is again
        if not again:
            assert "that I could retry" in body_of(decision)


def test_the_newest_task_that_has_ended_is_meant_unless_one_is_named() -> None:
    tasks = tuple(
        task_in(status, id=id_of(9 - place))
        for place, status in enumerate(
            (Status.QUEUED, Status.REJECTED, Status.COMPLETED, Status.FAILED)
        )
    )
    event = given("/retry")
    assert pick_retry(tasks, None, event.command) == tasks[2]  # type: ignore[arg-type]  # a Command
    named = given(f"/retry {NAME}").command
    assert pick_retry(tasks, tasks[3], named) == tasks[3]  # type: ignore[arg-type]  # a Command
    assert pick_retry(tasks, None, named) is None  # type: ignore[arg-type]  # a Command


# --- /stop ----------------------------------------------------------------------------------------


def test_what_waits_is_stopped_at_once() -> None:
    event = given("/stop", sender=BOB)
    decision = decide(view(issue_tasks=(task_in(),)), event, LATER)
    task = now_task(decision)
    assert (task.status, task.completed_at, task.clocks) == (Status.CANCELLED, LATER, Clocks())
    assert kinds(decision.effects) == ["React", "Comment", "EditStatus", "RevokeTokens"]
    assert folded(body_of(decision)) == snapshot(
        """\
`brave-otter-4f2` was stopped by bob. `/retry
brave-otter-4f2` starts it again.\
"""
    )


@pytest.mark.parametrize("status", [Status.STARTING, Status.RUNNING])
def test_what_works_is_told_to_stop_and_given_30_seconds(status: Status) -> None:
    event = given("/stop", sender=BOB)
    decision = decide(view(issue_tasks=(task_in(status),)), event, LATER)
    task = now_task(decision)
    assert (task.status, task.state.state, task.state.message) == (
        status,
        "stopping",
        "stopped by bob",
    )
    assert task.clocks == Clocks(gone_by=LATER + 5 * MINUTE)
    assert kinds(decision.effects) == ["React", "StopWorker", "EditStatus"]
    assert getattr(decision.effects[1], "grace", None) == 30


def test_the_newest_task_that_goes_on_is_meant_unless_one_is_named() -> None:
    newest, old, oldest = stopping(id=id_of(3)), task_in(Status.RUNNING, id=id_of(2)), task_in()
    tasks = (task_in(Status.COMPLETED, id=id_of(4)), newest, old, oldest)
    assert now_task(decide(view(issue_tasks=tasks), given("/stop"), LATER)).id == old.id
    named = view(issue_tasks=tasks, named=oldest)
    assert now_task(decide(named, given(f"/stop {NAME}"), LATER)).id == oldest.id


@pytest.mark.parametrize("named", [None, task_in(Status.COMPLETED), stopping()])
def test_there_may_be_nothing_to_stop(named: Task | None) -> None:
    tasks = (task_in(Status.COMPLETED),)
    decision = decide(view(issue_tasks=tasks, named=named), given(f"/stop {NAME}"), LATER)
    assert decision.task is None
    assert folded(body_of(decision)) == snapshot(
        """\
There is no task `brave-otter-4f2` here that I could stop.
`/status` lists the tasks of this issue.\
"""
    )
    left_out = decide(view(issue_tasks=tasks), given("/stop"), LATER)
    assert folded(body_of(left_out)) == snapshot(
        """\
There is no task of this issue that I could stop. `/status`
lists them.\
"""
    )


def test_a_pull_request_that_is_being_opened_is_not_stopped() -> None:
    decision = decide(view(issue_tasks=(opening(),)), given("/stop"), LATER)
    assert decision.task is None
    assert folded(body_of(decision)) == snapshot(
        """\
`brave-otter-4f2` is done and its pull request is being
opened: too late to stop it.\
"""
    )


def test_a_worker_cannot_put_itself_out_of_the_reach_of_a_stop() -> None:
    said = events.WorkerReported(ID, 1, 1, state="opening_pull_request")
    running = now_task(decide(view(task_in(Status.RUNNING)), said, NOON))
    stopped = decide(view(issue_tasks=(running,)), given("/stop"), LATER)
    assert now_task(stopped).ending is not None


@pytest.mark.parametrize(
    ("sender", "role", "stopped"),
    [
        (ADA, Role.TRIAGE, True),
        (ADA, Role.READ, False),
        (BOB, Role.TRIAGE, False),
        (BOB, Role.WRITE, True),
    ],
)
def test_a_stop_is_for_writers_and_owners(sender: Any, role: Role, *, stopped: bool) -> None:
    event = given("/stop", sender=sender, role=role)
    decision = decide(view(issue_tasks=(task_in(Status.RUNNING),)), event, LATER)
    assert (decision.task is not None) is stopped
    assert decision.refusal == (None if stopped else "not_permitted:stop")
    if not stopped:
        assert role.name.lower() in body_of(decision)


def test_outsiders_are_not_told_what_there_is_to_stop() -> None:
    event = given("/stop", role=Role.READ)
    decision = decide(view(issue_tasks=(task_in(Status.FAILED),)), event, LATER)
    assert decision.refusal == "not_permitted:stop"
    assert folded(body_of(decision)) == snapshot(
        """\
`/stop` needs the **write** role on this repository, or your
own task and the **triage** role; yours is **read**.\
"""
    )
    silent = view(issue_tasks=(task_in(),), refused=frozenset({"not_permitted:stop"}))
    assert decide(silent, event, LATER) == NOTHING


def test_settings_are_read_before_work_begins_and_not_for_a_stop() -> None:
    tasks = (task_in(Status.RUNNING),)
    assert decide(view(issue_tasks=tasks), given("/stop", config=BAD), LATER).task is not None
    assert isinstance(given("/stop").found.config, RepoConfig)


def test_strangers_are_told_the_commands_once_an_hour() -> None:
    event = given("/bellhop help", role=Role.READ)
    decision = decide(view(), event, NOON)
    assert (decision.refusal, "/help" in body_of(decision)) == ("help", True)
    assert decide(view(refused=frozenset({"help"})), event, NOON) == NOTHING
    member = given("/bellhop help", role=Role.TRIAGE)
    assert decide(view(refused=frozenset({"help"})), member, NOON).effects
