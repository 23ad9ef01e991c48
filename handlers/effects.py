"""Wishes that leave a decision: what Bellhop owes the world.

Each is kept in the outbox until it is done. `key` is unique for all time and makes an effect
that runs twice show once; effects of one `lane` are done in the order in which they were wished
for, the others wait for nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

from handlers.values import Where


@dataclass(frozen=True, slots=True)
class React:
    """Put the `eyes` under what asked for something. Skipped where the pace is nearly spent."""

    key: str
    where: Where
    comment_id: int | None
    """None: under the issue itself."""


@dataclass(frozen=True, slots=True)
class Comment:
    """Write a new comment, once."""

    key: str
    where: Where
    body: str
    final: bool = False
    """Whether it ends an attempt: such a comment goes first and is never given up early."""


@dataclass(frozen=True, slots=True)
class EditStatus:
    """Bring the status comment up to date with the task as it is when this is done."""

    key: str
    where: Where
    task_id: str


@dataclass(frozen=True, slots=True)
class Launch:
    """Mint the tokens and start a worker."""

    key: str
    task_id: str
    attempt: int
    launch: int


@dataclass(frozen=True, slots=True)
class StopWorker:
    """End a worker with its children: told first, killed `grace` seconds later."""

    key: str
    task_id: str
    attempt: int
    launch: int
    runner: str
    grace: float


@dataclass(frozen=True, slots=True)
class OpenPullRequest:
    """Open the pull request of a pushed branch, or find the one that is there."""

    key: str
    task_id: str
    attempt: int
    claimed_url: str | None = None
    """The pull request that the worker says it opened: to be checked, not believed."""


@dataclass(frozen=True, slots=True)
class RequestReview:
    """Ask for a review of a pull request, where GitHub allows it."""

    key: str
    where: Where
    pull_number: int
    login: str


@dataclass(frozen=True, slots=True)
class RevokeTokens:
    """Revoke every GitHub token that was minted for the launches up to this one."""

    key: str
    task_id: str
    attempt: int
    launch: int


@dataclass(frozen=True, slots=True)
class SendWebhook:
    """Tell a program of the end of an attempt, signed with a secret of `owner_id`'s."""

    key: str
    message_id: str
    task_id: str
    attempt: int
    owner_id: int
    url: str
    body: str
    """The exact text that is signed and sent: JSON."""


@dataclass(frozen=True, slots=True)
class DeleteTask:
    """Remove a task that has ended, once all else that it owes is done."""

    key: str
    task_id: str


Effect = (
    React
    | Comment
    | EditStatus
    | Launch
    | StopWorker
    | OpenPullRequest
    | RequestReview
    | RevokeTokens
    | SendWebhook
    | DeleteTask
)


def lane(effect: Effect) -> str | None:
    """The line in which an effect waits its turn, where order shows."""
    match effect:
        case Comment(where=where):
            return f"issue:{where.repository_id}/{where.number}"
        case _:
            return None


def speaks_to_nobody(effect: Effect) -> bool:
    """Whether an effect would say something on an issue although its task has none."""
    return isinstance(effect, React | Comment | EditStatus) and effect.where.number is None
