"""What waits for approval, who may approve it, and what runs then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given as hypothesis
from hypothesis import strategies as st
from inline_snapshot import snapshot

from handlers import decide, events
from handlers.approval import EXPIRES, LATE, MOST, MOST_SHOWN, hash_of, pick_awaiting
from handlers.circumstances import Circumstances
from handlers.commands import Command, Role, parse
from handlers.decision import NOTHING, Brief, Crowd, Decision
from handlers.effects import Comment
from handlers.on_backup import UNTOLD
from handlers.own_commands import OwnCommand, plain_kind
from handlers.replies import status_comment, status_list
from handlers.repo_config import ConfigProblem, RepoConfig
from handlers.task import Approval, Branches, Status, Task
from handlers.values import Clocks, FollowUp, Origin, Person
from tests.makers import (
    ADA,
    APP,
    BOB,
    HOUR,
    ID,
    NAME,
    NOON,
    ON_PULL,
    PULL,
    RULES,
    SECOND,
    after,
    command_given,
    folded,
    given,
    id_of,
    kinds,
    now_task,
    task_in,
    view,
)

OPEN = RepoConfig(outsiders="approve")
LATER = NOON + HOUR


def asked(text: str = "/fix --time 5m Oil *the* door", **changes: Any) -> Decision:
    """Ada, who may only read, gives a command where outsiders' commands wait."""
    return decide(view(), given(text, **{"role": Role.READ, "config": OPEN, **changes}), NOON)


def waiting(text: str = "/fix --time 5m Oil *the* door", **changes: Any) -> Task:
    return replace(now_task(asked(text, **changes)), version=1)


def key_of(task: Task) -> str:
    assert task.approval is not None
    return task.approval.hash


def approve(task: Task, *others: Task, **changes: Any) -> Decision:
    """Bob, who may write, approves a task; an hour later."""
    usual = {"sender": BOB, "task_id": id_of(9), "origin": Origin("comment", 99, 0, "")}
    seen = {key: changes.pop(key) for key in ("waiting", "rules", "refused") if key in changes}
    event = given(f"/approve {key_of(task)}", **{**usual, **changes})
    both = (*others, task)
    awaiting = tuple(one for one in both if one.awaiting)
    return decide(view(issue_tasks=both, awaiting=awaiting, **seen), event, LATER)


def body_of(decision: Decision) -> str:
    (body,) = [one.body for one in decision.effects if isinstance(one, Comment)]
    return body


# --- what waits -----------------------------------------------------------------------------------


def test_an_outsiders_command_waits_and_takes_no_place() -> None:
    decision = asked()
    task = now_task(decision)
    assert (task.id, task.name, task.status) == (ID, NAME, Status.QUEUED)
    assert (task.state.state, task.state.message) == (
        "awaiting_approval",
        f"waits for /approve {key_of(task)}",
    )
    assert task.awaiting == given("/fix --time 5m Oil *the* door").command
    assert task.approval == Approval(key_of(task), ADA, late=False)
    assert task.clocks == Clocks(expires_at=NOON + EXPIRES)
    assert task.branches == Branches("main", "main"), "it holds up nobody else's branch"
    assert (task.owner, task.wish.prompt, task.outsiders) == (ADA, "Oil *the* door", True)
    assert decision.brief is None
    assert kinds(decision.effects) == ["React", "Comment"]
    assert [entry.message for entry in decision.timeline] == ["/fix by ada waits for approval"]
    assert after(task, events.PlaceOffered(ID)) == NOTHING
    assert after(task, events.Restarted(ID)) == NOTHING


def test_the_reply_quotes_what_would_run() -> None:
    text = "/fix Oil it\u202e, @everyone\n\n```\nCloses #1\n```\n<!-- hidden -->"
    assert folded(body_of(asked(text)).replace(key_of(waiting(text)), "HASH")) == snapshot("""\
`/fix` by ada waits: it needs the **write** role on this
repository, and theirs is **read**.

Somebody with write access can start `brave-otter-4f2` with
`/approve HASH`. What runs then is this text, whatever
becomes of the comment:

````text
/fix Oil it⟨U+202E⟩, @everyone

```
Closes #1
```
<!-- hidden -->
````

`⟨…⟩` is what nobody would see: a character by its number, a
long run of blanks, or `⟨↩⟩` where a line has no room here
and goes on.

The agent will also read what the issue says. Nobody needs
to answer: it is dropped after 7 days.\
""")


