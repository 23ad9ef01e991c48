"""Apps: which may give which commands, and how often."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from handlers import decide
from handlers.apps import MOST_A_DAY, role_at_work, role_of_app
from handlers.commands import Role
from handlers.decision import NOTHING, Decision
from handlers.effects import Comment
from handlers.ending import finish
from handlers.repo_config import ConfigProblem, RepoConfig
from handlers.task import Ending, PullRequest, Status
from handlers.values import Person
from tests.makers import ADA, NOON, folded, given, kinds, now_task, opening, task_in, view

ROBOT = Person(3, "robot[bot]")
LIST = {"robot": frozenset({"fix", "help"}), "curious": frozenset({"ask", "retry"})}
LISTED = RepoConfig(allow_apps=LIST)


@pytest.mark.parametrize(
    ("slug", "command", "role"),
    [
        ("robot", "fix", Role.WRITE),
        ("Robot", "fix", Role.WRITE),
        ("robot", "help", Role.WRITE),
        ("robot", "ask", Role.NONE),
        ("robot", "approve", Role.NONE),
        ("robot", "unheard-of", Role.NONE),
        ("curious", "ask", Role.TRIAGE),
        ("curious", "retry", Role.TRIAGE),
        ("other", "fix", Role.NONE),
    ],
)
def test_the_list_is_all_the_permission_that_an_app_has(
    slug: str, command: str, role: Role
) -> None:
    assert role_of_app(LISTED, slug, command) is role


def test_a_list_that_cannot_be_read_allows_nothing() -> None:
    assert role_of_app((ConfigProblem(1, "", "broken"),), "robot", "fix") is Role.NONE
    assert role_of_app(RepoConfig(), "robot", "fix") is Role.NONE


def asks(text: str = "/fix it", role: Role = Role.WRITE, **seen: object) -> Decision:
    event = given(text, sender=ROBOT, app="robot", role=role, config=LISTED)
    return decide(view(**seen), event, NOON)


def test_an_app_on_the_list_has_its_task() -> None:
    task = now_task(asks())
    assert (task.status, task.owner, task.requester) == (Status.QUEUED, ROBOT, ROBOT)


@pytest.mark.parametrize("text", ["/fix it", "/fix --nonsense it", "/help", "@bellhop-test dance"])
def test_an_app_that_is_not_on_the_list_is_not_even_refused(text: str) -> None:
    assert asks(text, Role.NONE, issue_tasks=(task_in(),)) == NOTHING


def test_an_app_retries_only_what_it_may_ask_for() -> None:
    done = task_in(Status.COMPLETED)
    wide = {"robot": frozenset({"retry", "ask", "stop", "tell"})}

    def again(text: str, *names: str) -> Decision:
        config = RepoConfig(allow_apps={"robot": frozenset(names)})
        event = given(text, sender=ROBOT, app="robot", role=Role.WRITE, config=config)
        return decide(view(issue_tasks=(done,)), event, NOON)

    assert again("/retry", *wide["robot"]) == NOTHING, "roles of other commands are no way to /fix"
    assert now_task(again("/retry", "retry", "fix")).attempt == 2
    assert now_task(again("/tell more", "tell")).attempt == 2


@pytest.mark.parametrize(
    ("names", "role"),
    [("fix", Role.WRITE), ("tell", Role.WRITE), ("ask retry", Role.NONE), ("stop", Role.NONE)],
)
def test_when_the_work_begins_the_list_still_has_what_led_to_it(names: str, role: Role) -> None:
    config = RepoConfig(allow_apps={"robot": frozenset(names.split())})
    assert role_at_work(config, "robot", "fix") is role


def test_apps_are_told_once_that_they_ask_too_often() -> None:
    assert now_task(asks(by_apps=MOST_A_DAY - 1)).status is Status.QUEUED
    decision = asks(by_apps=MOST_A_DAY)
    (comment,) = decision.effects
    assert isinstance(comment, Comment)
    assert folded(comment.body) == snapshot("""\
Only 5 commands of Apps count on an issue within a day.
Somebody with the role can write the command.\
""")
    assert now_task(decision).status is Status.REJECTED
    assert asks(by_apps=MOST_A_DAY + 1) == NOTHING


def test_what_apps_asked_for_keeps_no_person_from_asking() -> None:
    event = given("/fix it", sender=ADA)
    assert now_task(decide(view(by_apps=MOST_A_DAY + 1), event, NOON)).status is Status.QUEUED


def test_no_app_is_asked_for_a_review() -> None:
    pull = PullRequest(9, "https://github.test/acme/door/pull/9")
    task = opening(pull=pull, requester=ROBOT)
    ended = finish(view(task), task, Ending(Status.COMPLETED), NOON)
    assert "RequestReview" not in kinds(ended.effects)
    person = replace(task, requester=ADA)
    ended = finish(view(person), person, Ending(Status.COMPLETED), NOON)
    assert "RequestReview" in kinds(ended.effects)
