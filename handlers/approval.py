"""What waits for approval: which commands do, how long, how many, and by what they are known."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from handlers import refusals
from handlers.admission import Refusal
from handlers.circumstances import Circumstances
from handlers.commands import COMMANDS, Command, CommandKind, Misuse
from handlers.decision import Crowd, View
from handlers.events import CommandGiven, ReviewGiven
from handlers.exact import exact, in_sight
from handlers.repo_config import RepoConfig
from handlers.roles import Role
from handlers.task import Task
from handlers.text import fenced
from handlers.values import ErrorCode, TaskError

LATE: Final = timedelta(hours=1)
"""A command that is older when Bellhop hears of it is asked back first."""
EXPIRES: Final = timedelta(days=7)
"""How long a command waits for approval."""
MOST: Final = Crowd(person=5, issue=10, repository=50)
"""How many commands of people without the permission may wait."""
CROWD_OF: Final = timedelta(days=1)
"""The time in which a person's commands are counted, whatever became of them."""
MOST_SHOWN: Final = 50_000
"""Characters of a quotation, so that all of it has room in a comment."""


def may_be_approved(kind: CommandKind, found: Circumstances) -> bool:
    """Whether a command of somebody without its permission waits, rather than being refused."""
    return (
        kind.makes_task
        and isinstance(found.config, RepoConfig)
        and found.config.outsiders == "approve"
        and found.role >= Role.READ
    )


def is_late(event: CommandGiven | ReviewGiven) -> bool:
    """Whether a command, or a review, is so old that its writer may not want it any more."""
    return event.age > LATE


def is_about_nothing(view: View, command: Command | Misuse) -> bool:
    """Whether another bot's `/approve` is meant: without a hash, and nothing waits for ours."""
    misuse = isinstance(command, Misuse) and not command.addressed
    return misuse and command.name == "approve" and not view.awaiting


def refuse_to_wait(view: View, quoted: str) -> Refusal | None:
    """The refusal of a command that cannot wait for approval; None where it can."""
    crowd = view.crowd
    if (
        crowd.person >= MOST.person
        or crowd.issue >= MOST.issue
        or crowd.repository >= MOST.repository
    ):
        return Refusal(ErrorCode.OVER_BUDGET, "too_many_waiting", refusals.too_many_waiting())
    return refuse_unshown(quoted)


def refuse_unshown(quoted: str) -> Refusal | None:
    """The refusal of a command that nobody could read as a whole before they approve it."""
    if len(quoted) <= MOST_SHOWN:
        return None
    reply = refusals.too_long_to_approve(MOST_SHOWN)
    return Refusal(ErrorCode.BAD_COMMAND, "too_long_to_approve", reply)


def refuse_approval(kind: CommandKind, role: Role) -> Refusal:
    """The refusal of somebody who may not let a waiting command of this kind run."""
    least = max(kind.role, COMMANDS["approve"].role)
    reason = f"{ErrorCode.NOT_PERMITTED}:approve:{kind.name}"
    reply = refusals.may_not_approve(kind.name, least, role)
    return Refusal(ErrorCode.NOT_PERMITTED, reason, reply)


def hash_of(task_id: str, command: Command) -> str:
    """By which a command is approved: of the candidate's id, which nobody chooses, and its text.

    Who writes a command knows its hash only once Bellhop has told it, and cannot look for another
    text with the same one: the next command has another id.
    """
    known = f"{task_id}\n{command.name}\n{command.source}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(known).hexdigest()[:10]


def quotation(command: Command) -> str:
    """What was written, whole, as a block of code in which nothing acts and nothing is hidden."""
    return fenced(in_sight(exact(command.source)))


def pick_awaiting(awaiting: Sequence[Task], given: str | None) -> Task | None:
    """The one that waits under a hash; None where none does, or more than one."""
    found = [one for one in awaiting if one.approval and one.approval.hash == given]
    return found[0] if len(found) == 1 else None


def expired() -> TaskError:
    """Why a command waits no longer."""
    title = f"nobody approved it within {EXPIRES.days} days"
    return TaskError(ErrorCode.NOT_PERMITTED, title, retryable=False)