@pytest.mark.parametrize(
    ("text", "changes", "reason"),
    [
        ("/fix it", {"config": RepoConfig()}, "not_permitted:fix"),
        ("/fix it", {"config": (ConfigProblem(1, "x", "is wrong"),)}, "not_permitted:fix"),
        ("/fix it", {"role": Role.NONE}, "not_permitted:fix"),
        ("/fix --agnet codex it", {}, "not_permitted:fix"),
        ("/bellhop status", {}, "not_permitted:status"),
        ("/bellhop retry", {}, "not_permitted:retry"),
        ("/bellhop approve 0123456789", {}, "not_permitted:approve"),
        ("/bellhop approve it", {}, "not_permitted:approve"),
    ],
)
def test_what_does_not_wait_is_refused(text: str, changes: dict[str, Any], reason: str) -> None:
    decision = asked(text, **changes)
    assert decision.refusal == reason
    assert decision.task is None


@pytest.mark.parametrize(("role", "waits"), [(Role.READ, True), (Role.TRIAGE, False)])
def test_who_has_the_permission_does_not_wait(role: Role, *, waits: bool) -> None:
    task = now_task(asked("/ask why?", role=role))
    assert bool(task.awaiting) is waits
    assert bool(waiting("/fix it", role=Role.TRIAGE).awaiting)
    assert now_task(asked("/fix it", role=Role.WRITE)).awaiting is None


@pytest.mark.parametrize(
    ("crowd", "taken"),
    [
        (Crowd(MOST.person - 1, MOST.issue - 1, MOST.repository - 1), True),
        (replace(Crowd(), person=MOST.person), False),
        (replace(Crowd(), issue=MOST.issue), False),
        (replace(Crowd(), repository=MOST.repository), False),
    ],
)
def test_only_so_many_wait(crowd: Crowd, *, taken: bool) -> None:
    event = given("/fix it", role=Role.READ, config=OPEN)
    decision = decide(view(crowd=crowd), event, NOON)
    assert (decision.task is not None) is taken
    assert decision.refusal == (None if taken else "too_many_waiting")
    told = view(crowd=crowd, refused=frozenset({"too_many_waiting"}))
    assert (decide(told, event, NOON) == NOTHING) is not taken
    late = given("/fix it", received_at=NOON + 2 * HOUR)
    assert decide(view(crowd=crowd), late, NOON).task is not None, "the bound is for outsiders"


