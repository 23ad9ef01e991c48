"""What a day may cost: who is refused, and what waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from inline_snapshot import snapshot

from handlers import decide, events, replies
from handlers.budgets import Budget, day_end, seconds_left
from handlers.decision import NOTHING, Load
from handlers.effects import Comment
from handlers.task import Status, Task
from handlers.values import Clocks, CurrentState, FollowUp, Usage
from tests.makers import (
    ADA,
    BOB,
    HOUR,
    ID,
    MINUTE,
    NOON,
    RULES,
    after,
    command_given,
    folded,
    given,
    kinds,
    now_task,
    task_in,
    view,
)

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
SPENT = Budget("repository", 10.0, 10.25)
PROMISED = Budget("repository", 10.0, 4.0, 6.0)
LEFT = Budget("repository", 10.0, 9.99)
OWNERS = Budget("owner", 5.0, 5.0)


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (NOON, 12 * 3600),
        (MIDNIGHT - timedelta(milliseconds=1), 1),
        (MIDNIGHT - timedelta(days=1), 24 * 3600),
        (datetime(2026, 3, 2, 1, 30, tzinfo=timezone(2 * HOUR)), 1800),
    ],
)
def test_a_day_is_one_of_utc(now: datetime, seconds: int) -> None:
    assert (day_end(now), seconds_left(now)) == (MIDNIGHT, seconds)


@pytest.mark.parametrize(
    ("budget", "used_up", "taken"),
    [
        (LEFT, False, False),
        (PROMISED, False, True),
        (replace(PROMISED, promised=5.99), False, False),
        (SPENT, True, True),
        (replace(SPENT, spent=10.0), True, True),
    ],
)
def test_what_is_promised_is_taken_and_not_spent(
    budget: Budget, used_up: bool, taken: bool
) -> None:
    assert (budget.used_up, budget.taken) == (used_up, taken)


# --- admission ------------------------------------------------------------------------------------

OLD = task_in(Status.FAILED)


@pytest.mark.parametrize("text", ["/fix it", "/ask why?", "/retry"])
def test_a_command_is_refused_once_an_hour_when_the_day_has_cost_enough(text: str) -> None:
    seen = view(issue_tasks=(OLD,), budgets={ADA.id: (SPENT, OWNERS)})
    decision = decide(seen, given(text), NOON)
    (body,) = [one.body for one in decision.effects if isinstance(one, Comment)]
    assert folded(body) == snapshot("""\
$10.25 of today's $10.00 for this repository are spent, so
nothing more is admitted before 2026-03-02 00:00 UTC. Ask
again then, or ask whoever operates this Bellhop for a
higher `BELLHOP_DAILY_COST_PER_REPOSITORY`.\
""")
    assert decision.refusal == "over_budget:repository"
    if text != "/retry":
        rejected = now_task(decision)
        assert rejected.error is not None
        assert (rejected.status, rejected.error.code) == (Status.REJECTED, "over_budget")
    again = replace(seen, refused=frozenset({"over_budget:repository"}))
    assert decide(again, given(text), NOON) == NOTHING


@pytest.mark.parametrize("text", ["/fix it", "/ask why?", "/retry"])
@pytest.mark.parametrize("budgets", [{}, {ADA.id: (LEFT, PROMISED)}, {BOB.id: (SPENT,)}])
def test_as_long_as_something_is_left_a_command_is_admitted(
    text: str, budgets: dict[int, tuple[Budget, ...]]
) -> None:
    seen = view(issue_tasks=(OLD,), budgets=budgets)
    assert now_task(decide(seen, given(text), NOON)).status is Status.QUEUED


def test_the_role_is_looked_at_before_the_money() -> None:
    seen = view(budgets={ADA.id: (SPENT,)})
    decision = decide(seen, given("/stop"), NOON)
    assert decision.refusal is None, "what costs nothing is not refused"


DONE = task_in(Status.COMPLETED)
MORE = FollowUp("m1", "And the hinge", BOB)


@pytest.mark.parametrize("event", ["work", "retry", "message"])
def test_a_program_is_told_when_to_ask_again(event: str) -> None:
    found = given("/fix it").found
    asked = {
        "work": events.WorkRequested(
            ID,
            given("/fix it").command,
            DONE.where,
            ADA,
            DONE.origin,
            found,  # pyright: ignore[reportArgumentType]  a command that is none is not asked for
        ),
        "retry": events.RetryRequested(ID, BOB, found),
        "message": events.MessageSent(ID, MORE, found),
    }[event]
    task = None if event == "work" else DONE
    decision = after(task, asked, NOON, budgets={ADA.id: (OWNERS,)})
    assert (decision.task, decision.effects) == (None, ())
    assert decision.declined is not None
    assert (decision.declined.kind, decision.declined.wait) == ("over_budget", 12 * 3600)
    assert folded(decision.declined.detail) == snapshot(
        """\
