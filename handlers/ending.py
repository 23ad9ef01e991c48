"""The one way in which an attempt ends, whatever ended it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from handlers import replies
from handlers.decision import Decision, Entry, View
from handlers.effects import (
    Comment,
    DeleteTask,
    EditStatus,
    Effect,
    RequestReview,
    RevokeTokens,
    SendWebhook,
    StopWorker,
)
from handlers.events import FollowUpDue
from handlers.task import BUSY, Ending, Status, Task, advance, saying
from handlers.values import Clocks, ErrorCode, FollowUp, TaskError, app_slug
from handlers.webhook_body import webhook_body

GRACE = 30.0
"""Seconds between telling a worker to stop and killing it."""
TIDY = 10.0
"""Seconds that a worker that has reported its end gets to leave by itself."""
GIVE_UP = timedelta(minutes=5)
"""How long Bellhop waits for a worker to be gone before it counts it as gone."""


def key_of(task: Task, name: str) -> str:
    """The key of an effect that an attempt has once."""
    return f"{task.id}/{task.attempt}/{name}"


def status_edit(task: Task) -> EditStatus:
    """The wish to bring the status comment up to date."""
    return EditStatus(f"{task.id}/status", task.where, task.id)


def removal(task: Task, grace: float) -> StopWorker:
    """The wish that the worker of the current launch be no more."""
    key = key_of(task, f"{task.launch}/stop/{grace:g}")
    return StopWorker(key, task.id, task.attempt, task.launch, task.wish.runner, grace)


def deletion(task: Task) -> DeleteTask:
    """The wish that a task be no more."""
    return DeleteTask(f"{task.id}/delete", task.id)


def begin(task: Task, ending: Ending, now: datetime) -> Decision:
    """End an attempt that has, or is about to have, a worker: the worker goes first."""
    stopping = replace(
        saying(task, "stopping", replies.stopping(ending), now),
        ending=ending,
        clocks=Clocks(gone_by=now + GIVE_UP),
    )
    entry = Entry("status", stopping.state.message, {"state": "stopping"})
    return Decision(stopping, (removal(task, GRACE), status_edit(task)), (entry,))


def finish(view: View, task: Task, ending: Ending, now: datetime) -> Decision:
    """End an attempt for good: one final comment, tokens revoked, the worker's place cleared.

    What its worker had not heard yet is the beginning of another attempt. What was never approved
    ends without a word.
    """
    if task.awaiting:
        return _unapproved(task, ending, now)
    ended = advance(
        task,
        ending.status,
        now,
        state=ending.status.value,
        message=ending.error.title if ending.error else "",
        error=ending.error,
        ending=None,
        clocks=Clocks(),
        completed_at=now,
        pending=_unheard(task, ending),
        progress=100 if ending.status is Status.COMPLETED else task.progress,
    )
    body = replies.final(ended, view.rules, by=ending.by)
    effects: list[Effect] = [
        Comment(key_of(task, "final"), task.where, body, final=True),
        status_edit(task),
        RevokeTokens(key_of(task, "revoke"), task.id, task.attempt, task.launch),
    ]
    if task.status in BUSY:
        effects.append(removal(task, TIDY))
    if ended.status is Status.COMPLETED:
        effects.extend(_review(ended))
    effects.extend(_sent(ended, view))
    if ended.deleting:
        effects.append(deletion(ended))
    kind = {Status.COMPLETED: "success", Status.FAILED: "error"}.get(ended.status, "status")
    entries = [Entry(kind, replies.ended_line(ended), {"status": ended.status.value})]
    if len(task.pending) > len(ended.pending):
        entries.append(unanswered(task.pending, "nothing more is done for this task"))
    then = FollowUpDue(ended.id) if ended.pending else None
    return Decision(ended, tuple(effects), tuple(entries), then=then)


def _unapproved(task: Task, ending: Ending, now: datetime) -> Decision:
    """Turn away what waited for approval: it was no attempt yet, and can never become one."""
    error = ending.error or TaskError(
        ErrorCode.NOT_PERMITTED, f"never approved: {replies.stopping(ending)}", retryable=False
    )
    ended = advance(
        task,
        Status.REJECTED,
        now,
        state=Status.REJECTED.value,
        message=error.title,
        error=error,
        awaiting=None,
        clocks=Clocks(),
        completed_at=now,
    )
    effects = (deletion(ended),) if ended.deleting else ()
    return Decision(ended, effects, (Entry("status", error.title, {"status": ended.status.value}),))


def unanswered(messages: Sequence[FollowUp], why: str) -> Entry:
    """The line that says that nobody will answer messages."""
    told = "1 message was" if len(messages) == 1 else f"{len(messages)} messages were"
    return Entry("warning", f"{told} not answered: {why}", {"dropped": [m.id for m in messages]})


def _unheard(task: Task, ending: Ending) -> tuple[FollowUp, ...]:
    """The messages that another attempt is to answer: none where nobody wants or can have one."""
    over = ending.status is Status.CANCELLED or (ending.error and not ending.error.retryable)
    return () if over or task.deleting else task.pending


def _sent(task: Task, view: View) -> list[Effect]:
    """What a program is told of the end, if it asked for it."""
    hook = task.webhook
    if hook is None or task.status.value not in hook.events:
        return []
    message = f"msg_{task.id.replace('-', '')}_{task.attempt}"
    body = webhook_body(task, view.rules)
    key = key_of(task, "webhook")
    return [SendWebhook(key, message, task.id, task.attempt, task.owner.id, hook.url, body)]


def _review(task: Task) -> list[Effect]:
    """Ask the requester to look at a pull request that Bellhop opened for an issue."""
    if (
        task.pull is None
        or not task.branches.pushed
        or not task.wish.request_review
        or task.where.is_pull_request
        or app_slug(task.requester.login)
    ):
        return []
    key = key_of(task, "review")
    return [RequestReview(key, task.where, task.pull.number, task.requester.login)]
