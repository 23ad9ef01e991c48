"""Somebody wrote a command."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from handlers import refusals, replies
from handlers.access import may_end
from handlers.admission import (
    MOST_COMMANDS,
    Refusal,
    refuse_more,
    refuse_role,
    silent,
)
from handlers.apps import MOST_A_DAY
from handlers.commands import COMMANDS, Command, Misuse, Role
from handlers.decision import NOTHING, Decision, Entry, View
from handlers.effects import Comment, React
from handlers.ending import begin, finish, status_edit
from handlers.events import CommandGiven, CommandUndecidable
from handlers.task import ENDED, UNFINISHED, Ending, Status, Task, Wish, advance
from handlers.values import ErrorCode, TaskError
from handlers.work import (
    admit,
    admit_again,
    admitted,
    anew,
    asked_again,
    brief_again,
    brief_of,
    of_now,
    queued,
    where_it_is_now,
)


def on_command(view: View, event: CommandGiven, now: datetime) -> Decision:
    """Admit, refuse, answer, or say nothing."""
    command = event.command
    of_others = is_of_other_bots(command) and not view.issue_tasks
    if event.found.archived or of_others:  # nothing can be said in an archive
        return NOTHING
    if held := _hold_back(view, event, now):
        return held
    if event.ordinal >= MOST_COMMANDS:
        reply = refusals.too_many(MOST_COMMANDS)
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
            there = [one for one in view.issue_tasks if not (one.deleting and one.ended)]
            return _reply(event, replies.status_list(there, view.places, now, view.rules))
        case _:
            return _help(view, event)


def _hold_back(view: View, event: CommandGiven, now: datetime) -> Decision | None:
    """What becomes of commands that count only from some; None where this one counts.

    Apps are told once a day that they ask too often, so that two of them end what they began.
    """
    role, kind = event.found.role, COMMANDS.get(event.command.name)
    if event.app is None:
        if event.origin.kind != "review" or kind is None or not kind.role <= role < Role.WRITE:
            return None
        reply = refusals.reviews_of_writers(role)
        return _refuse(view, event, Refusal(ErrorCode.NOT_PERMITTED, "review", reply), now)
    if event.found.role is Role.NONE or view.by_apps > MOST_A_DAY:
        return NOTHING
    if view.by_apps < MOST_A_DAY:
        return None
    reply = refusals.too_many_of_apps(MOST_A_DAY)
    return _refuse(view, event, Refusal(ErrorCode.NOT_PERMITTED, "apps", reply), now)


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
    return Decision(effects=(Comment(key, event.where, refusals.undecidable(event.detail)),))


def pick_retry(tasks: tuple[Task, ...], named: Task | None, command: Command) -> Task | None:
    """The task that a `/retry` means: the named one, or the newest of the issue that has ended."""
    if command.task:
        return named if named and _can_go_on(named) else None
    return next((task for task in tasks if _can_go_on(task)), None)


def _can_go_on(task: Task) -> bool:
    return task.status in ENDED - {Status.REJECTED} and not task.deleting


def is_of_other_bots(command: Command | Misuse) -> bool:
    """Whether other bots have such a command too: it means us only where we have a task."""
    return not command.addressed and command.name in {"stop", "retry", "status", "help"}


def _new_task(view: View, event: CommandGiven, command: Command, now: datetime) -> Decision:
    wish = refuse_more(view, event.sender.id, now) or admit(view, command, event.where, event.found)
    if isinstance(wish, Refusal):
        return _refuse(view, event, wish, now)
    task = queued(view.name, event, wish, now)
    return Decision(
        task,
        (_eyes(event), status_edit(task)),
        (admitted(task),),
        brief=brief_of(task, event.found.context),
    )


def _retry(view: View, event: CommandGiven, command: Command, now: datetime) -> Decision:
    task = pick_retry(view.issue_tasks, view.named, command)
    if task is None:
        return _reply(event, refusals.nothing_to("retry", command.task))
    if no := refuse_role(COMMANDS[task.wish.command], event.found.role):
        return _refuse(view, event, no, now)
    if task.where.number != event.where.number:
        return _reply(event, refusals.retry_elsewhere(task))
    wish = refuse_more(view, task.owner.id, now) or admit_again(view, task, event.found)
    if isinstance(wish, Refusal):
        return _refuse(view, event, wish, now)
    branches = where_it_is_now(task, event.found)
    again = anew(of_now(task, event.where), wish, event.sender, branches, now)
    return Decision(
        again,
        (_eyes(event), status_edit(again)),
        (asked_again(again),),
        brief=brief_again(event.found.context),
    )


def _stop(view: View, event: CommandGiven, command: Command, now: datetime) -> Decision:
    task = _stoppable(view, event, command)
    if task is None:
        if event.found.role < Role.TRIAGE:
            return _refuse(view, event, _not_yours(event.found.role), now)
        return _reply(event, refusals.nothing_to("stop", command.task))
    if not may_end(task, event.sender, event.found.role):
        return _refuse(view, event, _not_yours(event.found.role), now)
    if task.opening:
        return _reply(event, refusals.too_late_to_stop(task))
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
        task for task in going if not task.opening and may_end(task, event.sender, event.found.role)
    )
    return next(mine, going[0] if going else None)


def _not_yours(role: Role) -> Refusal:
    reason = f"{ErrorCode.NOT_PERMITTED}:stop"
    return Refusal(ErrorCode.NOT_PERMITTED, reason, refusals.stop_not_yours(role))


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
    task = queued(view.name, event, wish, now)
    error = TaskError(refusal.code, refusal.reply, retryable=False)
    return advance(task, Status.REJECTED, now, state="rejected", error=error, completed_at=now)
