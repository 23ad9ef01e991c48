"""Somebody reviewed a task's pull request, without a command: that is a message to the task."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from handlers import refusals, waiting_replies
from handlers.admission import refusal_of, refuse_more, silent
from handlers.approval import is_late
from handlers.commands import Role
from handlers.decision import NOTHING, Decision, View
from handlers.effects import Comment, React
from handlers.events import MessageSent, ReviewGiven
from handlers.on_request import on_message
from handlers.task import Status
from handlers.values import ErrorCode, FollowUp
from handlers.work import of_now


def on_review(view: View, event: ReviewGiven, now: datetime) -> Decision:
    """What a writer says of the pull request is worked on; others are not even refused."""
    task, found = view.task, event.found
    if task is None or task.deleting or task.status is Status.REJECTED or found.archived:
        return NOTHING
    if found.role < Role.WRITE or not event.text or (found.pull and not found.pull.open):
        return NOTHING
    if no := refuse_more(task.wish, found):
        return _unheard(view, event, no.reply)
    if is_late(event):
        late = waiting_replies.review_late(task, event.age)
        return Decision(effects=(Comment(f"{event.task_id}/reply", event.where, late),))
    # The candidate's own id: however often it is delivered, it is one message.
    said = FollowUp(event.task_id, event.text, event.sender)
    heard_by = of_now(task, event.where) if task.ended else task
    told = on_message(replace(view, task=heard_by), MessageSent(task.id, said, found), now)
    if told.declined is not None:
        return _unheard(view, event, told.declined.detail)
    eyes = React(f"review/{event.origin.id}/eyes", event.where, None)
    return replace(told, effects=(eyes, *told.effects))


def _unheard(view: View, event: ReviewGiven, why: str) -> Decision:
    """Tell a writer why nothing follows."""
    refusal = refusal_of(ErrorCode.BAD_COMMAND, refusals.review_unheard(why))
    if silent(view, refusal):
        return NOTHING
    comment = Comment(f"{event.task_id}/refusal", event.where, refusal.reply)
    return Decision(effects=(comment,), refusal=refusal.reason)
