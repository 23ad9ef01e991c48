"""Every sentence that Bellhop says on GitHub, as people read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest
from inline_snapshot import snapshot

from handlers import replies
from handlers.commands import Role
from handlers.task import Approval, Branches, Ending, PullRequest, Status, Task
from handlers.values import Clocks, CurrentState, ErrorCode, Person, TaskError, Usage
from tests.makers import (
    ADA,
    APP,
    BOB,
    HEAD,
    HERE,
    MINUTE,
    NAME,
    NOON,
    ON_PULL,
    RULES,
    folded,
    opening,
    task_in,
)

LATER = NOON + 12 * MINUTE
RUNNING = replace(
    task_in(Status.RUNNING),
    progress=42,
    state=CurrentState(NOON, "working", "oiling @the hinges"),
    started_at=NOON,
)
DONE = replace(task_in(Status.COMPLETED), completed_at=LATER, summary="Oiled it, @ada.")
ERROR = TaskError(ErrorCode.WORKER_FAILED, "the agent failed", "exit 1", "Look.")
ASKED = replace(DONE.wish, command="ask", result="answer")
NO_PULL = replace(DONE, pull=None, branches=Branches("main", "main", f"bellhop/{NAME}"))

STATUS: dict[str, tuple[Task, int]] = {
    "waiting": (task_in(), 3),
    "waiting to launch again": (
        task_in(
            clocks=Clocks(retry_at=LATER), state=CurrentState(NOON, "waiting_to_launch", "no room")
        ),
        1,
    ),
    "starting": (task_in(Status.STARTING), 0),
    "working": (RUNNING, 0),
    "working at a cost": (replace(RUNNING, usage=Usage(1, 2, 0.5)), 0),
    "working within a cost": (
        replace(RUNNING, usage=Usage(1, 2, 0.5), wish=replace(RUNNING.wish, max_cost=2.0)),
        0,
    ),
    "working with a branch": (replace(RUNNING, branches=DONE.branches), 0),
    "working on a pull request": (replace(RUNNING, branches=DONE.branches, where=ON_PULL), 0),
    "opening": (opening(progress=99), 0),
    "done": (DONE, 0),
    "done without a change": (NO_PULL, 0),
    "answered": (replace(NO_PULL, wish=ASKED), 0),
    "cancelled": (task_in(Status.CANCELLED), 0),
    "failed": (task_in(Status.FAILED, error=ERROR, started_at=NOON, completed_at=LATER), 0),
    "failed for no reason": (task_in(Status.FAILED, error=None), 0),
}


@pytest.mark.parametrize("name", STATUS)
def test_the_status_comment_shows_what_is_so_now(name: str) -> None:
    task, place = STATUS[name]
    shown = snapshot(
        {
            "waiting": """\
🛎️ **`/fix`** · `brave-otter-4f2`

Waiting for a free place: number 3 in the queue.\
""",
            "waiting to launch again": """\
🛎️ **`/fix`** · `brave-otter-4f2`

The launch failed and is tried again: no room\
""",
            "starting": """\
🛎️ **`/fix`** · `brave-otter-4f2`

Starting …\
""",
            "working": """\
🛎️ **`/fix`** · `brave-otter-4f2`

Working: oiling @&#x200B;the hinges
`████░░░░░░` 42 % · 12 min of 30 min\
""",
            "working at a cost": """\
🛎️ **`/fix`** · `brave-otter-4f2`

Working: oiling @&#x200B;the hinges
`████░░░░░░` 42 % · 12 min of 30 min · $0.50\
""",
            "working within a cost": """\
🛎️ **`/fix`** · `brave-otter-4f2`

Working: oiling @&#x200B;the hinges
`████░░░░░░` 42 % · 12 min of 30 min · $0.50 of $2.00\
""",
            "working with a branch": """\
🛎️ **`/fix`** · `brave-otter-4f2`

Working: oiling @&#x200B;the hinges
`████░░░░░░` 42 % · 12 min of 30 min

