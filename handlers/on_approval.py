"""A command waits for approval, and somebody approves it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from handlers import refusals, waiting_replies
from handlers.access import may_approve
from handlers.admission import Refusal, kind_then, refuse_another, refuse_role
from handlers.approval import (
    EXPIRES,
    hash_of,
    is_late,
    pick_awaiting,
    quotation,
    refuse_approval,
    refuse_to_wait,
    refuse_unshown,
)
from handlers.commands import COMMANDS, Command, CommandKind
from handlers.decision import Decision, Entry, View
from handlers.effects import Comment
from handlers.ending import status_edit
from handlers.events import CommandGiven
from handlers.repo_config import RepoConfig
from handlers.task import Approval, Branches, Task, Wish, saying
from handlers.values import Clocks
from handlers.work import PLACE, admit, branches_of, brief_of, queued


def ask_first(
    view: View, event: CommandGiven, command: Command, kind: CommandKind, now: datetime
) -> Decision | Refusal:
    """Let a command wait until somebody approves it: its writer may not, or it comes late."""
    quoted, may = quotation(command), event.found.role >= kind.role
    refusal = refuse_unshown(quoted) if may else refuse_to_wait(view, quoted)
    if refusal is not None:
        return refusal
    task = _waiting(view, event, command, kind, now, late=may)
    if may:
        said = waiting_replies.still_wanted(task, quoted, event.age, view.rules)
    else:
        role, days = event.found.role, EXPIRES.days
        said = waiting_replies.waits_for_approval(task, quoted, role, days, view.rules)
    entry = Entry(
        "status",
        f"/{command.name} by {event.sender.login} waits for approval",
        {"status": task.status.value, "state": task.state.state},
    )
    return Decision(task, (Comment(f"{task.id}/waiting", event.where, said),), (entry,))


def on_approval(
    view: View, event: CommandGiven, command: Command, now: datetime
) -> Decision | Refusal | str:
    """Admit what waits, as if who approves it had given the command: with their limits."""
    task = pick_awaiting(view.awaiting, command.task)
    asked = task.awaiting if task else None
    if task is None or asked is None:
        no = refuse_role(COMMANDS["approve"], event.found.role)
        return no or _nothing_such(view, command)
    # A command of the repository's own may have another permission by now, or be gone.
    kind = event.found.kind_of(asked.name)
    if kind is None and isinstance(event.found.config, RepoConfig):
        return refusals.command_gone(asked.name)
    kind = kind or kind_then(task.wish)
    if not may_approve(task, event.sender, event.found.role) or event.found.role < kind.role:
        return refuse_approval(kind, event.found.role)
    if is_late(event):
        return waiting_replies.approval_late(task, event.age)
    wish = refuse_another(view, event.sender.id, now) or admit(
        view, asked, kind, event.where, event.found
    )
    if isinstance(wish, Refusal):
        return wish
    approved = _approved(task, event, asked, wish, now)
    entry = Entry(
        "status",
        f"/{asked.name} was approved by {event.sender.login}",
        {"status": approved.status.value, "state": approved.state.state},
    )
    brief = brief_of(approved, event.found.context)
    return Decision(approved, (status_edit(approved),), (entry,), brief=brief)


def _waiting(
    view: View,
    event: CommandGiven,
    command: Command,
    kind: CommandKind,
    now: datetime,
    *,
    late: bool,
) -> Task:
    rules, key = view.rules, hash_of(event.task_id, command)
    wish = Wish(
        command.name,
        command.text,
        rules.agent,
        rules.runner,
        rules.time_limit,
        role=kind.role,
        result=kind.result or "answer",
    )
    task = saying(
        queued(view.name, event, wish, now), "awaiting_approval", f"waits for /approve {key}", now
    )
    default = event.found.default_branch
    return replace(
        task,
        approval=Approval(key, event.sender, late),
        awaiting=command,
        branches=Branches(default, default),
        clocks=Clocks(expires_at=now + EXPIRES),
    )


def _approved(task: Task, event: CommandGiven, asked: Command, wish: Wish, now: datetime) -> Task:
    """The task in the queue, of whoever approved it, where everything is as GitHub has it now."""
    return replace(
        saying(task, *PLACE, now),
        where=event.where,
        wish=wish,
        owner=event.sender,
        requester=event.sender,
        branches=branches_of(task.name, event.found, wish, asked.options.base),
        awaiting=None,
        clocks=Clocks(),
        queued_at=now,
        outsiders=task.outsiders or event.found.outsiders,
    )


def _nothing_such(view: View, command: Command) -> str:
    given = command.task
    known = (one for one in view.issue_tasks if one.approval and one.approval.hash == given)
    before = next((one for one in known if one.awaiting is None), None)
    if before is not None:
        return waiting_replies.approved_before(before)
    return waiting_replies.nothing_to_approve(view.awaiting)
