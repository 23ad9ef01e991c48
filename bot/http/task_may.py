"""What somebody may do to a task on its page, as far as can be told before they try."""

from __future__ import annotations

from dataclasses import dataclass

from bot.http.task_sight import Seen
from handlers.access import may_act, may_delete, may_end
from handlers.task import BUSY, Status

STEPS = (10, 30, 60, 240)
"""Minutes."""


@dataclass(frozen=True, slots=True)
class May:
    """The buttons of the page."""

    stop: bool
    retry: bool
    message: bool
    delete: bool
    minutes: tuple[int, ...]
    """By how many it can get more time."""

    @property
    def anything(self) -> bool:
        """Whether there is a button at all."""
        return self.stop or self.retry or self.delete or bool(self.minutes)


def may(seen: Seen, most: int) -> May:
    """What is offered to whoever looks at a task; `most` is the seconds that a task may get."""
    task, caller = seen.task, seen.caller
    acts = may_act(task, seen.role) and not task.deleting
    going = not task.ended and task.ending is None
    ends = may_end(task, caller.person, seen.role, operator=caller.operator)
    return May(
        stop=ends and going and not task.opening,
        retry=acts and task.ended and task.status is not Status.REJECTED,
        message=acts
        and task.status is not Status.REJECTED
        and (task.ended or going)
        and not task.awaiting,
        delete=may_delete(task, caller.person, operator=caller.operator) and not task.deleting,
        minutes=_minutes(most - task.wish.time_limit)
        if acts and going and task.status in BUSY
        else (),
    )


def _minutes(left: int) -> tuple[int, ...]:
    """Some round numbers within what is left, in seconds, or all of it."""
    fitting = tuple(minutes for minutes in STEPS if minutes * 60 <= left)
    return fitting or ((left // 60,) if left >= 60 else ())  # noqa: PLR2004 - a minute
