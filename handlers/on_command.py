"""Somebody wrote a command."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from handlers import refusals, replies, waiting_replies
from handlers.access import may_end
from handlers.admission import (
    MOST_COMMANDS,
    Refusal,
    refuse_another,
    refuse_config,
    refuse_more,
    refuse_role,
    silent,
)
from handlers.approval import is_about_nothing, is_late, may_be_approved
from handlers.apps import MOST_A_DAY, role_of_app
from handlers.commands import Command, CommandKind, Misuse, Role
from handlers.decision import NOTHING, Decision, Entry, View
from handlers.effects import Comment, React
from handlers.ending import begin, finish, status_edit
from handlers.events import CommandGiven, CommandUndecidable, MessageSent
from handlers.on_approval import ask_first, on_approval
from handlers.on_request import on_message
from handlers.repo_config import RepoConfig
from handlers.task import ENDED, UNFINISHED, Ending, Status, Task, Wish, advance
from handlers.values import ErrorCode, FollowUp, TaskError, Where
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

OF_ITS_OWN = frozenset({"stop", "approve"})
"""Commands of which it depends on what they are about who may give them."""


def on_command(view: View, event: CommandGiven, now: datetime) -> Decision:
    """Admit, refuse, answer, or say nothing."""
    command = event.command
    of_others = is_of_other_bots(command) and not view.issue_tasks
    if event.found.archived or of_others:  # nothing can be said in an archive
        return NOTHING
    if is_about_nothing(view, command):
        return NOTHING
    if held := _hold_back(view, event, now):
        return held
    if event.ordinal >= MOST_COMMANDS:
        reply = refusals.too_many(MOST_COMMANDS)
        return _refuse(view, event, Refusal(ErrorCode.BAD_COMMAND, "too_many", reply), now)
    found = event.found
    kind = found.kind_of(command.name)
    if kind is None and not isinstance(found.config, RepoConfig) and found.role >= Role.TRIAGE:
        return _refuse(view, event, refuse_config(found.config), now)  # it may be one of theirs
    if isinstance(command, Misuse):
        return _misused(view, event, command, kind, now)
    if kind is None:
        return NOTHING
    if command.name not in OF_ITS_OWN and (no := refuse_role(kind, found.role)):
        waits = may_be_approved(kind, found)
        said = ask_first(view, event, command, kind, now) if waits else no
        return _heard(view, event, said, now)
    return _given(view, event, command, kind, now)


def _misused(
    view: View, event: CommandGiven, misuse: Misuse, kind: CommandKind | None, now: datetime
) -> Decision:
    """Say what is right to those who may use it, or to readers where it is no command at all."""
    role = event.found.role
    if kind and misuse.name != "stop" and (no := refuse_role(kind, role)):
        return _refuse(view, event, no, now)
    reason = f"misuse:{misuse.reply}" if kind else "unknown_command"
    if kind is None and role >= Role.TRIAGE:  # who is no stranger may mistype more than once
        reason += f":{misuse.name}"
    refusal = Refusal(ErrorCode.BAD_COMMAND, reason, misuse.reply)
    return NOTHING if role < Role.READ else _refuse(view, event, refusal, now)


def _given(
    view: View, event: CommandGiven, command: Command, kind: CommandKind, now: datetime
) -> Decision:
    """Do what somebody asks for whose role may be enough."""
    late = is_late(event)
    if late and kind.makes_task:
        return _heard(view, event, ask_first(view, event, command, kind, now), now)
    match command.name:
        case "tell":
            return _tell(view, event, command, now)
        case "approve":
            return _heard(view, event, on_approval(view, event, command, now), now)
        case "retry":
            return _retry(view, event, command, now)
        case "stop":
            return _stop(view, event, command, now)
        case _ if late:
            return NOTHING  # who asked has long since looked elsewhere
        case "status":
            there = [one for one in view.issue_tasks if not (one.deleting and one.ended)]
            return _reply(event, replies.status_list(there, view.places, now, view.rules))
        case "help":
            return _help(view, event)
        case _:
            return _new_task(view, event, command, kind, now)


def _hold_back(view: View, event: CommandGiven, now: datetime) -> Decision | None:
    """What becomes of commands that count only from some; None where this one counts.

    Apps are told once a day that they ask too often, so that two of them end what they began.
    """
    role, kind = event.found.role, event.found.kind_of(event.command.name)
    if event.app is None:
        if event.origin.kind != "review" or kind is None or role >= Role.WRITE:
            return None
        if role < kind.role and not may_be_approved(kind, event.found):
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
    config = event.found.config
    own = tuple(config.commands.values()) if isinstance(config, RepoConfig) else ()
    reply = _reply(event, replies.help_text(event.found.role, view.rules.app_name, own))
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


def pick_told(tasks: tuple[Task, ...]) -> Task | None:
    """The task that a `/tell` means: the newest of the issue that may be told something.

    Not one that is about to be removed, or waits for approval: what runs then is what was approved.
    One that is being stopped is meant, too: what was said to it must not go to an older one.
    """
    return next((task for task in tasks if not task.deleting and not task.awaiting), None)


def _can_go_on(task: Task) -> bool:
    return task.status in ENDED - {Status.REJECTED} and not task.deleting


def is_of_other_bots(command: Command | Misuse) -> bool:
    """Whether other bots have such a command too: it means us only where we have a task."""
    others = {"tell", "stop", "retry", "approve", "status", "help"}
    return not command.addressed and command.name in others


def _new_task(
    view: View, event: CommandGiven, command: Command, kind: CommandKind, now: datetime
) -> Decision:
    if event.origin.kind == "label" and _is_under_way(view, command):
        return NOTHING
    wish = refuse_another(view, event.sender.id, now) or admit(
        view, command, kind, event.where, event.found
    )
    if isinstance(wish, Refusal):
        return _refuse(view, event, wish, now)
    task = queued(view.name, event, wish, now)
    return Decision(
        task,
        (_eyes(event), status_edit(task)),
        (admitted(task),),
        brief=brief_of(task, event.found.context),
    )


def _is_under_way(view: View, command: Command) -> bool:
    """Whether a command is obeyed on this issue: labels are put on and taken off to sort issues.

    What waits for approval is not: strangers could keep labels from asking.
    """
    going = (one for one in view.issue_tasks if not (one.ended or one.awaiting))
    return any(one.wish.command == command.name for one in going)


def _retry(view: View, event: CommandGiven, command: Command, now: datetime) -> Decision:
    task = pick_retry(view.issue_tasks, view.named, command)
    if task is None:
        return _reply(event, refusals.nothing_to("retry", command.task))
    if event.app and not role_of_app(event.found.config, event.app, task.wish.command):
        return NOTHING  # the command is none of its own
    if no := refuse_more(task.wish, event.found):
        return _refuse(view, event, no, now)
    if not _is_of(task, event.where):
        return _reply(event, refusals.elsewhere(task, "retry"))
    if is_late(event):
        return _reply(event, waiting_replies.retry_late(task, event.age))
    wish = refuse_another(view, task.owner.id, now) or admit_again(view, task, event.found)
    if isinstance(wish, Refusal):
        return _refuse(view, event, wish, now)
    branches = where_it_is_now(task, event.found)
    outsiders = event.found.outsiders
    again = anew(of_now(task, event.where), wish, event.sender, branches, now, outsiders=outsiders)
    return Decision(
        again,
        (_eyes(event), status_edit(again)),
        (asked_again(again),),
        brief=brief_again(event.found.context),
    )


def _tell(view: View, event: CommandGiven, command: Command, now: datetime) -> Decision:
    """What `POST …/messages` does, answered where it was asked for."""
    task = pick_told(view.issue_tasks)
    if task is None:
        return _reply(event, refusals.nothing_to("tell", None))
    if no := refuse_more(task.wish, event.found):
        return _refuse(view, event, no, now)
    if not _is_of(task, event.where):
        return _reply(event, refusals.elsewhere(task, "tell"))
    if is_late(event):
        return _reply(event, waiting_replies.tell_late(task, event.age))
    # The command's own id: however often it is delivered, it is one message.
    outsider = event.app is not None or event.found.role < Role.WRITE
    said = FollowUp(event.task_id, command.text, event.sender, outsider=outsider)
    heard_by = of_now(task, event.where) if task.ended else task
    told = on_message(replace(view, task=heard_by), MessageSent(task.id, said, event.found), now)
    no = told.declined
    if no is None:
        return replace(told, effects=(_eyes(event), *told.effects))
    if no.reason is None:
        return _reply(event, refusals.not_told(task, no.detail))
    return _refuse(view, event, Refusal(ErrorCode.BAD_COMMAND, no.reason, no.detail), now)


def _is_of(task: Task, where: Where) -> bool:
    """Whether a task belongs to an issue, or to the pull request that came of it.

    One that belongs to no issue has no discussion that its worker could be told.
    """
    if task.where.number is None:
        return False
    pull = task.pull.number if task.pull else None
    return where.number in {task.where.number, pull}


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
    if task.awaiting:
        said = Comment(f"{event.task_id}/reply", event.where, waiting_replies.withdrawn(task))
        decision = finish(view, task, ending, now)
        decision = replace(decision, effects=(*decision.effects, said))
    elif task.status is Status.QUEUED:
        decision = finish(view, task, ending, now)
    else:
        decision = begin(task, ending, now)
    return replace(decision, effects=(_eyes(event), *decision.effects))


def _stoppable(view: View, event: CommandGiven, command: Command) -> Task | None:
    """The task that a `/stop` means: the newest that this person may stop, if there is one.

    Before what only waits for approval: strangers could put theirs before the work to be stopped.
    """
    if command.task:
        named = view.named
        return named if named and named.status in UNFINISHED and not named.ending else None
    going = [t for t in view.issue_tasks if t.status in UNFINISHED and not t.ending]
    if is_late(event):
        going = [t for t in going if not _asked_after(event, t)]
    going.sort(key=lambda t: t.awaiting is not None)
    mine = (
        task for task in going if not task.opening and may_end(task, event.sender, event.found.role)
    )
    return next(mine, going[0] if going else None)


def _asked_after(event: CommandGiven, task: Task) -> bool:
    """Whether what a task does now was asked for after a command was written, so is not meant.

    That a worker was lost is nobody's asking, nor when Bellhop heard of what waits for approval.
    """
    asked_at = task.created_at if task.lost else task.queued_at
    return not task.awaiting and asked_at > event.written_at


def _not_yours(role: Role) -> Refusal:
    reason = f"{ErrorCode.NOT_PERMITTED}:stop"
    return Refusal(ErrorCode.NOT_PERMITTED, reason, refusals.stop_not_yours(role))


def _eyes(event: CommandGiven) -> React:
    comment = event.origin.id if event.origin.kind == "comment" else None
    return React(f"{event.origin.kind}/{event.origin.id}/eyes", event.where, comment)


def _reply(event: CommandGiven, body: str) -> Decision:
    return Decision(effects=(_eyes(event), Comment(f"{event.task_id}/reply", event.where, body)))


def _heard(
    view: View, event: CommandGiven, said: Decision | Refusal | str, now: datetime
) -> Decision:
    """What somebody sees of what was decided about their command elsewhere."""
    if isinstance(said, Refusal):
        return _refuse(view, event, said, now)
    if isinstance(said, str):
        return _reply(event, said)
    return replace(said, effects=(_eyes(event), *said.effects))


def _refuse(view: View, event: CommandGiven, refusal: Refusal, now: datetime) -> Decision:
    """Explain once an hour, then keep silent.

    Work that was refused to somebody of the repository leaves a rejected task; strangers leave
    nothing, or they could fill the database.
    """
    if silent(view, refusal):
        return NOTHING
    task = _rejected(view, event, refusal, now)
    entries = (Entry("error", refusal.code.value, {"status": "rejected"}),) if task else ()
    body = refusal.reply
    if event.origin.kind == "label":  # there is no comment above it that it could be an answer to
        body = refusals.to_labeller(event.sender.login, event.command.name, body)
    comment = Comment(f"{event.task_id}/refusal", event.where, body)
    return Decision(task, (comment,), entries, refusal=refusal.reason)


def _rejected(view: View, event: CommandGiven, refusal: Refusal, now: datetime) -> Task | None:
    command = event.command
    kind = event.found.kind_of(command.name)
    if isinstance(command, Misuse) or kind is None or kind.result is None:
        return None
    if event.found.role < Role.TRIAGE or event.ordinal >= MOST_COMMANDS:
        return None
    rules = view.rules
    wish = Wish(
        command.name,
        command.text,
        rules.agent,
        rules.runner,
        rules.time_limit,
        role=kind.role,
        result=kind.result,
    )
    task = queued(view.name, event, wish, now)
    error = TaskError(refusal.code, refusal.reply, retryable=False)
    return advance(task, Status.REJECTED, now, state="rejected", error=error, completed_at=now)
