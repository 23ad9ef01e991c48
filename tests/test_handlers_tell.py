"""What follows from a `/tell`: a message, a new attempt, or a sentence that says why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from inline_snapshot import snapshot

from handlers import decide, refusals
from handlers.commands import Command, Misuse, Role, parse
from handlers.decision import NOTHING, Brief, Decision
from handlers.effects import Comment, React
from handlers.events import FollowUpDue
from handlers.on_command import pick_told
from handlers.on_request import LONGEST_MESSAGE, MOST_PENDING
from handlers.repo_config import ConfigProblem
from handlers.task import Branches, Status, Task
from handlers.values import FollowUp
from tests.makers import (
    APP,
    BOB,
    HEAD,
    HERE,
    HOUR,
    NAME,
    NOON,
    PULL,
    RULES,
    after,
    completed,
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
TELL = id_of(9)
"""The id of the candidate that is the `/tell`."""
DONE = task_in(Status.COMPLETED)
BAD = (ConfigProblem(1, "x", "is wrong"),)
ON_ITS_PULL = replace(HERE, number=9, is_pull_request=True)
"""The pull request of `DONE`."""


def told(task: Task | None, text: str = "/tell in green", **changes: Any) -> Decision:
    """What is decided about a `/tell` on the issue of a task."""
    seen = {key: changes.pop(key) for key in ("refused", "waiting", "rules") if key in changes}
    there = () if task is None else (task,)
    event = given(text, **{"task_id": TELL, "sender": BOB, **changes})
    return decide(view(issue_tasks=there, **seen), event, LATER)


def answer(decision: Decision) -> str:
    """The one thing that is said, where nothing changed."""
    assert (decision.task, decision.timeline, decision.then) == (None, (), None)
    (body,) = [one.body for one in decision.effects if isinstance(one, Comment)]
    return folded(body)


def test_a_message_is_kept_as_it_was_written() -> None:
    (found,) = parse("/tell --please use *tabs*\n\n    not spaces\n", APP)
    assert isinstance(found, Command)
    assert found.text == "--please use *tabs*\n\n    not spaces"
    (empty,) = parse("@bellhop-test tell  ", APP)
    assert isinstance(empty, Misuse)
    assert empty.reply == "`/tell` needs a text: `/tell message`."


@pytest.mark.parametrize("task", [task_in(), task_in(Status.STARTING), task_in(Status.RUNNING)])
def test_a_worker_at_work_or_about_to_be_hears_it(task: Task) -> None:
    decision = told(task)
    assert now_task(decision) == replace(
        task, pending=(FollowUp(TELL, "in green", BOB),), updated_at=LATER
    )
    assert decision.effects == (React("comment/77/eyes", HERE, 77),)
    assert [(one.type, one.message, one.data) for one in decision.timeline] == [
        ("message", "in green", {"id": TELL, "by": "bob"})
    ]


ENDINGS = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.STARTING, *ENDINGS])
def test_who_has_no_write_access_makes_a_task_skip_workflows(status: Status) -> None:
    task = task_in(status)
    assert now_task(told(task, app="robot")).outsiders
    assert not now_task(told(task)).outsiders


def test_a_worker_that_lets_workflows_run_hears_nobody_without_write_access() -> None:
    working = now_task(told(task_in(Status.RUNNING), app="robot"))
    assert (working.outsiders, working.heard, len(working.pending)) == (False, (), 1)
    both = now_task(told(working, "/tell mine", task_id=id_of(8)))
    assert [one.text for one in both.heard] == ["mine"]
    ended = after(working, completed(working))
    assert ended.then == FollowUpDue(working.id)
    again = now_task(after(now_task(ended), FollowUpDue(working.id)))
    assert (again.attempt, again.outsiders, again.requester) == (2, True, BOB)


@pytest.mark.parametrize(
    "changes",
    [
        {"outsiders": True},
        {"wish": replace(task_in().wish, ci="run")},
        {"wish": replace(task_in().wish, result="answer")},
    ],
)
def test_otherwise_a_worker_at_work_hears_everybody(changes: dict[str, Any]) -> None:
    working = now_task(told(task_in(Status.RUNNING, **changes), app="robot"))
    assert working.heard == working.pending


def test_what_is_told_while_the_pull_request_is_opened_waits_for_the_next_attempt() -> None:
    assert now_task(told(opening())).pending[0].text == "in green"


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
def test_after_the_end_it_is_a_new_attempt_on_the_same_branch(status: Status) -> None:
    heads = {f"bellhop/{NAME}": "c" * 40}
    decision = told(task_in(status), context="news", branch_heads=heads)
    task = now_task(decision)
    assert (task.status, task.attempt, task.requester) == (Status.QUEUED, 2, BOB)
    assert task.pending == ()
    assert task.branches == Branches("main", "main", f"bellhop/{NAME}", "c" * 40)
    assert decision.brief == Brief("in green", "news")
    assert kinds(decision.effects) == ["React", "EditStatus"]
    assert [one.message for one in decision.timeline] == ["in green", "attempt 2 was asked for"]


def test_where_an_attempt_ended_this_moment_its_discussion_is_the_one_that_counts() -> None:
    assert told(DONE, context="").brief == Brief("in green", None)


def test_the_new_attempt_is_of_the_installation_that_the_repository_is_in_now() -> None:
    there = replace(HERE, installation_id=11, repository="new-owner/widgets", title="Another")
    assert now_task(told(DONE, where=there)).where == replace(there, title=HERE.title)
    working = task_in(Status.RUNNING)
    assert now_task(told(working, where=there)).where == working.where, "its tokens are there"


def test_on_the_pull_request_of_a_task_that_task_is_told() -> None:
    decision = told(DONE, where=ON_ITS_PULL, pull=replace(PULL, head=f"bellhop/{NAME}"))
    assert now_task(decision).where == HERE
    assert kinds(decision.effects) == ["React", "EditStatus"]
    assert decision.effects[0] == React("comment/77/eyes", ON_ITS_PULL, 77)
    closed = told(DONE, where=ON_ITS_PULL, pull=replace(PULL, open=False))
    assert answer(closed) == "This pull request is closed. Reopen it, or ask on an issue."


def test_a_task_of_no_issue_is_told_more_by_programs() -> None:
    by_program = replace(DONE, where=replace(HERE, number=None))
    assert answer(told(by_program, where=ON_ITS_PULL)) == folded(
        f"`{NAME}` was asked for by a program, and is told more by one, or on its page."
    )


def test_the_newest_task_is_told() -> None:
    old, new = task_in(Status.COMPLETED), task_in(Status.RUNNING, id=id_of(5))
    assert pick_told((new, old)) == new
    halting = stopping(id=id_of(5))
    assert pick_told((halting, old)) == halting, "an older one is not meant instead"
    assert pick_told((replace(new, deleting=True), old)) == old
    assert pick_told(()) is None


def test_who_has_no_task_here_is_told_so_where_the_app_was_named() -> None:
    assert told(None) == NOTHING
    assert answer(told(None, "/bellhop tell it")) == snapshot(
        """\
