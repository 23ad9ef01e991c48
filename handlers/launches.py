"""What facts about one launch have in common: whether it is the current one, and how long."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers.decision import View
from handlers.events import OfLaunch
from handlers.task import Task

FIRST_CALL = timedelta(minutes=5)
"""How long a worker that was launched has for its first call."""
SILENCE = timedelta(minutes=2)
"""How long a worker may say nothing."""
WARN_AT = 0.8
"""The share of the time limit after which task and worker are warned."""
ANSWERED_FOR = timedelta(hours=24)
"""How long a worker of an ended attempt still hears that it has ended."""


def current(view: View, event: OfLaunch) -> Task | None:
    """The task, if the fact is about its current attempt and launch."""
    task = view.task
    return task if task and task.is_current(event.attempt, event.launch) else None


def long_over(task: Task, now: datetime) -> bool:
    """Whether a task ended so long ago that its worker is not answered any more."""
    return task.completed_at is not None and now - task.completed_at > ANSWERED_FOR
