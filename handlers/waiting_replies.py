"""What is said of commands that wait for approval, or that Bellhop heard of late.

As in `handlers.replies`, whatever a person or a worker wrote passes through `handlers.text` first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from handlers.decision import Rules
from handlers.exact import CLOSING, GOES_ON, OPENING
from handlers.replies import approval_hash, named, span
from handlers.roles import Role
from handlers.task import Task
from handlers.text import neutral_line
from handlers.values import app_slug


def waits_for_approval(task: Task, quoted: str, role: Role, days: int, rules: Rules) -> str:
    """A command of somebody who may not give it waits until somebody approves it."""
    command = task.wish.command
    place = "pull request" if task.where.is_pull_request else "issue"
    return (
        f"`/{command}` by {neutral_line(task.owner.login)} waits: it needs the "
        f"**{task.wish.role.name.lower()}** role on this repository, and theirs is "
        f"**{role.name.lower()}**.\n\n"
        + _to_approve(task, quoted, _approvers(task), rules)
        + f"\n\nThe agent will also read what the {place} says. Nobody needs to answer: it is "
        f"dropped after {days} days."
    )


def still_wanted(task: Task, quoted: str, age: timedelta, rules: Rules) -> str:
    """A command that Bellhop heard of late waits until somebody says that it is still wanted."""
    login, who = neutral_line(task.owner.login), _approvers(task)
    if app_slug(task.owner.login) is None:  # an App approves nothing
        who = f"{login}, or {who[0].lower()}{who[1:]},"
    return (
        f"`/{task.wish.command}` by {login} is {span(age)} old: I could not hear it sooner. "
        "Still wanted?\n\n" + _to_approve(task, quoted, who, rules)
    )


def _approvers(task: Task) -> str:
    """Who may approve a command, beside its writer where it only came late."""
    if task.wish.role <= Role.WRITE:
        return "Somebody with write access"
    return f"Somebody with the **{task.wish.role.name.lower()}** role"


def _to_approve(task: Task, quoted: str, who: str, rules: Rules) -> str:
    hidden = ""
    if OPENING in quoted:
        hidden = (
            f"\n\n`{OPENING}…{CLOSING}` is what nobody would see: a character by its number, a "
            f"long run of blanks, or `{GOES_ON}` where a line has no room here and goes on."
        )
    return (
        f"{who} can start {named(task, rules)} with `/approve {approval_hash(task)}`. What runs "
        f"then is this text, whatever becomes of the comment:\n\n{quoted}{hidden}"
    )


def approval_late(task: Task, age: timedelta) -> str:
    """An approval that Bellhop heard of late."""
    return (
        f"This approval is {span(age)} old: I could not hear it sooner. If it still holds, write "
        f"`/approve {approval_hash(task)}` again."
    )


def retry_late(task: Task, age: timedelta) -> str:
    """A `/retry` that Bellhop heard of late."""
    return (
        f"This `/retry` is {span(age)} old: I could not hear it sooner. If it is still wanted, "
        f"write `/retry {task.name}`."
    )


def tell_late(task: Task, age: timedelta) -> str:
    """A `/tell` that Bellhop heard of late."""
    return (
        f"This `/tell` is {span(age)} old: I could not hear it sooner, and `{task.name}` was not "
        "told. If it still holds, write it again."
    )


def review_late(task: Task, age: timedelta) -> str:
    """A review of a task's pull request that Bellhop heard of late."""
    return (
        f"This review is {span(age)} old: I could not hear it sooner, and nothing was started for "
        f"it. If it still holds, `/tell` me what `{task.name}` is to do."
    )


def approved_before(task: Task) -> str:
    """Somebody approves what was approved already."""
    return f"`{task.name}` was approved already. `/status` tells how it goes."


def nothing_to_approve(awaiting: Sequence[Task]) -> str:
    """No command waits under this hash; those that do wait here are named."""
    if not awaiting:
        return "Nothing waits for approval here, or no longer. `/status` lists the tasks."
    rows = "\n".join(
        f"- `/{one.wish.command}` by {neutral_line(one.owner.login)}, {one.origin.url}: "
        f"`/approve {approval_hash(one)}`"
        for one in awaiting
    )
    return f"Nothing waits here under this hash. What waits:\n\n{rows}"


def withdrawn(task: Task) -> str:
    """What waited for approval was turned away."""
    return f"`{task.name}` waits for approval no more: it will not be started."
