"""Who may do what, and who is next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from inline_snapshot import snapshot

from handlers import decide
from handlers.access import may_end
from handlers.admission import (
    MOST_COMMANDS,
    deaf_to,
    may_start,
    refuse_role,
)
from handlers.commands import COMMANDS, Role
from handlers.decision import NOTHING, Decision, Load
from handlers.deliveries import CommentWritten, IssueOpened
from handlers.effects import Comment
from handlers.github_objects import Actor, Repository, Subject
from handlers.repo_config import ConfigProblem, RepoConfig
from handlers.task import Status
from handlers.values import ErrorCode, Person
from tests.makers import APP, HERE, ID, NOON, ON_PULL, PULL, RULES, folded, given, task_in, view

OTHERS = [kind for kind in COMMANDS if kind != "stop"]


def said(decision: Decision) -> str:
    """The one comment of a refusal."""
    (effect,) = decision.effects
    assert isinstance(effect, Comment)
    assert effect.key == f"{ID}/refusal"
    assert not effect.final
    return effect.body


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", OTHERS)
def test_a_role_is_enough_or_it_is_told_which_would_be(name: str, role: Role) -> None:
    kind = COMMANDS[name]
    refusal = refuse_role(kind, role)
    if role >= kind.role:
        assert refusal is None
        return
    assert refusal is not None
    assert (refusal.code, refusal.reason) == (ErrorCode.NOT_PERMITTED, f"not_permitted:{name}")
    tasks = (task_in(Status.FAILED),)
    text = {"ask": "/ask why?", "approve": "/approve 0123456789"}.get(name, f"/{name}")
    decision = decide(view(issue_tasks=tasks), given(text, role=role), NOON)
    assert said(decision) == refusal.reply
    assert decision.refusal == refusal.reason


def test_a_refusal_of_a_role_names_both_roles() -> None:
    assert folded(said(decide(view(), given("/fix it", role=Role.READ), NOON))) == snapshot(
        """\
`/fix` needs the **write** role on this repository, and
yours is **read**. Ask somebody who has it, or a maintainer
for the role.\
"""
    )


REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "settings with mistakes": (
        "/fix it",
        {"config": (ConfigProblem(3, "agnet", "unknown"), ConfigProblem(9, "", "no YAML"))},
    ),
    "a base on a pull request": ("/ask --base main why?", {"where": ON_PULL, "pull": PULL}),
    "a base that is not there": ("/fix --base gone it", {"base_missing": True}),
    "a fork": (
        "/fix",
        {"where": ON_PULL, "pull": replace(PULL, same_repository=False)},
    ),
    "a closed pull request": ("/fix", {"where": ON_PULL, "pull": replace(PULL, open=False)}),
    "a protected branch": ("/fix", {"where": ON_PULL, "pull": replace(PULL, protected=True)}),
    "the default branch": ("/fix", {"where": ON_PULL, "pull": replace(PULL, head="main")}),
    "an agent that is not offered": ("/fix --agent codex it", {}),
    "an agent of the settings": ("/fix it", {"config": RepoConfig(agent="codex")}),
    "a runner of the settings": ("/fix it", {"config": RepoConfig(runner="fly")}),
    "an image of the settings": ("/fix it", {"config": RepoConfig(image="acme/worker:1")}),
    "too many commands": ("/fix it", {"ordinal": MOST_COMMANDS}),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_started_is_explained_once_an_hour(name: str) -> None:
    text, changes = REFUSALS[name]
    event = given(text, **changes)
    decision = decide(view(), event, NOON)
    replies = snapshot(
        {
            "settings with mistakes": """\
`.github/bellhop.yml` on the default branch has mistakes, so
nothing was started:

- line 3, `agnet`: unknown
- line 9: no YAML

Mend them there and ask again.\
""",
            "a base on a pull request": """\
A base branch is for issues: on a pull request the work goes
to its own branch.\
""",
            "a base that is not there": """\
There is no branch `gone` here. Name one that exists.\
""",
            "a fork": """\
This pull request comes from a fork, and Bellhop pushes only
to branches of this repository. `/ask` works here; for a
change, push the branch to this repository first.\
""",
            "a closed pull request": "This pull request is closed. Reopen it, or ask on an issue.",
            "a protected branch": """\
`oil` is the default or a protected branch, and Bellhop
never pushes to those. Open the pull request from a branch
of its own.\
""",
            "the default branch": """\
`main` is the default or a protected branch, and Bellhop
never pushes to those. Open the pull request from a branch
of its own.\
""",
            "an agent that is not offered": "This Bellhop has no agent `codex`. It has: `command`.",
            "an agent of the settings": "This Bellhop has no agent `codex`. It has: `command`.",
            "a runner of the settings": "This Bellhop has no runner `fly`. It has: `process`.",
            "an image of the settings": "This Bellhop has no image `acme/worker:1`. It has: none.",
            "too many commands": """\
