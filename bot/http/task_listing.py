"""One page of a list of tasks: what the API tells, and what the feed shows."""

from __future__ import annotations

from dataclasses import dataclass

from bot.http.caller import Caller
from bot.http.cursors import cursor_of_place
from bot.http.task_narrowing import narrow
from bot.http.task_queries import Asked
from bot.http.task_sight import TaskSight
from handlers.task import Task


@dataclass(frozen=True, slots=True)
class Listing:
    """Some tasks, newest first; `count` is of all pages, and stops at 1,000."""

    tasks: tuple[Task, ...] = ()
    count: int = 0
    exact: bool = True
    cursor: str | None = None
    """Where the next page begins; None at the end."""


async def listing(sight: TaskSight, caller: Caller, asked: Asked, before: int | None) -> Listing:
    """What a caller may see of what was asked for, from the task of a number on.

    Raises:
        Problem: 422, in too many repositories; 503, GitHub does not say what the caller may see.
    """
    narrowed = await narrow(sight, caller, asked)
    if narrowed is None:
        return Listing()
    lists = sight.store.lists
    page = await lists.page(narrowed.scope, narrowed.query, asked.limit, before)
    count, exact = await lists.count(narrowed.scope, narrowed.query)
    cursor = None if page.next is None else cursor_of_place(page.next)
    return Listing(page.tasks, count, exact, cursor)
