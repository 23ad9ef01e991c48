"""Who sees a task, and who may act on it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handlers.access import may_act, may_approve, may_delete, may_end, sees
from handlers.commands import COMMANDS, Command, Options
from handlers.roles import Role
from handlers.task import Approval, Status
from handlers.values import Person
from tests.makers import ADA, BOB, task_in

MINE = task_in(Status.COMPLETED)
"""Ada is its owner, Bob asked for nothing."""
QUESTION = replace(MINE, wish=replace(MINE.wish, command="ask", role=Role.TRIAGE))
ROLES = list(Role)
RENAMED = replace(ADA, login="ada-of-late")
NAMESAKE = replace(BOB, login=ADA.login)


def least(allowed: list[bool]) -> Role | None:
    """The least role for which something is allowed; it is for all that are higher, too."""
    assert allowed == sorted(allowed)
    return ROLES[allowed.index(True)] if True in allowed else None


@pytest.mark.parametrize(
    ("person", "role"),
    [(ADA, Role.READ), (BOB, Role.WRITE), (RENAMED, Role.READ), (NAMESAKE, Role.WRITE)],
)
def test_owners_see_what_they_can_read_and_others_what_they_can_push_to(
    person: Person, role: Role
) -> None:
    assert least([sees(MINE, person, one) for one in ROLES]) is role


def test_operators_see_everything_but_what_is_being_removed() -> None:
    assert sees(MINE, BOB, Role.NONE, operator=True)
    going = replace(MINE, deleting=True)
    assert not sees(going, ADA, Role.ADMIN, operator=True)
    assert sees(task_in(Status.RUNNING, deleting=True), ADA, Role.READ), "it has not ended yet"


def test_more_work_needs_the_role_of_the_command() -> None:
    assert least([may_act(MINE, one) for one in ROLES]) is Role.WRITE
    assert least([may_act(QUESTION, one) for one in ROLES]) is Role.TRIAGE


def test_writers_may_stop_any_task_and_owners_their_own() -> None:
    assert least([may_end(MINE, BOB, one) for one in ROLES]) is Role.WRITE
    assert least([may_end(MINE, ADA, one) for one in ROLES]) is Role.TRIAGE
    assert may_end(MINE, BOB, Role.NONE, operator=True)


def test_only_owners_and_operators_may_remove_a_task() -> None:
    assert may_delete(MINE, RENAMED)
    assert not may_delete(MINE, NAMESAKE)
    assert may_delete(MINE, BOB, operator=True)


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("status", [Status.QUEUED, Status.REJECTED, Status.COMPLETED])
def test_what_was_never_approved_is_not_removed_by_who_asked_for_it(
    status: Status, *, late: bool
) -> None:
    command = Command("fix", "it", Options(), None, 0, addressed=False)
    asked = task_in(
        status,
        approval=Approval("0123456789", ADA, late),
        awaiting=command if status is Status.QUEUED else None,
    )
    assert may_delete(asked, ADA) is (late or status is Status.COMPLETED)
    assert may_delete(asked, BOB, operator=True)
    assert may_delete(replace(asked, awaiting=None, status=Status.QUEUED), ADA)


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("person", [ADA, BOB])
@pytest.mark.parametrize("command", ["fix", "ask"])
def test_who_may_approve(command: str, person: Person, *, late: bool) -> None:
    asked = replace(MINE, wish=replace(MINE.wish, command=command, role=COMMANDS[command].role))
    asked = replace(asked, approval=Approval("0123456789", ADA, late))
    own = late and person == ADA and command == "ask"
    allowed = [may_approve(asked, person, role) for role in ROLES]
    assert least(allowed) is (Role.TRIAGE if own else Role.WRITE)
    assert not may_approve(replace(asked, approval=None), person, Role.TRIAGE)