Only the first 5 commands of a comment count. Put the others
in another comment.\
""",
        }
    )
    assert folded(said(decision)) == replies[name]
    assert decision.refusal
    silent = decide(view(refused=frozenset({decision.refusal})), event, NOON)
    assert silent == NOTHING, "nor is anything stored then"
    assert decide(view(refused=frozenset({"another"})), event, NOON) == decision


@pytest.mark.parametrize("name", [name for name in REFUSALS if name != "too many commands"])
def test_refused_work_leaves_a_rejected_task_that_says_why(name: str) -> None:
    text, changes = REFUSALS[name]
    task = decide(view(), given(text, **changes), NOON).task
    assert task is not None
    assert (task.id, task.status, task.version) == (ID, Status.REJECTED, 0)
    assert task.completed_at == NOON
    assert task.error is not None
    assert not task.error.retryable
    assert task.error.code is {
        "settings with mistakes": ErrorCode.BAD_CONFIG,
        "an agent of the settings": ErrorCode.BAD_CONFIG,
        "a runner of the settings": ErrorCode.BAD_CONFIG,
        "an image of the settings": ErrorCode.BAD_CONFIG,
    }.get(name, ErrorCode.BAD_COMMAND)


def test_different_mistakes_are_each_explained() -> None:
    one = decide(view(), given("/fix --agent codex it"), NOON)
    other = decide(view(), given("/fix --agent aider it"), NOON)
    assert one.refusal != other.refusal


@pytest.mark.parametrize("place", ["a fork", "a closed pull request", "a protected branch"])
def test_a_question_needs_no_branch_that_can_be_pushed(place: str) -> None:
    _, changes = REFUSALS[place]
    task = decide(view(), given("/ask why?", **changes), NOON).task
    assert task is not None
    assert task.status is Status.QUEUED
    assert task.branches.name is None


def test_the_last_command_that_counts_is_taken() -> None:
    task = decide(view(), given("/fix it", ordinal=MOST_COMMANDS - 1), NOON).task
    assert task is not None
    assert task.status is Status.QUEUED


RULES_3 = replace(RULES, max_running=5, max_running_per_repository=3, max_running_per_owner=2)


@pytest.mark.parametrize(
    ("load", "concurrency", "free"),
    [
        (Load(), None, True),
        (Load(total=4, repository=2, owner=1), None, True),
        (Load(total=5), None, False),
        (Load(total=3, repository=3), None, False),
        (Load(total=2, owner=2), None, False),
        (Load(branch_busy=True), None, False),
        (Load(total=1, repository=1), 1, False),
        (Load(total=0), 1, True),
        (Load(total=2, repository=2), 3, True),
        (Load(total=3, repository=3), 100, False),
    ],
)
def test_a_place_is_free_below_every_limit(
    load: Load, concurrency: int | None, *, free: bool
) -> None:
    task = task_in()
    task = replace(task, wish=replace(task.wish, concurrency=concurrency))
    assert may_start(task, load, RULES_3) is free


@pytest.mark.parametrize(
    ("person", "role", "may"),
    [
        (1, Role.READ, False),
        (1, Role.TRIAGE, True),
        (2, Role.TRIAGE, False),
        (2, Role.WRITE, True),
        (2, Role.ADMIN, True),
        (1, Role.NONE, False),
    ],
)
def test_writers_stop_anything_and_owners_their_own(person: int, role: Role, *, may: bool) -> None:
    assert may_end(task_in(Status.RUNNING), Person(person, "somebody"), role) is may


def test_an_archived_repository_is_left_alone() -> None:
    assert decide(view(), given("/fix it", archived=True), NOON) == NOTHING


PERSON = Actor(id=1, login="ada", type="User")
BOT = Actor(id=3, login="robot[bot]", type="Bot")
OURS = Actor(id=4, login=f"{APP}[bot]", type="Bot")
NAMELESS = Actor(id=5, login="ghost", type="Bot")
NO_PERSON = "not written by a person"
WORDS = CommentWritten(
    action="created",
    app_id=None,
    app_slug=None,
    source_id=5,
    installation_id=10,
    repository=Repository(id=100, full_name="acme/door", private=False, default_branch="main"),
    subject=Subject(number=HERE.number, id=70, title="", state="open", url="https://github.test"),
    sender=PERSON,
    author=PERSON,
    text="/fix",
    url="https://github.test/c/5",
    written_at=NOON,
)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"app_id": 42}, "Bellhop's own words"),
        ({"app_id": 43}, "not written by a person"),
        ({"author": BOT}, "not written by a person"),
        ({"sender": BOT}, "not written by a person"),
        ({"sender": BOT, "author": BOT}, None),
        ({"sender": BOT, "author": BOT, "app_id": 43, "app_slug": "robot"}, None),
        ({"sender": BOT, "author": BOT, "app_id": 43, "app_slug": "other"}, NO_PERSON),
        ({"sender": OURS, "author": OURS}, "Bellhop's own words"),
        ({"sender": NAMELESS, "author": NAMELESS}, NO_PERSON),
        (
            {"sender": BOT, "author": BOT, "transferred": True},
            "transferred from another repository",
        ),
        (
            {"author": Actor(id=2, login="bob", type="User")},
            "sent by somebody else than its author",
        ),
    ],
)
def test_only_people_and_apps_in_their_own_name_are_listened_to(
    changes: dict[str, Any], why: str | None
) -> None:
    assert deaf_to(WORDS.model_copy(update=changes), 42, APP) == why


def test_an_issue_that_came_from_elsewhere_asks_for_nothing() -> None:
    fields = WORDS.model_dump() | {"action": "opened"}
    assert deaf_to(IssueOpened(**fields), 42, APP) is None
    moved = IssueOpened(**fields | {"transferred": True})
    assert deaf_to(moved, 42, APP) == "transferred from another repository"
