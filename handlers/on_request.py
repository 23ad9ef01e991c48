"""A program, or a person on a page, asks for something: it is told at once what came of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from handlers import refusals
from handlers.admission import (
    Refusal,
    refusal_of,
    refuse_another,
    refuse_config,
    refuse_more,
    refuse_role,
)
from handlers.circumstances import Circumstances
from handlers.commands import CommandKind
from handlers.decision import NOTHING, Brief, Decision, Declined, Entry, View
from handlers.ending import begin, deletion, finish, status_edit, unanswered
from handlers.events import (
    DeletionRequested,
    ExtensionRequested,
    FollowUpDue,
    MessageSent,
    RetryRequested,
    StopRequested,
    WorkRequested,
)
from handlers.launches import WARN_AT
from handlers.preferences import longest, wish_again
from handlers.repo_config import RepoConfig
from handlers.task import Ending, Status, Task
from handlers.values import ErrorCode, FollowUp
from handlers.work import (
    admit,
    admit_again,
    admitted,
    anew,
    asked_again,
    brief_again,
    brief_of,
    outsiders_in,
    queued,
    where_it_is_now,
)

LONGEST_MESSAGE = 8_000
"""Characters of a message."""
MOST_PENDING = 20
"""Messages that may wait for a worker to hear them."""
MOST_WAITING = 64_000
"""Bytes of all their texts: they are kept in the task, which each heartbeat writes anew."""

ARCHIVED = "The repository is archived, and nothing can be changed there."
TOO_LONG = f"A message has at most {LONGEST_MESSAGE:,} characters: send a shorter one."
TOO_MUCH = (
    f"The messages that wait would take more than {MOST_WAITING // 1000} kB together: "
    "wait until they are heard, or send a shorter one."
)
UNAPPROVED = "It waits for approval where it was asked for: until then it can only be ended."
REFUSED = "It was refused at admission: ask for a new task."


def on_work_requested(view: View, event: WorkRequested, now: datetime) -> Decision:
    """Admit a task, or say why not."""
    if event.found.archived:
        return _conflict(ARCHIVED)
    kind = _kind_for(event)
    if isinstance(kind, Refusal):
        return _refused(kind)
    wish = refuse_another(view, event.sender.id, now) or admit(
        view, event.command, kind, event.where, event.found
    )
    if isinstance(wish, Refusal):
        return _refused(wish)
    task = replace(
        queued(view.name, event, wish, now), webhook=event.webhook, metadata=event.metadata
    )
    return Decision(
        task,
        (status_edit(task),),
        (admitted(task),),
        brief=brief_of(task, event.found.context),
    )


def on_retry_requested(view: View, event: RetryRequested, now: datetime) -> Decision:
    """A new attempt of what has ended."""
    task = view.task
    if task is None or task.deleting:
        return _gone()
    if task.status is Status.REJECTED:
        return _conflict(REFUSED)
    if not task.ended:
        return _conflict(f"It is {task.status.value}: only what has ended can be tried again.")
    if no := _may_not_go_on(view, task, event.found, now):
        return no
    wish = admit_again(view, task, event.found)
    if isinstance(wish, Refusal):
        return _refused(replace(wish, field=None))
    branches = where_it_is_now(task, event.found)
    again = anew(task, wish, event.sender, branches, now, outsiders=event.found.outsiders)
    return Decision(
        again,
        (status_edit(again),),
        (asked_again(again),),
        brief=brief_again(event.found.context),
    )


def on_stop_requested(view: View, event: StopRequested, now: datetime) -> Decision:
    """End a task; to ask for it twice is no mistake."""
    task = view.task
    if task is None:
        return _gone()
    if task.ended:
        return _conflict(f"It is {task.status.value} already: there is nothing to stop.")
    if task.opening:
        return _conflict("Its work is done and the pull request is being opened: too late to stop.")
    if task.ending:
        return NOTHING
    return _end(view, task, Ending(Status.CANCELLED, by=event.sender.login), now)


def on_message(view: View, event: MessageSent, now: datetime) -> Decision:
    """To the worker that is at work or will be; for a task that has ended, a new attempt."""
    task = view.task
    if task is None or task.deleting:
        return _gone()
    if task.status is Status.REJECTED:
        return _conflict(REFUSED)
    if task.awaiting:
        return _conflict(UNAPPROVED)
    if task.ending:
        return _conflict("It is being stopped. Send the message once it has ended.")
    message = event.message
    if len(message.text) > LONGEST_MESSAGE:
        return _conflict(TOO_LONG)
    if len(task.pending) >= MOST_PENDING:
        return _conflict(f"{MOST_PENDING} messages wait already: wait until they are heard.")
    if sum(_size(one) for one in (*task.pending, message)) > MOST_WAITING:
        return _conflict(TOO_MUCH)
    # A worker that is at work already cannot be told any more to ask for no workflows.
    in_time = message.outsider and task.status in {Status.QUEUED, Status.STARTING}
    told = replace(
        task,
        pending=(*task.pending, message),
        outsiders=task.outsiders or in_time,
        updated_at=now,
    )
    data = {"id": message.id, "by": message.sender.login}
    entry = Entry("message", message.text, data)
    if not task.ended:
        return Decision(told, (), (entry,))
    if event.found is None:
        return _conflict("It has ended just now. Send the message again, for another attempt.")
    no = _may_not_go_on(view, task, event.found, now)
    return no or _go_on(view, told, (entry,), now, event.found)


def on_follow_up(view: View, event: FollowUpDue, now: datetime) -> Decision:
    """Messages that nobody heard in time are what the next attempt is about."""
    del event
    task = view.task
    if task is None or not task.ended or not task.pending:
        return NOTHING
    decision = _go_on(view, task, (), now)
    if decision.declined is None:
        return decision
    why = unanswered(task.pending, decision.declined.detail)
    return Decision(replace(task, pending=(), updated_at=now), (), (why,))


def on_extension(view: View, event: ExtensionRequested, now: datetime) -> Decision:
    """More time, within what everybody allows who has a say: nobody widens another's limit."""
    task = view.task
    if task is None:
        return _gone()
    if task.awaiting:
        return _conflict(UNAPPROVED)
    if task.ended or task.ending or task.outcome:
        return _conflict("It has ended or is about to: there is nothing left to extend.")
    limit = task.wish.time_limit + event.seconds
    most, who = longest(task.wish, view.kept, view.rules)
    if limit > most:
        left = max(0, most - task.wish.time_limit)
        detail = f"{who} allows {most} seconds in all, which leaves {left} to add."
        return Decision(declined=Declined("invalid", detail, "seconds"))
    longer = replace(task, wish=replace(task.wish, time_limit=limit), updated_at=now)
    if task.started_at is not None:
        longer = _later(longer, task.started_at, now)
    entry = Entry("info", f"{event.seconds} seconds more", {"timeLimit": limit})
    return Decision(longer, (status_edit(longer),), (entry,))