There is no task of this issue that I could tell. `/status`
lists them.\
"""
    )


REFUSED: dict[str, tuple[Task, dict[str, Any], str]] = {
    "being stopped": (
        stopping(),
        {},
        snapshot("""\
`brave-otter-4f2` was not told: It is being stopped. Send
the message once it has ended.\
"""),
    ),
    "too many": (
        task_in(Status.RUNNING, pending=(FollowUp("m", "x", BOB),) * MOST_PENDING),
        {},
        snapshot("""\
`brave-otter-4f2` was not told: 20 messages wait already:
wait until they are heard.\
"""),
    ),
    "too much": (
        task_in(Status.RUNNING, pending=(FollowUp("m", "x" * 8_000, BOB),) * 8),
        {},
        snapshot("""\
`brave-otter-4f2` was not told: The messages that wait would
take more than 64 kB together: wait until they are heard, or
send a shorter one.\
"""),
    ),
    "too long": (
        task_in(Status.RUNNING),
        {"text": "/tell " + "x" * (LONGEST_MESSAGE + 1)},
        snapshot("""\
`brave-otter-4f2` was not told: A message has at most 8,000
characters: send a shorter one.\
"""),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_told_is_said_each_time(name: str) -> None:
    task, how, reply = REFUSED[name]
    decision = told(task, **how)
    assert answer(decision) == reply
    assert kinds(decision.effects) == ["React", "Comment"]
    assert decision.refusal is None


ONCE: dict[str, tuple[Task, dict[str, Any], str, str]] = {
    "no writer": (
        DONE,
        {"role": Role.TRIAGE},
        "not_permitted:tell",
        snapshot("""\
`/tell` needs the **write** role on this repository, and
yours is **triage**. Ask somebody who has it, or a
maintainer for the role.\
"""),
    ),
    "as many wait as may": (
        DONE,
        {"waiting": {1: 1}, "rules": replace(RULES, max_queued_per_owner=1)},
        "queue_full",
        snapshot("""\
1 task waits for a free place already, and no more may wait
of one person. Ask again once some have begun, or stop those
that are not wanted any more.\
"""),
    ),
    "a broken file": (
        DONE,
        {"config": BAD},
        f"bad_config:{refusals.bad_config(BAD)}",
        snapshot("""\
`.github/bellhop.yml` on the default branch has mistakes, so
nothing was started:

- line 1, `x`: is wrong

Mend them there and ask again.\
"""),
    ),
}


@pytest.mark.parametrize("name", ONCE)
def test_a_refusal_is_explained_once_an_hour(name: str) -> None:
    task, how, reason, reply = ONCE[name]
    decision = told(task, **how)
    assert answer(decision) == reply
    assert (decision.refusal, kinds(decision.effects)) == (reason, ["Comment"])
    assert told(task, refused=frozenset({reason}), **how) == NOTHING


def test_a_worker_at_work_hears_it_whatever_the_file_says_by_now() -> None:
    working = task_in(Status.RUNNING, branches=Branches("main", "main", f"bellhop/{NAME}", HEAD))
    decision = told(working, config=BAD)
    assert now_task(decision).pending[0].id == TELL


@pytest.mark.parametrize("status", [Status.RUNNING, Status.COMPLETED])
def test_what_comes_late_is_told_to_nobody(status: Status) -> None:
    assert answer(told(task_in(status), received_at=NOON + 3 * HOUR)) == snapshot("""\
This `/tell` is 3 h 0 min old: I could not hear it sooner,
and `brave-otter-4f2` was not told. If it still holds, write
it again.\
""")
