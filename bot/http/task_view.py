"""A task as pages show it: words, links and numbers, nothing that has to be worked out there."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.task import Status, Task
from handlers.text import plain_line

LONGEST_TITLE = 160


@dataclass(frozen=True, slots=True)
class Link:
    """Something on GitHub."""

    text: str
    url: str


def title_of(task: Task) -> str:
    """What a task is called on pages, in a line: what was asked for, or else what it is about."""
    lines = (line for line in task.wish.prompt.splitlines() if line.strip())
    words = plain_line(next(lines, ""), LONGEST_TITLE)
    return words or plain_line(task.where.title, LONGEST_TITLE) or task.name


def doing(task: Task) -> str:
    """What a task that has not ended is at, in a line."""
    words = task.state.state.replace("_", " ")
    return plain_line(task.state.message or words, LONGEST_TITLE)


def repository_link(task: Task, web_url: str) -> Link:
    """The repository."""
    return Link(task.where.repository, f"{web_url}/{task.where.repository}")


def issue_link(task: Task, web_url: str) -> Link | None:
    """The issue or pull request that the task is about."""
    number = task.where.number
    if number is None:
        return None
    kind = "pull" if task.where.is_pull_request else "issues"
    return Link(f"#{number}", f"{web_url}/{task.where.repository}/{kind}/{number}")


def pull_link(task: Task) -> Link | None:
    """The pull request that came of it."""
    if task.pull is None:
        return None
    return Link(f"Pull request #{task.pull.number}", task.pull.url)


def moves(task: Task) -> bool:
    """Whether its progress is worth a bar."""
    return task.status in {Status.STARTING, Status.RUNNING}