def on_deletion(view: View, event: DeletionRequested, now: datetime) -> Decision:
    """End it where it has not ended, then remove it once what is owed is said."""
    task = view.task
    if task is None:
        return _gone()
    if task.deleting:
        return NOTHING
    going = replace(task, deleting=True, updated_at=now)
    if task.ended:
        return Decision(going, (deletion(going),))
    if task.opening or task.ending:
        return Decision(going)
    return _end(view, going, Ending(Status.CANCELLED, by=event.sender.login), now)


def _end(view: View, task: Task, ending: Ending, now: datetime) -> Decision:
    if task.status is Status.QUEUED:
        return finish(view, task, ending, now)
    return begin(task, ending, now)


def _may_not_go_on(view: View, task: Task, found: Circumstances, now: datetime) -> Decision | None:
    """Why another attempt cannot be asked for here and by this person; None where it can."""
    if found.archived:
        return _conflict(ARCHIVED)
    refusal = refuse_more(task.wish, found)
    refusal = refusal or refuse_another(view, task.owner.id, now)
    return _refused(refusal) if refusal else None


def _go_on(
    view: View,
    task: Task,
    before: tuple[Entry, ...],
    now: datetime,
    found: Circumstances | None = None,
) -> Decision:
    """A new attempt on the same branch, asked for by whoever spoke last.

    Without `found` it follows on an attempt that ended this moment, for which all was looked at.
    """
    if found is None:
        wish, branches = wish_again(task.wish, view.kept, view.rules), task.branches
    else:
        wish, branches = admit_again(view, task, found), where_it_is_now(task, found)
    if isinstance(wish, Refusal):
        return _refused(replace(wish, field=None))
    last = task.pending[-1]
    model = next((one.model for one in reversed(task.pending) if one.model), wish.model)
    prompt = "\n\n".join(one.text for one in task.pending)
    outsiders = any(one.outsider for one in task.pending)
    outsiders = outsiders or (found is not None and outsiders_in(found))
    wish = replace(wish, model=model)
    again = anew(task, wish, last.sender, branches, now, outsiders=outsiders)
    again = replace(again, pending=())
    return Decision(
        again,
        (status_edit(again),),
        (*before, asked_again(again, task.pending)),
        brief=Brief(prompt, (found and found.context) or None),
    )


def _size(message: FollowUp) -> int:
    return len(json.dumps(message.text, ensure_ascii=False).encode())


def _later(task: Task, started: datetime, now: datetime) -> Task:
    """A task at work with a later deadline; a warning that came too early is taken back."""
    length = timedelta(seconds=task.wish.time_limit)
    clocks = replace(task.clocks, deadline=started + length)
    warn_at = started + length * WARN_AT
    if clocks.warn_at is None and warn_at <= now:
        return replace(task, clocks=clocks)  # it was warned, and still rightly
    return replace(task, clocks=replace(clocks, warn_at=warn_at), warning=None)


def _refused(refusal: Refusal) -> Decision:
    """Why it was not admitted: for lack of a right, a field, or by what stands there already."""
    kind: Literal["conflict", "invalid", "forbidden", "busy", "over_budget"]
    if refusal.code is ErrorCode.NOT_PERMITTED:
        kind = "forbidden"
    elif refusal.code is ErrorCode.OVER_BUDGET:
        kind = "busy" if refusal.wait is None else "over_budget"
    else:
        kind = "conflict" if refusal.field is None else "invalid"
    field = refusal.field if kind == "invalid" else None
    return Decision(
        declined=Declined(kind, refusal.reply, field, refusal.reason, wait=refusal.wait)
    )


def _conflict(detail: str) -> Decision:
    return Decision(declined=Declined("conflict", detail))


def _gone() -> Decision:
    return _conflict("It is gone, or about to be.")


def _kind_for(event: WorkRequested) -> CommandKind | Refusal:
    """The row of a command, or why it is not given to this person, or to nobody."""
    name, found = event.command.name, event.found
    kind = found.kind_of(name)
    if kind is None and not isinstance(found.config, RepoConfig):
        return refuse_config(found.config)
    if kind is None or not kind.makes_task:
        return refusal_of(ErrorCode.BAD_COMMAND, refusals.no_work(name), "command")
    return refuse_role(kind, found.role) or kind
