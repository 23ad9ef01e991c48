"""Reviews: which ask for something, what a worker is told of them, and what follows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from inline_snapshot import snapshot

from handlers import decide, events
from handlers.admission import deaf_to
from handlers.budgets import Budget
from handlers.circumstances import Circumstances, PullFacts
from handlers.commands import Role
from handlers.decision import NOTHING, Decision
from handlers.deliveries import ReviewSubmitted, Unreadable, read_delivery
from handlers.effects import Comment, React
from handlers.on_request import MOST_PENDING
from handlers.repo_config import ConfigProblem, RepoConfig
from handlers.reviews import (
    LONGEST_MESSAGE,
    LONGEST_SECTION,
    ReviewRemark,
    asks_without_command,
    review_message,
    review_section,
)
from handlers.task import PullRequest, Status, Task
from handlers.values import FollowUp, Origin
from tests.makers import (
    ADA,
    APP,
    BOB,
    HEAD,
    HERE,
    HOUR,
    ID,
    NAME,
    NOON,
    ON_PULL,
    SECOND,
    folded,
    given,
    id_of,
    kinds,
    now_task,
    stopping,
    task_in,
    view,
)
from tests.payloads import review_body

OURS = {"id": 9, "login": f"{APP}[bot]", "type": "Bot"}


def read(**changes: Any) -> ReviewSubmitted:
    value = read_delivery("pull_request_review", review_body(**changes))
    assert isinstance(value, ReviewSubmitted)
    return value


# --- the delivery ---------------------------------------------------------------------------------


def test_a_review_is_a_text_on_a_pull_request() -> None:
    review = read(text="Nearly.", state="CHANGES_REQUESTED", number=8)
    assert (review.kind, review.source_id, review.text) == ("review", 5, "Nearly.")
    assert (review.subject.number, review.subject.is_pull_request) == (8, True)
    assert (review.verdict, review.branch) == ("changes_requested", "topic")
    assert (review.app_id, review.head_repository) == (None, 2)
    assert read(text=None).text == ""
    assert read(head={"ref": "topic", "repo": None}).head_repository is None


def test_only_what_is_submitted_is_listened_to() -> None:
    body = json.loads(review_body())
    assert (
        read_delivery("pull_request_review", json.dumps(body | {"action": "edited"}).encode())
        is None
    )
    del body["review"]["submitted_at"]
    with pytest.raises(Unreadable, match=r"submitted_at"):
        read_delivery("pull_request_review", json.dumps(body).encode())


ASKING: list[tuple[dict[str, Any], bool]] = [
    ({"author": OURS}, True),
    ({"author": OURS, "state": "changes_requested"}, True),
    ({"author": OURS, "state": "approved"}, False),
    ({"author": OURS, "state": "dismissed"}, False),
    ({"author": OURS, "pull_state": "closed"}, False),
    ({"author": OURS, "reviewer": {"id": 3, "login": "robot[bot]", "type": "Bot"}}, False),
    ({"author": OURS, "reviewer": OURS}, False),
    ({}, False),
    ({"author": {"id": 9, "login": "other[bot]", "type": "Bot"}}, False),
    ({"author": {"id": 9, "login": f"{APP}[bot]", "type": "User"}}, False),
    ({"author": None}, False),
    ({"head": {"ref": f"bellhop/{NAME}", "repo": {"id": 2}}}, True),
    ({"head": {"ref": f"bellhop/{NAME}", "repo": {"id": 3}}}, False),
    ({"head": {"ref": f"bellhop/{NAME}", "repo": None}}, False),
]


@pytest.mark.parametrize(("changes", "asks"), ASKING)
def test_reviews_of_our_own_pull_requests_need_no_command(
    changes: dict[str, Any], *, asks: bool
) -> None:
    assert asks_without_command(read(**changes), APP) is asks


def test_bellhop_does_not_listen_to_its_own_reviews() -> None:
    review = read(reviewer=OURS, text="/fix it")
    assert deaf_to(review, 42, APP) == "Bellhop's own words"
    assert deaf_to(read(text="/fix it"), 42, APP) is None


# --- what is told ---------------------------------------------------------------------------------

HUNK = "@@ -1,3 +10,4 @@ def door():\n first\n-old\n+new\n third"


def remark(body: str = "Why?", **changes: Any) -> ReviewRemark:
    usual = ReviewRemark("src/door.py", None, HUNK, body, NOON)
    return replace(usual, **changes)


def test_a_message_says_what_the_review_says() -> None:
    review = read(text="Nearly.\n<!-- /fix everything -->", state="changes_requested")
    told = review_message(review, [remark(), remark("All of it.", hunk="", line=None)])
    assert told == snapshot("""\
A review of the pull request that requests changes:

Nearly.

On `src/door.py`, line 12:

```text
@@ -1,3 +10,4 @@ def door():
 first
-old
+new
 third
```

