"""The moves of tasks through their lifecycle, told once they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handlers.decision import View
from handlers.task import Status, Task


@dataclass(frozen=True, slots=True)
class Moved:
    """A task has another status, or a new attempt, than before; None: it is new."""

    task: Task
    before: Status | None
    at: datetime


def move_of(view: View, task: Task, now: datetime) -> Moved | None:
    """What moved, given what the decision saw; None: the task is where it was."""
    seen = (view.task, view.named, *view.issue_tasks, *view.awaiting)
    before = next((one for one in seen if one is not None and one.id == task.id), None)
    if before is None:
        return Moved(task, None, now)
    if (before.status, before.attempt) == (task.status, task.attempt):
        return None
    return Moved(task, before.status, now)