Branch:
[`bellhop/brave-otter-4f2`](https://github.com/acme/door/tree/bellhop/brave-otter-4f2)\
""",
            "working on a pull request": """\
🛎️ **`/fix`** · `brave-otter-4f2`

Working: oiling @&#x200B;the hinges
`████░░░░░░` 42 % · 12 min of 30 min\
""",
            "opening": """\
🛎️ **`/fix`** · `brave-otter-4f2`

Opening pull request …
`█████████░` 99 % · 12 min of 30 min

Branch:
[`bellhop/brave-otter-4f2`](https://github.com/acme/door/tree/bellhop/brave-otter-4f2)\
""",
            "done": """\
✅ **`/fix`** · `brave-otter-4f2`: completed in 12 min:
https://github.test/acme/door/pull/9\
""",
            "done without a change": """\
✅ **`/fix`** · `brave-otter-4f2`: completed in 12 min,
nothing changed\
""",
            "answered": "✅ **`/ask`** · `brave-otter-4f2`: answered in 12 min",
            "cancelled": "⏹️ **`/fix`** · `brave-otter-4f2`: cancelled",
            "failed": """\
❌ **`/fix`** · `brave-otter-4f2`: failed in 12 min: the
agent failed\
""",
            "failed for no reason": "❌ **`/fix`** · `brave-otter-4f2`: failed: failed",
        }
    )
    assert folded(replies.status_comment(task, RULES, LATER, place)) == shown[name]


FINAL: dict[str, tuple[Task, str]] = {
    "a pull request": (DONE, ""),
    "commits on a pull request": (replace(DONE, where=ON_PULL, summary=None), ""),
    "no change": (NO_PULL, ""),
    "no change beyond a pull request": (
        replace(DONE, branches=replace(DONE.branches, pushed=False)),
        "",
    ),
    "an answer": (replace(DONE, wish=ASKED), ""),
    "no answer": (replace(DONE, wish=ASKED, summary=None), ""),
    "stopped by a person": (task_in(Status.CANCELLED), "b@b"),
    "stopped by nobody": (task_in(Status.CANCELLED), ""),
    "failed": (task_in(Status.FAILED, error=ERROR), ""),
    "failed for good": (
        task_in(Status.FAILED, error=TaskError(ErrorCode.INTERNAL, "gone", retryable=False)),
        "",
    ),
    "failed after a push": (
        task_in(
            Status.FAILED,
            error=replace(ERROR, remedy=""),
            branches=Branches("main", "main", "bellhop/x", HEAD, pushed=True),
        ),
        "",
    ),
    "failed for no reason": (task_in(Status.FAILED, error=None), ""),
}


@pytest.mark.parametrize("name", FINAL)
def test_the_final_comment_says_what_became_of_it(name: str) -> None:
    task, by = FINAL[name]
    said = snapshot(
        {
            "a pull request": """\
🛎️ Done: https://github.test/acme/door/pull/9

Oiled it, @&#x200B;ada.\
""",
            "commits on a pull request": """\
🛎️ Done: the commits are on this pull request,
https://github.test/acme/door/pull/9\
""",
            "no change": """\
`brave-otter-4f2` ended without changing anything, so there
is no pull request.

Oiled it, @&#x200B;ada.\
""",
            "no change beyond a pull request": """\
`brave-otter-4f2` ended without changing anything more; the
pull request is https://github.test/acme/door/pull/9

Oiled it, @&#x200B;ada.\
""",
            "an answer": "Oiled it, @&#x200B;ada.",
            "no answer": "The agent gave no answer.",
            "stopped by a person": """\
`brave-otter-4f2` was stopped by b@b. `/retry
brave-otter-4f2` starts it again.\
""",
            "stopped by nobody": """\
`brave-otter-4f2` was stopped. `/retry brave-otter-4f2`
starts it again.\
""",
            "failed": """\
❌ `brave-otter-4f2` failed: the agent failed.

exit 1

Look. `/retry brave-otter-4f2` tries again.\
""",
            "failed for good": "❌ `brave-otter-4f2` failed: gone.",
            "failed after a push": """\
❌ `brave-otter-4f2` failed: the agent failed.

exit 1

What was pushed is on
[`bellhop/x`](https://github.com/acme/door/tree/bellhop/x).

`/retry brave-otter-4f2` tries again.\
""",
            "failed for no reason": "`brave-otter-4f2` failed.",
        }
    )
    assert folded(replies.final(task, RULES, by=by)) == said[name]


def test_the_list_of_tasks_shows_state_time_and_link() -> None:
    tasks = [
        task_in(),
        RUNNING,
        DONE,
        task_in(Status.CANCELLED, started_at=NOON, completed_at=NOON + timedelta(hours=25)),
        task_in(Status.FAILED, started_at=NOON, completed_at=NOON + timedelta(seconds=59)),
    ]
    assert replies.status_list(tasks, {}, LATER, RULES) == snapshot("""\
| task | command | state | time | pull request |
|---|---|---|---|---|
| `brave-otter-4f2` | `/fix` | queued | - | - |
| `brave-otter-4f2` | `/fix` | working, 42 % | 12 min | - |
| `brave-otter-4f2` | `/fix` | completed | 12 min | https://github.test/acme/door/pull/9 |
| `brave-otter-4f2` | `/fix` | cancelled | 25 h 0 min | - |
| `brave-otter-4f2` | `/fix` | failed | 59 s | - |\
""")
    waiting = task_in()
    assert "| queued, number 2 |" in replies.status_list([waiting], {waiting.id: 2}, LATER, RULES)
    assert replies.status_list([], {}, LATER, RULES) == snapshot(
        "No task was started here yet. `/fix` starts one, `/help` tells more."
    )


@pytest.mark.parametrize("role", [Role.READ, Role.TRIAGE, Role.WRITE])
def test_help_lists_what_this_person_may_use(role: Role) -> None:
    text = replies.help_text(role, APP)
    listed = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    table = snapshot(
        {
            "READ": ["/help"],
            "TRIAGE": ["/ask question", "/stop [task]", "/retry [task]", "/status", "/help"],
            "WRITE": [
                "/fix [instructions]",
                "/ask question",
                "/tell message",
                "/stop [task]",
                "/retry [task]",
                "/status",
                "/approve HASH",
                "/help",
            ],
        }
    )
    assert listed == table[role.name]


def test_help_says_how_to_ask() -> None:
    lines = replies.help_text(Role.READ, APP).splitlines()
    assert folded("\n".join(line for line in lines if not line.startswith("|"))) == snapshot("""\
What you may use here, as the first thing on a line
(`@bellhop-test help` means the same as `/help`):\
""")


def test_why_a_worker_is_stopped() -> None:
    assert replies.stopping(Ending(Status.CANCELLED, by="ada")) == snapshot("stopped by ada")
    assert replies.stopping(Ending(Status.FAILED, ERROR)) == snapshot("the agent failed")


@pytest.mark.parametrize(("base", "tie"), [("main", "Closes #7"), ("release", "Refs #7")])
def test_a_pull_request_closes_its_issue_from_the_default_branch_alone(base: str, tie: str) -> None:
    task = replace(DONE, branches=replace(DONE.branches, base=base))
    assert f"\n\n{tie}\n\n" in replies.pull_request_body(task)


def test_a_pull_request_says_where_it_comes_from() -> None:
    task = replace(
        DONE,
        requester=Person(2, "bob"),
        wish=replace(DONE.wish, model="openai/gpt-5"),
        body="Oiled. Fixes #1, @ada.",
    )
    assert folded(replies.pull_request_body(task)) == snapshot("""\
Oiled. F&#x200B;ixes #1, @&#x200B;ada.

Closes #7

---
Asked for by bob with `/fix` in #7. Written by the agent
`command` with `openai/gpt-5` as `brave-otter-4f2`: review
it like any other change.\
""")
    plain = replace(DONE, summary=None)
    assert folded(replies.pull_request_body(plain)) == snapshot("""\
Closes #7

---
Asked for by ada with `/fix` in #7. Written by the agent
`command` as `brave-otter-4f2`: review it like any other
change.\
""")


@pytest.mark.parametrize(
    ("task", "title"),
    [
        (replace(DONE, title="Oil the door"), "Oil the door"),
        (DONE, "The door squeaks"),
        (replace(DONE, where=ON_PULL), "Oil the door"),
        (replace(DONE, where=replace(HERE, title=" ")), "Changes for #7"),
        (replace(DONE, title="x" * 300), "x" * 199 + "…"),
    ],
)
def test_a_pull_request_is_called_like_its_issue_unless_the_agent_knows_better(
    task: Task, title: str
) -> None:
    assert replies.pull_request_title(task) == title


def test_a_link_of_the_list_is_that_of_the_pull_request() -> None:
    pull = PullRequest(1, "https://github.test/1")
    assert "| https://github.test/1 |" in replies.status_list(
        [replace(DONE, pull=pull)], {}, LATER, RULES
    )


def test_where_people_find_the_pages_a_task_leads_to_its_own() -> None:
    rules = replace(RULES, pages_url="https://bellhop.test")
    page = f"https://bellhop.test/tasks/{RUNNING.id}"
    named = f"[`{NAME}`]({page})"
    assert replies.status_comment(RUNNING, rules, LATER, 0).startswith(f"🛎️ **`/fix`** · {named}\n")
    assert replies.status_comment(DONE, rules, LATER, 0).startswith(f"✅ **`/fix`** · {named}: ")
    assert f"| {named} |" in replies.status_list([RUNNING], {}, LATER, rules)
    for task in (DONE, NO_PULL, replace(DONE, wish=ASKED), task_in(Status.CANCELLED)):
        assert replies.final(task, rules).endswith(f"\n\n[The log of `{NAME}`]({page})")


def test_a_pull_request_says_who_asked_and_who_approved_it() -> None:
    task = task_in(Status.COMPLETED, requester=BOB)
    said = [
        replies.pull_request_body(replace(task, approval=approval)).partition("\n---\n")[2]
        for approval in (
            None,
            Approval("0123456789", ADA, late=True),
            Approval("0123456789", Person(3, "eve_*"), late=False),
        )
    ]
    assert [one.partition(" with ")[0] for one in said] == [
        "Asked for by bob",
        "Asked for by bob",
        r"Asked for by eve\_\*, approved by ada,",
    ]


@pytest.mark.parametrize("ci", ["run", "skip"])
@pytest.mark.parametrize("outsiders", [True, False])
def test_where_workflows_are_skipped_it_is_said(
    ci: Literal["run", "skip"], *, outsiders: bool
) -> None:
    usual = task_in(Status.COMPLETED)
    task = replace(usual, outsiders=outsiders, wish=replace(usual.wish, ci=ci))
    told = outsiders and ci == "skip"
    assert (replies.NO_CHECKS in replies.pull_request_body(task)) is told
    assert (replies.NO_CHECKS in replies.final(replace(task, where=ON_PULL), RULES)) is told
    assert "[skip ci]" not in replies.NO_CHECKS
