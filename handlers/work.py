"""What becomes of an admitted wish, whoever brought it: a task, or a new attempt of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from handlers import replies
from handlers.admission import Refusal, kind_for_more, refuse_config, refuse_pull, refuse_work
from handlers.circumstances import Circumstances
from handlers.commands import Command, CommandKind, Misuse
from handlers.decision import Brief, Entry, View
from handlers.events import CommandGiven, WorkRequested
from handlers.names import branch_name
from handlers.preferences import wish_again, wish_of
from handlers.repo_config import RepoConfig
from handlers.roles import Role
from handlers.task import Branches, Status, Task, Wish, advance
from handlers.values import Clocks, CurrentState, FollowUp, Person, Usage, Where

PLACE = ("waiting_for_slot", "waiting for a free place")
"""The state, with its message, of what was admitted and waits for its turn."""


def admit(
    view: View, command: Command, kind: CommandKind, where: Where, found: Circumstances
) -> Wish | Refusal:
    """What a new task is to do, or why there is none; the role was looked at before."""
    config = found.config
    if not isinstance(config, RepoConfig):
        return refuse_config(config)
    refusal = refuse_work(command, where, found)
    if refusal is None and kind.result == "pull_request":
        refusal = refuse_pull(found)
    return refusal or wish_of(command, kind, config, view.kept, view.rules)


def admit_again(view: View, task: Task, found: Circumstances) -> Wish | Refusal:
    """What a new attempt is to do, within today's limits, or why there is none."""
    if not isinstance(found.config, RepoConfig):
        return refuse_config(found.config)
    refusal = refuse_pull(found) if task.branches.name else None
    # The role is asked for once more when the work begins: it is the one that is enough today.
    wish = replace(task.wish, role=kind_for_more(task.wish, found).role)
    return refusal or wish_again(wish, view.kept, view.rules, found.config)


def queued(name: str, event: CommandGiven | WorkRequested, wish: Wish, now: datetime) -> Task:
    """A task that waits for a place; `name` is free in its repository."""
    return Task(
        id=event.task_id,
        name=name,
        where=event.where,
        wish=wish,
        origin=event.origin,
        owner=event.sender,
        requester=event.sender,
        branches=branches_of(name, event.found, wish, _base_of(event.command)),
        status=Status.QUEUED,
        state=CurrentState(now, *PLACE),
        created_at=now,
        queued_at=now,
        updated_at=now,
        outsiders=outsiders_in(event.found),
    )


def of_now(task: Task, where: Where) -> Task:
    """The task as its repository is now.

    The App may have been installed anew, or the repository be somebody else's by now: their
    installation's token is needed, and their keys count, as their limits do.
    """
    here = {"installation_id": where.installation_id, "repository": where.repository}
    return replace(task, where=replace(task.where, **here))


def anew(
    task: Task,
    wish: Wish,
    requester: Person,
    branches: Branches,
    now: datetime,
    *,
    outsiders: bool,
) -> Task:
    """A new attempt of a task that has ended; `outsiders` is whether it is shown text of theirs.

    It is told of the attempts before, so what reached one of them reaches it, too.
    """
    return replace(
        advance(task, Status.QUEUED, now, state="waiting_for_slot", message="asked for again"),
        wish=wish,
        attempt=task.attempt + 1,
        launch=1,
        launch_failures=0,
        lost=False,
        instance=None,
        warning=None,
        ending=None,
        outcome=None,
        summary=None,
        title=None,
        body=None,
        error=None,
        progress=0,
        usage=Usage(),
        clocks=Clocks(),
        requester=requester,
        queued_at=now,
        started_at=None,
        completed_at=None,
        outsiders=task.outsiders or outsiders,
        branches=replace(branches, pushing=None, pushed=False),
    )


def brief_of(task: Task, context: str) -> Brief:
    """What the worker is told; somebody who gave no instructions means the issue itself."""
    return Brief(task.wish.prompt or replies.no_instructions(task), context)


def brief_again(context: str) -> Brief:
    """What the worker of a retry is told: what the attempt before was asked for, and today's news.

    That attempt may have been about a message, and then so is this one.
    """
    return Brief(None, context)


def admitted(task: Task) -> Entry:
    """The first line of a task's timeline."""
    text = f"/{task.wish.command} was admitted"
    return Entry("status", text, {"status": task.status.value})


def asked_again(task: Task, answers: tuple[FollowUp, ...] = ()) -> Entry:
    """The first line of a new attempt; `answers` are the messages that are its prompt."""
    text = f"attempt {task.attempt} was asked for"
    data: dict[str, Any] = {"status": task.status.value}
    if answers:
        data["answers"] = [one.id for one in answers]
    return Entry("status", text, data)


def outsiders_in(found: Circumstances) -> bool:
    """Whether somebody without write access asks, or wrote some of what is told beside it."""
    return found.outsiders or found.role < Role.WRITE


def where_it_is_now(task: Task, found: Circumstances) -> Branches:
    """The git side of a task, with its branch where GitHub has it today."""
    name = task.branches.name
    head = task.branches.head
    if found.pull and task.where.is_pull_request and name == found.pull.head:
        head = found.pull.head_sha
    elif name is not None and name in found.branch_heads:
        head = found.branch_heads[name]
    return replace(task.branches, head=head)


def _base_of(command: Command | Misuse) -> str | None:
    return command.options.base if isinstance(command, Command) else None


def branches_of(name: str, found: Circumstances, wish: Wish, base: str | None) -> Branches:
    """Where the worker starts, and where it may push."""
    pull = found.pull
    if wish.answers and pull and pull.same_repository:
        return Branches(pull.head, found.default_branch, trusted=pull.base)
    if wish.answers:
        return Branches(base or found.default_branch, found.default_branch)
    if pull:
        return Branches(pull.base, found.default_branch, pull.head, pull.head_sha)
    return Branches(base or found.default_branch, found.default_branch, branch_name(name))