$5.00 of today's $5.00 for the tasks of one person are
spent, so nothing more is admitted before 2026-03-02 00:00
UTC. Ask again then, or ask whoever operates this Bellhop
for a higher `BELLHOP_DAILY_COST_PER_OWNER`.\
"""
    )


def test_a_message_to_who_is_at_work_costs_no_attempt() -> None:
    running = task_in(Status.RUNNING)
    decision = after(running, events.MessageSent(ID, MORE), NOON, budgets={ADA.id: (SPENT,)})
    assert now_task(decision).pending == (MORE,)


def test_a_message_that_was_taken_before_waits_for_another_day() -> None:
    task = replace(DONE, pending=(MORE,))
    decision = after(task, events.FollowUpDue(ID), NOON, budgets={ADA.id: (SPENT,)})
    assert now_task(decision).status is Status.QUEUED


# --- in the queue ---------------------------------------------------------------------------------

OFFERED = events.PlaceOffered(ID)


def waits(**changes: object) -> Task:
    told = CurrentState(NOON, "waiting_for_budget", replies.waits_for_budget(SPENT))
    return replace(task_in(), clocks=Clocks(budget_at=MIDNIGHT), state=told, **changes)  # pyright: ignore[reportArgumentType]


def test_what_cannot_be_paid_today_waits_and_says_so() -> None:
    decision = after(task_in(), OFFERED, NOON, budgets={ADA.id: (LEFT, OWNERS)})
    task = now_task(decision)
    assert (task.status, task.clocks) == (Status.QUEUED, Clocks(budget_at=MIDNIGHT))
    assert task.clocks.next() == MIDNIGHT
    assert task.state.state == "waiting_for_budget"
    assert folded(task.state.message) == snapshot("""\
$5.00 of today's $5.00 for the tasks of its owner are spent;
it goes on after 00:00 UTC\
""")
    assert kinds(decision.effects) == ["EditStatus"]
    assert [(entry.type, entry.data) for entry in decision.timeline] == [
        ("warning", {"state": "waiting_for_budget"})
    ]
    again = after(task, OFFERED, NOON + MINUTE, budgets={ADA.id: (OWNERS,)})
    assert again == NOTHING, "it is said once a day"
    tomorrow = after(task, OFFERED, MIDNIGHT, budgets={ADA.id: (OWNERS,)})
    assert now_task(tomorrow).clocks.budget_at == MIDNIGHT + timedelta(days=1)


def test_what_others_may_spend_is_left_to_them() -> None:
    decision = after(task_in(), OFFERED, NOON, budgets={ADA.id: (PROMISED,)})
    assert folded(now_task(decision).state.message) == snapshot(
        """\
$4.00 of today's $10.00 for this repository are spent, and
what is at work may spend the rest; it goes on when
something is left\
"""
    )


def test_where_something_is_left_it_begins() -> None:
    task = now_task(after(waits(), OFFERED, MIDNIGHT, budgets={ADA.id: (LEFT,)}))
    assert (task.status, task.clocks) == (Status.STARTING, Clocks())


def test_what_could_be_paid_again_waits_for_a_place() -> None:
    full = Load(total=RULES.max_running)
    decision = after(waits(), OFFERED, MIDNIGHT, load=full)
    task = now_task(decision)
    assert (task.status, task.state.state, task.clocks) == (
        Status.QUEUED,
        "waiting_for_slot",
        Clocks(),
    )
    assert kinds(decision.effects) == ["EditStatus"]
    assert after(task, OFFERED, MIDNIGHT, load=full) == NOTHING


def test_comments_say_that_it_waits_for_the_budget() -> None:
    assert folded(replies.status_comment(waits(), RULES, NOON, 1)) == snapshot("""\
🛎️ **`/fix`** · `brave-otter-4f2`

Waiting: $10.25 of today's $10.00 for this repository are
spent; it goes on after 00:00 UTC.\
""")
    event = command_given(given("/status").command, given("/status").found)
    decision = decide(view(issue_tasks=(waits(),), places={ID: 1}), event, NOON)
    (body,) = [one.body for one in decision.effects if isinstance(one, Comment)]
    assert body.splitlines()[2] == snapshot(
        "| `brave-otter-4f2` | `/fix` | queued, number 1, waits for a daily budget | - | - |"
    )


# --- what was spent -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "known"),
    [
        (None, Usage(5, 6, 0.7)),
        (Usage(6, 7, 0.8), Usage(6, 7, 0.8)),
        (Usage(9, 1, 0.1), Usage(9, 6, 0.7)),
        (Usage(1200, 300), Usage(1200, 300, 0.7)),
    ],
)
def test_what_was_spent_is_not_taken_back(told: Usage | None, known: Usage) -> None:
    task = task_in(Status.RUNNING, usage=Usage(5, 6, 0.7))
    report = events.WorkerReported(ID, 1, 1, usage=told)
    assert now_task(after(task, report)).usage == known
    done = events.WorkerCompleted(ID, 1, 1, "failed", "x", usage=told)
    assert now_task(after(task, done)).usage == known