def test_what_cannot_be_shown_whole_does_not_wait() -> None:
    fits, too_long = "x" * (MOST_SHOWN - 5_000), "\u200b" * (MOST_SHOWN // 8)
    assert waiting(f"/fix {fits}").awaiting
    for changes in ({}, {"role": Role.WRITE, "received_at": NOON + 2 * HOUR}):
        decision = asked(f"/fix .{too_long}.", **changes)
        assert decision.refusal == "too_long_to_approve"
        assert decision.task is None or decision.task.status is Status.REJECTED
    assert folded(body_of(decision)) == snapshot("""\
This command is too long to be shown whole to whoever
approves it: at most 50,000 characters, where each that
nobody sees counts for eight. Write a shorter one.\
""")


def test_a_hash_is_of_one_command_alone() -> None:
    command = given("/fix it").command
    assert isinstance(command, Command)
    known = hash_of(ID, command)
    assert len(known) == 10
    assert known == hash_of(ID, command)
    others = [
        hash_of(id_of(2), command),
        hash_of(ID, replace(command, source="/fix it\u200b")),
        hash_of(ID, replace(command, source="/fix --time 5m it")),
        hash_of(ID, replace(command, name="ask")),
        hash_of(ID, replace(command, source="/fix \ud800")),
    ]
    assert len({known, *others}) == 6


# --- approval -------------------------------------------------------------------------------------


def test_what_was_approved_is_a_task_of_the_approvers() -> None:
    task = waiting()
    decision = approve(task, context="comments")
    approved = now_task(decision)
    assert (approved.status, approved.state.state) == (Status.QUEUED, "waiting_for_slot")
    assert (approved.owner, approved.requester) == (BOB, BOB)
    assert (approved.origin, approved.created_at, approved.name) == (task.origin, NOON, NAME)
    assert (approved.queued_at, approved.updated_at) == (LATER, LATER)
    assert (approved.wish.prompt, approved.wish.time_limit) == ("Oil *the* door", 300)
    assert approved.branches == Branches("main", "main", f"bellhop/{NAME}")
    assert (approved.awaiting, approved.clocks, approved.outsiders) == (None, Clocks(), True)
    assert approved.approval == task.approval, "it is known who asked"
    assert decision.brief == Brief("Oil *the* door", "comments")
    assert kinds(decision.effects) == ["React", "EditStatus"]
    assert [entry.message for entry in decision.timeline] == ["/fix was approved by bob"]
    assert now_task(after(approved, events.PlaceOffered(ID))).status is Status.STARTING


def test_it_is_worked_on_where_everything_is_when_it_is_approved() -> None:
    there = replace(ON_PULL, installation_id=11, repository="new/door")
    task = waiting("/fix it", where=ON_PULL)
    approved = now_task(approve(task, where=there, pull=PULL, default_branch="trunk"))
    assert approved.where == there
    assert approved.branches == Branches("main", "trunk", "oil", "a" * 40)
    based = waiting("/fix --base release it")
    assert now_task(approve(based)).branches.base == "release"


@pytest.mark.parametrize(
    ("text", "changes", "reason"),
    [
        ("/fix it", {"config": (ConfigProblem(1, "x", "is wrong"),)}, "bad_config"),
        ("/fix --agent oracle it", {}, "bad_command"),
        ("/fix --base nowhere it", {"base_missing": True}, "bad_command"),
        ("/fix it", {"pull": replace(PULL, protected=True)}, "bad_command"),
        ("/fix it", {"waiting": {BOB.id: 2000}}, "queue_full"),
    ],
)
def test_what_cannot_be_worked_on_goes_on_waiting(
    text: str, changes: dict[str, Any], reason: str
) -> None:
    decision = approve(waiting(text), **changes)
    assert decision.task is None
    assert (decision.refusal or "").startswith(reason)


@pytest.mark.parametrize("sender", [ADA, BOB])
@pytest.mark.parametrize("role", [Role.READ, Role.TRIAGE, Role.WRITE, Role.ADMIN])
@pytest.mark.parametrize("text", ["/fix it", "/ask why?"])
def test_only_writers_approve(text: str, sender: Any, role: Role) -> None:
    decision = approve(waiting(text), sender=sender, role=role)
    assert (decision.task is not None) is (role >= Role.WRITE)
    name = text.split(maxsplit=1)[0][1:]
    assert decision.refusal == (None if decision.task else f"not_permitted:approve:{name}")


def test_who_may_not_approve_is_told_once() -> None:
    decision = approve(waiting(), role=Role.TRIAGE)
    assert folded(body_of(decision)) == snapshot("""\
To approve a `/fix` needs the **write** role on this
repository, and yours is **triage**. Ask somebody who has
it.\
""")
    told = frozenset({decision.refusal or ""})
    assert approve(waiting(), role=Role.TRIAGE, refused=told) == NOTHING


def test_an_approval_counts_once() -> None:
    approved = now_task(approve(waiting()))
    for task in (approved, replace(approved, status=Status.RUNNING)):
        decision = approve(task)
        assert decision.task is None
        assert body_of(decision) == snapshot(
            "`brave-otter-4f2` was approved already. `/status` tells how it goes."
        )


def test_an_unknown_hash_is_answered_with_what_waits() -> None:
    first, other = waiting("/fix it"), waiting("/ask why?", task_id=id_of(2))
    event = given("/approve ABCDEF0123", sender=BOB)
    seen = view(issue_tasks=(other, first), awaiting=(first, other))
    said = body_of(decide(seen, event, LATER))
    said = said.replace(key_of(first), "FIRST").replace(key_of(other), "OTHER")
    assert folded(said) == snapshot("""\
Nothing waits here under this hash. What waits:

- `/fix` by ada, https://github.test/c/77: `/approve FIRST`
- `/ask` by ada, https://github.test/c/77: `/approve OTHER`\
""")
    nothing = decide(view(issue_tasks=(task_in(Status.FAILED),)), event, LATER)
    assert body_of(nothing) == snapshot(
        "Nothing waits for approval here, or no longer. `/status` lists the tasks."
    )
    outsider = replace(event, found=replace(event.found, role=Role.READ))
    assert decide(seen, outsider, LATER).refusal == "not_permitted:approve"


def test_a_hash_of_two_approves_neither() -> None:
    first = waiting("/fix it")
    twin = replace(first, id=id_of(2))
    assert pick_awaiting((first, twin), key_of(first)) is None
    decision = approve(first, twin)
    assert decision.task is None
    assert body_of(decision).count(key_of(first)) == 2


def test_a_hash_is_read_as_people_write_it() -> None:
    task = waiting()
    for written in (key_of(task).upper(), f"`{key_of(task)}`"):
        event = given(f"/approve {written}", sender=BOB)
        assert decide(view(issue_tasks=(task,), awaiting=(task,)), event, LATER).task is not None


@pytest.mark.parametrize("text", ["/approve", "/approve no-issue", "/Approve cancel"])
def test_other_bots_have_an_approve_of_their_own(text: str) -> None:
    event = given(text, sender=BOB)
    assert decide(view(), event, NOON) == NOTHING
    assert decide(view(issue_tasks=(task_in(),)), event, NOON) == NOTHING
    task = waiting()
    there = decide(view(issue_tasks=(task,), awaiting=(task,)), event, NOON)
    assert folded(body_of(there)) == snapshot("""\
`/approve` takes the hash of a command that waits here, and
nothing else: `/approve HASH`, as the reply to that command
has it. `/status` lists what waits.\
""")
    addressed = given(f"/bellhop {text[1:]}", sender=BOB)
    assert body_of(decide(view(), addressed, NOON)) == body_of(there)


# --- what comes late ------------------------------------------------------------------------------

STALE = {"received_at": NOON + 3 * HOUR}


@pytest.mark.parametrize("text", ["/fix it", "/ask why?"])
def test_a_late_command_is_asked_back(text: str) -> None:
    task = now_task(decide(view(), given(text, received_at=NOON + LATE), NOON))
    assert task.awaiting is None
    decision = decide(view(), given(text, received_at=NOON + LATE + SECOND), NOON)
    task = now_task(decision)
    assert task.awaiting
    assert task.approval == Approval(key_of(task), ADA, late=True)
    assert not task.outsiders
    assert [entry.data["state"] for entry in decision.timeline] == ["awaiting_approval"]


def test_a_late_command_is_quoted_too() -> None:
    decision = decide(view(), given("/fix it", where=ON_PULL, **STALE), NOON)
    said = body_of(decision).replace(key_of(now_task(decision)), "HASH")
    assert folded(said) == snapshot("""\
`/fix` by ada is 3 h 0 min old: I could not hear it sooner.
Still wanted?

ada, or somebody with write access, can start
`brave-otter-4f2` with `/approve HASH`. What runs then is
this text, whatever becomes of the comment:

```text
/fix it
```\
""")


def test_who_can_approve_it_is_said() -> None:
    own = OwnCommand("deploy", "d", "p", Role.MAINTAIN)
    config = RepoConfig(outsiders="approve", commands={"deploy": own})
    (command,) = parse("/deploy", APP, {"deploy": own.kind})
    found = Circumstances(Role.READ, config, "main")
    body = body_of(decide(view(), command_given(command, found), NOON))
    assert "Somebody with the **maintain** role can start" in body
    robot = given("/fix it", sender=Person(3, "robot[bot]"), app="robot", **STALE)
    assert "wanted?\n\nSomebody with write access can start" in body_of(decide(view(), robot, NOON))


def test_what_runs_is_a_command_as_the_repository_has_it_today() -> None:
    def there(role: Role) -> RepoConfig:
        return RepoConfig(commands={"deploy": OwnCommand("deploy", "d", "Deploy it.", role)})

    found = Circumstances(Role.READ, replace(there(Role.WRITE), outsiders="approve"), "main")
    (command,) = parse("/deploy now", APP, {"deploy": plain_kind("deploy")})
    task = replace(now_task(decide(view(), command_given(command, found), NOON)), version=1)
    assert now_task(approve(task, config=there(Role.WRITE))).wish.prompt == "Deploy it.\n\nnow"
    dearer = approve(task, config=there(Role.ADMIN))
    assert (dearer.task, dearer.refusal) == (None, "not_permitted:approve:deploy")
    assert folded(body_of(approve(task, config=RepoConfig()))) == snapshot("""\
This repository has no command `/deploy` any more, so what
waits cannot run. Put it back into `.github/bellhop.yml`, or
turn the task away with `/stop`.\
""")
    broken = approve(task, config=(ConfigProblem(1, "x", "It is wrong."),))
    assert broken.task is None
    assert str(broken.refusal).startswith("bad_config:")


@pytest.mark.parametrize(
    ("sender", "role", "command", "approved"),
    [
        (ADA, Role.TRIAGE, "/ask why?", True),
        (ADA, Role.READ, "/ask why?", False),
        (BOB, Role.TRIAGE, "/ask why?", False),
        (BOB, Role.WRITE, "/ask why?", True),
        (ADA, Role.TRIAGE, "/fix it", False),
        (ADA, Role.WRITE, "/fix it", True),
    ],
)
def test_its_writer_may_say_that_it_is_still_wanted(
    sender: Any, role: Role, command: str, *, approved: bool
) -> None:
    task = replace(now_task(decide(view(), given(command, **STALE), NOON)), version=1)
    decision = approve(task, sender=sender, role=role)
    assert (decision.task is not None) is approved
    if approved:
        assert not now_task(decision).outsiders
        assert now_task(approve(task, outsiders=True)).outsiders, "the issue is an outsider's"


def test_a_late_command_of_an_outsider_is_theirs_before_it_is_late() -> None:
    assert asked(config=RepoConfig(), **STALE).refusal == "not_permitted:fix"
    task = now_task(asked(**STALE))
    assert task.approval == Approval(key_of(task), ADA, late=False)


def test_other_commands_that_come_late() -> None:
    failed, running = task_in(Status.FAILED), task_in(Status.RUNNING)
    seen = view(issue_tasks=(running, failed))
    assert decide(seen, given("/status", **STALE), NOON) == NOTHING
    assert decide(seen, given("/help", **STALE), NOON) == NOTHING
    assert now_task(decide(seen, given("/stop", **STALE), NOON)).ending is not None
    retry = decide(seen, given("/retry", **STALE), NOON)
    assert retry.task is None
    assert folded(body_of(retry)) == snapshot("""\
This `/retry` is 3 h 0 min old: I could not hear it sooner.
If it is still wanted, write `/retry brave-otter-4f2`.\
""")
    assert decide(seen, given("/fix --agnet x", **STALE), NOON).refusal, "a mistake is explained"


@pytest.mark.parametrize(
    ("changes", "meant"),
    [
        ({}, True),
        ({"queued_at": NOON + SECOND}, False),
        ({"queued_at": NOON + SECOND, "lost": True}, True),
        ({"queued_at": NOON + SECOND, "created_at": NOON + SECOND, "lost": True}, False),
        ({"queued_at": NOON + SECOND, "awaiting": given("/fix it").command}, True),
    ],
)
def test_a_late_stop_is_meant_for_what_was_asked_for_before_it(
    changes: dict[str, Any], *, meant: bool
) -> None:
    there = (replace(task_in(Status.QUEUED), **changes),)
    late = decide(view(issue_tasks=there), given("/stop", **STALE), NOON + 3 * HOUR)
    assert (late.task is not None) is meant
    assert meant or "no task of this issue that I could stop" in body_of(late)
    in_time = decide(view(issue_tasks=there), given("/stop"), NOON + 3 * HOUR)
    assert in_time.task is not None


def test_a_late_approval_is_asked_back_too() -> None:
    task = waiting()
    decision = approve(task, **STALE)
    assert decision.task is None
    assert folded(body_of(decision).replace(key_of(task), "HASH")) == snapshot("""\
This approval is 3 h 0 min old: I could not hear it sooner.
If it still holds, write `/approve HASH` again.\
""")


# --- how it ends without ever beginning -----------------------------------------------------------


def ends(task: Task) -> list[tuple[Decision, str]]:
    """All that ends what waits, with what is said of it."""
    stop = given("/stop", sender=BOB)
    return [
        (decide(view(issue_tasks=(task,)), stop, LATER), "never approved: stopped by bob"),
        (after(task, events.StopRequested(ID, BOB)), "never approved: stopped by bob"),
        (after(task, events.IssueClosed(ID)), "never approved: stopped by closing the issue"),
        (after(task, events.TargetGone(ID, "it was moved")), "it was moved"),
        (after(task, events.ClockStruck(ID), NOON + EXPIRES), "nobody approved it within 7 days"),
        (after(task, events.DeletionRequested(ID, ADA)), "never approved: stopped by ada"),
    ]  # fmt: skip


def test_what_was_never_approved_ends_rejected_and_without_a_final_comment() -> None:
    task = waiting()
    for decision, title in ends(task):
        ended = now_task(decision)
        assert (ended.status, ended.awaiting, ended.clocks) == (Status.REJECTED, None, Clocks())
        assert ended.error is not None
        assert (ended.error.title, ended.error.retryable) == (title, False)
        assert [entry.message for entry in decision.timeline] == [title]
        assert not any(isinstance(one, Comment) and one.final for one in decision.effects)
        again = decide(view(issue_tasks=(ended,)), given("/retry", sender=BOB), LATER)
        assert again.task is None
        found = given("/fix it").found
        asked_again = after(ended, events.RetryRequested(ID, BOB, found))
        assert asked_again.declined is not None


def test_only_a_stop_is_answered() -> None:
    stopped, *silent = [decision for decision, _ in ends(waiting())]
    assert kinds(stopped.effects) == ["React", "Comment"]
    assert body_of(stopped) == snapshot(
        "`brave-otter-4f2` waits for approval no more: it will not be started."
    )
    assert [kinds(decision.effects) for decision in silent] == [[], [], [], [], ["DeleteTask"]]


@pytest.mark.parametrize(
    ("sender", "role", "stopped"),
    [(ADA, Role.READ, False), (ADA, Role.TRIAGE, True), (BOB, Role.TRIAGE, False)],
)
def test_who_may_turn_it_away(sender: Any, role: Role, *, stopped: bool) -> None:
    seen = view(issue_tasks=(waiting(),))
    decision = decide(seen, given("/stop", sender=sender, role=role), LATER)
    assert (decision.task is not None) is stopped


def test_it_shields_no_work_from_being_stopped() -> None:
    running = replace(task_in(Status.RUNNING), id=id_of(5))
    seen = view(issue_tasks=(waiting(), running))
    assert now_task(decide(seen, given("/stop", sender=BOB), LATER)).id == running.id


def test_it_waits_for_a_week() -> None:
    task = waiting()
    assert after(task, events.ClockStruck(ID), NOON + EXPIRES - SECOND) == NOTHING
    approved = now_task(approve(task))
    assert after(approved, events.ClockStruck(ID), NOON + 2 * EXPIRES) == NOTHING


def test_programs_can_only_end_it() -> None:
    task = waiting()
    message = events.MessageSent(ID, FollowUp("1", "more", BOB))
    for event in (message, events.ExtensionRequested(ID, 60)):
        declined = after(task, event).declined
        assert declined is not None
        assert declined.detail == snapshot(
            "It waits for approval where it was asked for: until then it can only be ended."
        )
    found = given("/fix it").found
    again = after(task, events.RetryRequested(ID, BOB, found)).declined
    assert again is not None


def test_a_backup_may_not_know_that_it_was_approved() -> None:
    task = waiting()
    assert now_task(after(task, events.BackupRestored(ID, 0))).awaiting == task.awaiting
    ended = now_task(after(task, events.BackupRestored(ID, 1)))
    assert (ended.status, ended.state.state) == (Status.REJECTED, UNTOLD)


FOUND = given("/fix it").found
OF_LAUNCH = (ID, 1, 1)
ANYTHING = (
    events.PlaceOffered(ID),
    events.Launched(*OF_LAUNCH),
    events.LaunchFailed(*OF_LAUNCH, "no room"),
    events.PermissionLost(*OF_LAUNCH),
    events.BranchSeen(*OF_LAUNCH, "c" * 40),
    events.WorkerClaimed(*OF_LAUNCH, "one-instance"),
    events.WorkerReported(*OF_LAUNCH, progress=50, state="waiting_for_slot"),
    events.WorkerCompleted(*OF_LAUNCH, "completed", "{}"),
    events.WorkerExited(*OF_LAUNCH, 0),
    events.WorkerGone(*OF_LAUNCH),
    events.PushBegun(*OF_LAUNCH, "c" * 40),
    events.Pushed(*OF_LAUNCH, "c" * 40),
    events.PullRequestReady(ID, 1, 9, "https://github.test/9", "open"),
    events.PullRequestFailed(ID, 1, "no"),
    events.StatusCommented(ID, 5),
    events.ClockStruck(ID),
    events.Restarted(ID),
    events.BackupRestored(ID, 0),
    events.RetryRequested(ID, BOB, FOUND),
    events.MessageSent(ID, FollowUp("1", "more", BOB), FOUND),
    events.ExtensionRequested(ID, 60),
    events.RepositoryRenamed(ID, "acme/gate"),
    events.PullRequestClosed(ID, merged=True),
    given("/retry", sender=BOB),
    given("/status", sender=BOB),
    given("/approve 0123456789", sender=BOB),
    events.IssueClosed(ID),
    events.StopRequested(ID, BOB),
)


@hypothesis(st.lists(st.sampled_from(ANYTHING), max_size=12))
def test_nothing_begins_before_it_is_approved(happens: list[events.Event]) -> None:
    """Whatever happens and whatever workers say: it waits, or ends without having begun."""
    task = waiting()
    for event in happens:
        issue = (task,) if task.status is not Status.REJECTED else ()
        seen = view(task, issue_tasks=issue, awaiting=(task,) if task.awaiting else ())
        decision = decide(seen, event, LATER)
        if decision.task is not None:
            task = replace(decision.task, version=task.version + 1)
        assert (task.status, bool(task.awaiting)) in {
            (Status.QUEUED, True),
            (Status.REJECTED, False),
        }
        assert not any(isinstance(one, Comment) and one.final for one in decision.effects)
        assert "Launch" not in kinds(decision.effects)
        assert task.attempt == 1
    if task.awaiting:
        approved = now_task(approve(task))
        assert (approved.wish.prompt, approved.owner) == ("Oil *the* door", BOB)


# --- how it shows ---------------------------------------------------------------------------------


def test_status_says_how_to_approve_it() -> None:
    task = waiting()
    row = status_list([task], {}, LATER, RULES).splitlines()[-1].replace(key_of(task), "HASH")
    assert row == snapshot("| `brave-otter-4f2` | `/fix` | waits for `/approve HASH` | - | - |")
    comment = status_comment(task, RULES, LATER, 0).replace(key_of(task), "HASH")
    assert comment == snapshot("""\
🛎️ **`/fix`** · `brave-otter-4f2`

Waiting for `/approve HASH`.\
""")