Why?

On `src/door.py`:

All of it.\
""")


def test_a_section_holds_it_as_material() -> None:
    told = review_section(read(text="Hm.\n/fix it"), [remark("Use ```x```.")])
    assert told == snapshot("""\
## The review with the command, by ada

```text
Hm.
/fix it
```

On `src/door.py`, line 12:

```text
@@ -1,3 +10,4 @@ def door():
 first
-old
+new
 third
```

````text
Use ```x```.
````\
""")


def test_what_says_nothing_is_nothing() -> None:
    assert review_message(read(text="  \n"), []) == ""
    assert review_message(read(text="<!-- hidden -->"), []) == ""
    assert review_section(read(text="/fix it"), []) == ""


@pytest.mark.parametrize(
    ("hunk", "line", "shown"),
    [
        (HUNK, 99, ", line 99"),
        (HUNK, None, ", line 12"),
        ("@@ -0,0 +1 @@\n+only\n\\ No newline at end of file", None, ", line 1"),
        ("@@ -1,2 +1 @@\n kept\n-gone", None, ""),
        ("@@ -1 +1 @@", None, ""),
        ("Binary files differ", None, ""),
    ],
)
def test_a_line_is_found_in_the_hunk(hunk: str, line: int | None, shown: str) -> None:
    told = review_message(read(text=""), [remark(hunk=hunk, line=line)])
    assert f"On `src/door.py`{shown}:\n" in told


def test_a_hunk_keeps_what_looks_hidden_in_a_text() -> None:
    told = review_message(read(), [remark(hunk="@@ -0,0 +1,2 @@\n+<!-- a -->\n+b\u200b")])
    assert "+<!-- a -->\n+b\n" in told


def test_comments_that_were_edited_later_or_find_no_room_are_left_out() -> None:
    review = read(text="")
    late = remark(updated_at=NOON + HOUR)
    submitted_with = remark(updated_at=NOON + SECOND)
    assert review_message(review, [late]) == ""
    told = review_message(review, [late, submitted_with])
    assert told.endswith("(Left out: 1 of its comments, edited later or for want of room.)")
    for make, longest in ((review_message, LONGEST_MESSAGE), (review_section, LONGEST_SECTION)):
        told = make(read(text="x" * 99_999), [remark("y" * 99_999, hunk="z" * 99_999)] * 100)
        assert longest // 2 < len(told) <= longest
        assert "(cut: 97999 more characters)" in told
        assert "of its comments, edited later or for want of room.)" in told


# --- what follows ---------------------------------------------------------------------------------

PULL = PullRequest(9, "https://github.test/acme/door/pull/9")
DONE = task_in(Status.COMPLETED, pull=PULL)
THERE = replace(HERE, number=9, is_pull_request=True, repository="acme/gate", installation_id=11)


def found(**changes: Any) -> Circumstances:
    head = PullFacts(f"bellhop/{NAME}", HEAD, same_repository=True, protected=False, base="main")
    usual = {"role": Role.WRITE, "config": RepoConfig(), "default_branch": "main", "pull": head}
    return Circumstances(**{**usual, **changes})


def reviewed(text: str = "Nearly.", **changes: Any) -> events.ReviewGiven:
    origin = Origin("review", 55, 0, "https://github.test/r/55")
    age = changes.pop("age", timedelta(0))
    return events.ReviewGiven(id_of(7), THERE, BOB, origin, text, found(**changes), age)


def after(task: Task | None, event: events.ReviewGiven, **seen: Any) -> Decision:
    return decide(view(task, **seen), event, NOON + HOUR)


def test_a_review_of_what_is_done_is_another_attempt() -> None:
    decision = after(
        DONE, reviewed(context="what was said", branch_heads={f"bellhop/{NAME}": HEAD})
    )
    task = now_task(decision)
    assert (task.id, task.attempt, task.status, task.requester) == (ID, 2, Status.QUEUED, BOB)
    assert (task.branches.name, task.branches.head) == (f"bellhop/{NAME}", HEAD)
    assert (task.where.number, task.where.repository) == (HERE.number, "acme/gate")
    assert task.where.installation_id == 11
    assert decision.brief is not None
    assert (decision.brief.prompt, decision.brief.context) == ("Nearly.", "what was said")
    assert kinds(decision.effects) == ["React", "EditStatus"]
    assert decision.effects[0] == React("review/55/eyes", THERE, None)
    assert [entry.type for entry in decision.timeline] == ["message", "status"]


@pytest.mark.parametrize("status", [Status.QUEUED, Status.STARTING, Status.RUNNING])
def test_who_is_at_work_hears_it(status: Status) -> None:
    decision = after(task_in(status, pull=PULL), reviewed())
    task = now_task(decision)
    assert (task.attempt, task.status) == (1, status)
    assert task.pending == (FollowUp(id_of(7), "Nearly.", BOB),)
    assert kinds(decision.effects) == ["React"]


CLOSED = PullFacts("b", HEAD, same_repository=True, protected=False, base="main", open=False)


@pytest.mark.parametrize(
    ("task", "event"),
    [
        (None, reviewed()),
        (replace(DONE, deleting=True), reviewed()),
        (task_in(Status.REJECTED), reviewed()),
        (DONE, reviewed(role=Role.TRIAGE)),
        (DONE, reviewed(archived=True)),
        (DONE, reviewed(text="")),
        (DONE, reviewed(pull=CLOSED)),
    ],
)
def test_what_is_not_heard_is_not_answered(task: Task | None, event: events.ReviewGiven) -> None:
    assert after(task, event) == NOTHING


ADMINS = replace(task_in().wish, command="deploy", role=Role.ADMIN)
FULL = tuple(FollowUp(str(number), "x", ADA) for number in range(MOST_PENDING))


@pytest.mark.parametrize(
    ("task", "changes", "seen", "why"),
    [
        (DONE, {"config": (ConfigProblem(1, "x", "is wrong"),)}, {}, "has mistakes"),
        (DONE, {}, {"budgets": {ADA.id: (Budget("owner", 1.0, 2.0),)}}, "$2.00 of today's $1.00"),
        (stopping(pull=PULL), {}, {}, "It is being stopped."),
        (task_in(Status.RUNNING, pull=PULL, wish=ADMINS), {}, {}, "needs the **admin** role"),
        (task_in(Status.RUNNING, pending=FULL), {}, {}, "messages wait already"),
    ],
)
def test_a_writer_is_told_why_nothing_follows(
    task: Task, changes: dict[str, Any], seen: dict[str, Any], why: str
) -> None:
    decision = after(task, reviewed(**changes), **seen)
    (comment,) = decision.effects
    assert isinstance(comment, Comment)
    assert (comment.key, comment.where) == (f"{id_of(7)}/refusal", THERE)
    assert comment.body.startswith("Nothing was started for this review. ")
    assert why in comment.body
    assert decision.task is None
    assert decision.refusal
    again = after(task, reviewed(**changes), refused=frozenset({decision.refusal}), **seen)
    assert again == NOTHING, "the same is told once an hour"


def test_a_late_review_starts_nothing_unasked() -> None:
    old = replace(reviewed(), age=timedelta(hours=1, seconds=1))
    decision = after(DONE, old)
    (comment,) = decision.effects
    assert isinstance(comment, Comment)
    assert (comment.key, comment.where) == (f"{id_of(7)}/reply", THERE)
    assert comment.body == (
        "This review is 1 h 0 min old: I could not hear it sooner, and nothing was started for "
        f"it. If it still holds, `/tell` me what `{DONE.name}` is to do."
    )
    assert decision.task is None
    assert now_task(after(DONE, replace(old, age=timedelta(hours=1)))).attempt == 2


# --- commands in reviews --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "role", "why"),
    [
        ("/fix it", Role.TRIAGE, "`/fix` needs the **write** role"),
        ("/ask why?", Role.READ, "`/ask` needs the **triage** role"),
        ("/ask why?", Role.TRIAGE, "Commands in reviews count from people with the **write** role"),
        ("/help", Role.READ, "Commands in reviews count from people with the **write** role"),
    ],
)
def test_commands_in_reviews_are_for_writers(text: str, role: Role, why: str) -> None:
    origin = Origin("review", 55, 0, "")
    event = given(text, role=role, origin=origin, where=ON_PULL)
    decision = decide(view(issue_tasks=(DONE,)), event, NOON)
    (comment,) = decision.effects
    assert isinstance(comment, Comment)
    assert comment.body.startswith(why)
    assert folded(comment.body).count("role") >= 1


def test_a_command_in_a_review_does_not_wait_for_approval() -> None:
    """The comments of the review would be no part of what is quoted."""
    origin, config = Origin("review", 55, 0, ""), RepoConfig(outsiders="approve")
    event = given("/fix it", role=Role.READ, origin=origin, where=ON_PULL, config=config)
    decision = decide(view(issue_tasks=(DONE,)), event, NOON)
    assert decision.task is None
    (comment,) = decision.effects
    assert isinstance(comment, Comment)
    assert comment.body.startswith("Commands in reviews count from people with the **write** role")
    later = replace(event, origin=Origin("comment", 56, 0, ""))
    assert now_task(decide(view(issue_tasks=(DONE,)), later, NOON)).awaiting


def test_a_writers_command_in_a_review_is_a_task() -> None:
    origin = Origin("review", 55, 3, "")
    decision = decide(view(), given("/ask why?", origin=origin, where=ON_PULL), NOON)
    assert now_task(decision).origin == origin
    assert decision.effects[0] == React("review/55/eyes", ON_PULL, None)
