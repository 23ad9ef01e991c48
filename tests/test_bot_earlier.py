"""What a later attempt is told of the earlier ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.earlier import earlier_attempts
from handlers.context import Earlier
from handlers.values import FollowUp, Usage
from storage.attempts import Attempt
from storage.reads import Brief
from storage.timeline import Happened
from tests.makers import ADA, BOB, ID, NOON, task_in

FIRST = Attempt(1, ADA, "fix it", "", "completed", "Oiled.", Usage(), NOON, None, None)
SECOND = replace(FIRST, attempt=2, summary=None)
THIRD = replace(FIRST, attempt=3, prompt="and the window", summary=None)


def brief(*attempts: Attempt, pending: tuple[str, ...] = ()) -> Brief:
    waiting = tuple([FollowUp(number, "…", BOB) for number in pending])
    return Brief(task_in(attempt=attempts[-1].attempt, pending=waiting), attempts)


def said(number: str, text: str, attempt: int = 1) -> Happened:
    return Happened(1, ID, attempt, NOON, "message", text, {"id": number, "by": "bob"})


def noted(attempt: int, **data: list[str]) -> Happened:
    return Happened(1, ID, attempt, NOON, "status", "…", data)


def test_the_first_attempt_has_nothing_before_it() -> None:
    assert earlier_attempts(brief(FIRST), [said("m1", "quickly")]) == ()


LOST = replace(FIRST, summary=None)
TALKS: dict[str, tuple[Brief, list[Happened], tuple[Earlier, ...]]] = {
    "a retry": (brief(FIRST, SECOND), [], (Earlier(1, "fix it", (), "Oiled."),)),
    "a lost worker that said nothing": (brief(LOST, SECOND), [], ()),
    "a lost worker that had been told something": (
        brief(LOST, SECOND),
        [said("m1", "quickly"), noted(1, acknowledged=["m1"])],
        (Earlier(1, "fix it", ("quickly",)),),
    ),
    "a lost worker with something left to be told": (
        brief(LOST, SECOND, pending=("m2",)),
        [said("m1", "quickly"), said("m2", "in green"), noted(1, acknowledged=["m1"])],
        (Earlier(1, "fix it", ("quickly",)),),
    ),
    "a message that the second worker dealt with": (
        brief(LOST, SECOND, THIRD),
        [said("m1", "quickly"), noted(2, acknowledged=["m1"]), noted(3, answers=["m2"])],
        (Earlier(2, "fix it", ("quickly",)),),
    ),
    "a follow-up": (
        brief(FIRST, replace(THIRD, attempt=2)),
        [said("m1", "and the window", 2), noted(2, answers=["m1"])],
        (Earlier(1, "fix it", (), "Oiled."),),
    ),
    "what was dropped": (
        brief(LOST, SECOND),
        [said("m1", "quickly"), noted(1, dropped=["m1"])],
        (Earlier(1, "fix it", ("quickly",)),),
    ),
    "a failure, then something else": (
        brief(LOST, replace(THIRD, attempt=2)),
        [],
        (Earlier(1, "fix it"),),
    ),
}


@pytest.mark.parametrize("name", TALKS)
def test_nothing_is_left_out_and_nothing_is_told_twice(name: str) -> None:
    known, talk, told = TALKS[name]
    assert earlier_attempts(known, talk) == told
