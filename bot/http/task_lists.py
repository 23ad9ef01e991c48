"""What is told of many tasks."""

from __future__ import annotations

from datetime import date

from bot.http.bodies import Body
from bot.http.task_bodies import TaskBody, task_body
from handlers.task import Task
from storage.lists import DayTotal
from storage.pull_times import LONGER, PullTimes


class TaskList(Body):
    """A page of tasks, newest first. `count` is of all pages, and stops at 1,000."""

    tasks: list[TaskBody]
    count: int
    count_exact: bool
    next_cursor: str | None


class FinishedTask(TaskBody):
    """A task that has ended, with how long its last attempt waited and worked, in seconds."""

    outcome: str
    waited: float
    worked: float


class DayBody(Body):
    """What became of a repository's attempts on a day in UTC; `worked` is seconds in all."""

    day: date
    repository: str
    outcome: str
    attempts: int
    worked: float
    cost_usd: float
    pull_requests: int

    @classmethod
    def of(cls, total: DayTotal) -> DayBody:
        """The total of a day."""
        return cls(
            day=total.day,
            repository=total.repository,
            outcome=total.outcome,
            attempts=total.attempts,
            worked=total.seconds,
            cost_usd=total.cost_usd,
            pull_requests=total.pulls,
        )


class PullTimesBody(Body):
    """How many pull requests came in a time after they were asked for, as the plots count them.

    `within` is in seconds, and longer than that of the class before; null stands for all that took
    longer than any.
    """

    within: int | None
    pull_requests: int

    @classmethod
    def of(cls, times: PullTimes) -> PullTimesBody:
        """A class of times."""
        within = None if times.within == LONGER else times.within
        return cls(within=within, pull_requests=times.pulls)


class History(Body):
    """A page of what has ended, the newest end first, and the totals of the last days.

    `pull_times` has every class of times, the quickest first.
    """

    tasks: list[FinishedTask]
    days: list[DayBody]
    pull_times: list[PullTimesBody]
    next_cursor: str | None


def finished_task(task: Task, web_url: str, *, mine: bool) -> FinishedTask:
    """A task that has ended, as its owner and operators (`mine`) or somebody else sees it."""
    ended = task.completed_at or task.updated_at
    began = task.started_at or ended
    return FinishedTask(
        **dict(task_body(task, web_url, mine=mine)),
        outcome=task.status.value,
        waited=(began - task.queued_at).total_seconds(),
        worked=(ended - began).total_seconds(),
    )
