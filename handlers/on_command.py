"""Somebody wrote a command."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from handlers import replies
from handlers.admission import (
    MOST_COMMANDS,
    Refusal,
    combine,
    may_stop,
    refuse_config,
    refuse_pull,
    refuse_role,
    refuse_work,
    silent,
    within,
)
from handlers.commands import COMMANDS, Command, Misuse, Role
from handlers.decision import NOTHING, Brief, Decision, Entry, View
from handlers.effects import Comment, React
from handlers.ending import begin, finish, status_edit
from handlers.events import Circumstances, CommandGiven, CommandUndecidable
from handlers.names import branch_name
from handlers.repo_config import RepoConfig
from handlers.task import (
    ENDED,
    UNFINISHED,
    Branches,
    Ending,
    Status,
    Task,
    Wish,
    advance,
)
from handlers.values import Clocks, CurrentState, ErrorCode, TaskError, Usage


def on_command(view: View, event: CommandGiven, now: datetime) -> Decision:
    """Admit, refuse, answer, or say nothing."""
    command = event.command
    if event.found.archived:
        return NOTHING  # GitHub takes no comment there, so nothing could be said
    if is_of_other_bots(command) and not view.issue_tasks:
        return NOTHING
    if event.ordinal >= MOST_COMMANDS:
        reply = replies.too_many(MOST_COMMANDS)
        return _refuse(view, event, Refusal(ErrorCode.BAD_COMMAND, "too_many", reply), now)
    kind = COMMANDS.get(command.name)
    if kind and command.name != "stop" and (no := refuse_role(kind, event.found.role)):
        return _refuse(view, event, no, now)
    if isinstance(command, Misuse):
        reason = f"misuse:{command.reply}" if kind else f"unknown_command:{command.name}"
        refusal = Refusal(ErrorCode.BAD_COMMAND, reason, command.reply)
        return NOTHING if event.found.role < Role.READ else _refuse(view, event, refusal, now)
    match command.name:
        case "fix" | "ask":
            return _new_task(view, event, command, now)
        case "retry":
            return _retry(view, event, command, now)
        case "stop":
            return _stop(view, event, command, now)
        case "status":
            return _reply(event, replies.status_list(view.issue_tasks, view.places, now))
        case _:
            return _help(view, event)


def _help(view: View, event: CommandGiven) -> Decision:
    """Anybody on a public repository may ask: those who may do nothing else, once an hour."""
    stranger = event.found.role < Role.TRIAGE
    if stranger and "help" in view.refused:
        return NOTHING
    reply = _reply(event, replies.help_text(event.found.role, view.rules.app_name))
    return replace(reply, refusal="help") if stranger else reply


def on_undecidable(view: View, event: CommandUndecidable, now: datetime) -> Decision:
    """GitHub kept silent about a command for too long: say so where it was written."""
    del view, now
    key = f"{event.task_id}/undecidable"
    return Decision(effects=(Comment(key, event.where, replies.undecidable(event.detail)),))


def pick_retry(tasks: tuple[Task, ...], named: Task | None, command: Command) -> Task | None:
    """The task that a `/retry` means: the named one, or the newest of the issue that has ended."""
    ended = ENDED - {Status.REJECTED}
    if command.task:
        return named if named and named.status in ended else None
    return next((task for task in tasks if task.status in ended), None)


def is_of_other_bots(command: Command | Misuse) -> bool:
    """Whether other bots have such a command too: it means us only where we have a task."""
    return not command.addressed and command.name in {"stop", "retry", "status", "help"}


def _new_task(view: View, event: CommandGiven, command: Command, now: datetime) -> Decision:
    config = event.found.config
    if not isinstance(config, RepoConfig):
        return _refuse(view, event, refuse_config(config), now)
    refusal = refuse_work(event, command)
    if refusal is None and command.name == "fix":
        refusal = refuse_pull(event)
    wish = refusal or combine(command, config, view.rules)
    if isinstance(wish, Refusal):
        return _refuse(view, event, wish, now)
    task = _queued(view, event, wish, now)
    entry = Entry("status", f"/{wish.command} was admitted", {"status": task.status.value})
    return Decision(
        task,
        (_eyes(event), status_edit(task)),
        (entry,),
        brief=_brief(task, event.found),
    )


def _brief(task: Task, found: Circumstances) -> Brief:
    """What the worker is told; somebody who gave no instructions means the issue itself."""
    return Brief(task.wish.prompt or replies.no_instructions(task), found.context)


def _queued(view: View, event: CommandGiven, wish: Wish, now: datetime) -> Task:
    name = view.name
    return Task(
        id=event.task_id,
        name=name,
        where=event.where,
        wish=wish,
        origin=event.origin,
        owner=event.sender,
        requester=event.sender,
        branches=_branches(name, event.found, wish, _base_of(event.command)),
        status=Status.QUEUED,
        state=CurrentState(now, "waiting_for_slot", "waiting for a free place"),
        created_at=now,
        queued_at=now,
        updated_at=now,
    )


def _base_of(command: Command | Misuse) -> str | None:
    return command.options.base if isinstance(command, Command) else None


def _branches(name: str, found: Circumstances, wish: Wish, base: str | None) -> Branches:
    """Where the worker starts, and where it may push."""
    pull = found.pull
    if wish.command == "ask" and pull and pull.same_repository:
        return Branches(pull.head, found.default_branch, trusted=pull.base)
    if wish.command == "ask":
        return Branches(base or found.default_branch, found.default_branch)
    if pull:
        return Branches(pull.base, found.default_branch, pull.head, pull.head_sha)
    return Branches(base or found.default_branch, found.default_branch, branch_name(name))


def _retry(view: View, event: CommandGiven, command: Command, now: datetime) -> Decision:
    task = pick_retry(view.issue_tasks, view.named, command)
    if task is None:
        return _reply(event, replies.nothing_to("retry", command.task))
    if no := refuse_role(COMMANDS[task.wish.command], event.found.role):
        return _refuse(view, event, no, now)
    if task.where.number != event.where.number:
        return _reply(event, replies.retry_elsewhere(task))
    config = event.found.config
    if not isinstance(config, RepoConfig):
        return _refuse(view, event, refuse_config(config), now)
    refusal = refuse_pull(event) if task.branches.name else None
    wish = refusal or within(task.wish, view.rules)
    if isinstance(wish, Refusal):
        return _refuse(view, event, wish, now)
    again = replace(
        advance(task, Status.QUEUED, now, state="waiting_for_slot", message="asked for again"),
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
        requester=event.sender,
        queued_at=now,
        started_at=None,
        completed_at=None,
        branches=_where_it_is_now(task, event.found),
    )
    entry = Entry("status", f"attempt {again.attempt} was asked for", {"status": "queued"})
    again = replace(again, wish=wish)
    return Decision(
        again,
        (_eyes(event), status_edit(again)),
        (entry,),
        brief=_brief(again, event.found),
    )


def _where_it_is_now(task: Task, found: Circumstances) -> Branches:
    name = task.branches.name
    head = task.branches.head
    if found.pull and task.where.is_pull_request and name == found.pull.head:
        head = found.pull.head_sha
    elif name is not None and name in found.branch_heads:
        head = found.branch_heads[name]
    return replace(task.branches, head=head, pushing=None, pushed=False)


def _stop(view: View, event: CommandGiven, command: Command, now: datetime) -> Decision:
    task = _stoppable(view, event, command)
    if task is None:
        if event.found.role < Role.TRIAGE:
            return _refuse(view, event, _not_yours(event.found.role), now)
        return _reply(event, replies.nothing_to("stop", command.task))
    if not may_stop(task, event.sender.id, event.found.role):
        return _refuse(view, event, _not_yours(event.found.role), now)
    if task.opening:
        return _reply(event, replies.too_late_to_stop(task))
    ending = Ending(Status.CANCELLED, by=event.sender.login)
    if task.status is Status.QUEUED:
        decision = finish(view, task, ending, now)
    else:
        decision = begin(task, ending, now)
    return replace(decision, effects=(_eyes(event), *decision.effects))


def _stoppable(view: View, event: CommandGiven, command: Command) -> Task | None:
    """The task that a `/stop` means: the newest that this person may stop, if there is one."""
    if command.task:
        named = view.named
        return named if named and named.status in UNFINISHED and not named.ending else None
    going = [t for t in view.issue_tasks if t.status in UNFINISHED and not t.ending]
    mine = (
        task
        for task in going
        if not task.opening and may_stop(task, event.sender.id, event.found.role)
    )
    return next(mine, going[0] if going else None)


def _not_yours(role: Role) -> Refusal:
    reason = f"{ErrorCode.NOT_PERMITTED}:stop"
    return Refusal(ErrorCode.NOT_PERMITTED, reason, replies.stop_not_yours(role))


def _eyes(event: CommandGiven) -> React:
    comment = event.origin.id if event.origin.kind == "comment" else None
    return React(f"{event.origin.kind}/{event.origin.id}/eyes", event.where, comment)


def _reply(event: CommandGiven, body: str) -> Decision:
    return Decision(effects=(_eyes(event), Comment(f"{event.task_id}/reply", event.where, body)))


def _refuse(view: View, event: CommandGiven, refusal: Refusal, now: datetime) -> Decision:
    """Explain once an hour, then keep silent.

    Work that was refused to somebody of the repository leaves a rejected task; strangers leave
    nothing, or they could fill the database.
    """
    if silent(view, refusal):
        return NOTHING
    task = _rejected(view, event, refusal, now)
    entries = (Entry("error", refusal.code.value, {"status": "rejected"}),) if task else ()
    comment = Comment(f"{event.task_id}/refusal", event.where, refusal.reply)
    return Decision(task, (comment,), entries, refusal=refusal.reason)


def _rejected(view: View, event: CommandGiven, refusal: Refusal, now: datetime) -> Task | None:
    command = event.command
    if isinstance(command, Misuse) or not COMMANDS[command.name].makes_task:
        return None
    if event.found.role < Role.TRIAGE or event.ordinal >= MOST_COMMANDS:
        return None
    rules = view.rules
    wish = Wish(command.name, command.text, rules.agent, rules.runner, rules.time_limit)
    task = _queued(view, event, wish, now)
    error = TaskError(refusal.code, refusal.reply, retryable=False)
    return advance(task, Status.REJECTED, now, state="rejected", error=error, completed_at=now)
