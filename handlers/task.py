"""A task, and the one table of the moves that it may make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from handlers.commands import Command
from handlers.roles import Role
from handlers.values import (
    Clocks,
    CurrentState,
    FollowUp,
    Origin,
    Person,
    Result,
    TaskError,
    Usage,
    Webhook,
    Where,
)


class Status(StrEnum):
    """Where a task is in its life."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.REJECTED})
UNFINISHED = frozenset(Status) - ENDED
BUSY = frozenset({Status.STARTING, Status.RUNNING})
"""The statuses that hold one of the places that `BELLHOP_MAX_RUNNING` counts."""


class Move(NamedTuple):
    """One row of the lifecycle."""

    source: Status
    target: Status
    why: str


TRANSITIONS: tuple[Move, ...] = (
    Move(Status.QUEUED, Status.STARTING, "a place is free"),
    Move(Status.QUEUED, Status.REJECTED, "refused at admission, or never approved"),
    Move(Status.QUEUED, Status.CANCELLED, "stopped while it waited"),
    Move(Status.QUEUED, Status.FAILED, "its repository is gone"),
    Move(Status.QUEUED, Status.COMPLETED, "a backup did not know that it was done"),
    Move(Status.STARTING, Status.RUNNING, "the worker claimed it"),
    Move(Status.STARTING, Status.QUEUED, "the launch failed and is tried again"),
    Move(Status.STARTING, Status.FAILED, "it could not be launched"),
    Move(Status.STARTING, Status.CANCELLED, "stopped during the launch"),
    Move(Status.STARTING, Status.COMPLETED, "a backup did not know that it was done"),
    Move(Status.RUNNING, Status.COMPLETED, "the work is done"),
    Move(Status.RUNNING, Status.FAILED, "the work failed"),
    Move(Status.RUNNING, Status.CANCELLED, "stopped while it worked"),
    Move(Status.RUNNING, Status.QUEUED, "the worker was lost, once"),
    Move(Status.COMPLETED, Status.QUEUED, "asked for again"),
    Move(Status.FAILED, Status.QUEUED, "asked for again"),
    Move(Status.CANCELLED, Status.QUEUED, "asked for again"),
)

_ALLOWED = frozenset((move.source, move.target) for move in TRANSITIONS)


class IllegalMove(Exception):  # noqa: N818 - the name says what was tried
    """A move that the table does not have; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt will end once its worker is gone."""

    status: Status
    error: TaskError | None = None
    by: str = ""
    """The login of the person who asked for it; empty when a rule did."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for, after options, repository and server were combined."""

    command: str
    prompt: str
    agent: str
    runner: str
    time_limit: int
    """Seconds."""
    model: str | None = None
    image: str | None = None
    max_cost: float | None = None
    """US dollars."""
    concurrency: int | None = None
    request_review: bool = True
    ci: Literal["run", "skip"] = "skip"
    """What becomes of workflows where text by people without write access was shown."""
    role: Role = Role.WRITE
    """The least role that is enough to ask for this, and for more of it."""
    result: Result = "pull_request"
    repository_time_limit: int | None = None
    """Seconds that the repository's file allowed when this was asked for, however few were asked.

    What gives the attempt more time later is held to it without asking GitHub for the file.
    """

    @property
    def answers(self) -> bool:
        """Whether a comment comes of it, and nothing may be pushed."""
        return self.result == "answer"


@dataclass(frozen=True, slots=True)
class Approval:
    """What a task waits for, or has waited for, before anything of it may begin."""

    hash: str
    """By which it is approved: 10 hexadecimal digits."""
    asker: Person
    """Who wrote the command."""
    late: bool
    """Whether it waits since Bellhop heard of it late: its writer may approve it then."""


@dataclass(frozen=True, slots=True)
class Branches:
    """The git side of a task. A head is a 40-digit hexadecimal commit id."""

    base: str
    default: str
    name: str | None = None
    """The branch that the worker may push; None where nothing may be pushed."""
    head: str | None = None
    """Where Bellhop knows the branch to be; None before the first push."""
    pushing: str | None = None
    """Where a push that has begun would move it, until its outcome is known."""
    pushed: bool = False
    """Whether this attempt has pushed."""
    trusted: str | None = None
    """The branch whose agent configuration counts, where the work starts on another one."""

    @property
    def config_from(self) -> str | None:
        """Where the agent's own configuration is taken from; None: from where the work starts.

        What lies on a pull request's head, or was pushed by an earlier attempt, may have been
        written to give the agent orders.
        """
        return self.trusted or (self.base if self.head else None)


@dataclass(frozen=True, slots=True)
class PullRequest:
    """The pull request of a task."""

    number: int
    url: str
    state: str = "open"


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work. Frozen: a change is a new value with a higher version."""

    id: str
    name: str
    where: Where
    wish: Wish
    origin: Origin
    owner: Person
    requester: Person
    branches: Branches
    status: Status
    state: CurrentState
    created_at: datetime
    queued_at: datetime
    updated_at: datetime
    progress: int = 0
    attempt: int = 1
    launch: int = 1
    launch_failures: int = 0
    lost: bool = False
    """Whether a worker of this attempt's request was lost already."""
    instance: str | None = None
    """The worker that claimed the attempt."""
    warning: str | None = None
    """What the worker is to be told about its time, until it has acknowledged it."""
    ending: Ending | None = None
    outcome: str | None = None
    """The digest of the first completion's canonical JSON."""
    pull: PullRequest | None = None
    summary: str | None = None
    title: str | None = None
    body: str | None = None
    error: TaskError | None = None
    usage: Usage = field(default_factory=Usage)
    clocks: Clocks = field(default_factory=Clocks)
    status_comment: int | None = None
    pending: tuple[FollowUp, ...] = ()
    """Messages that no worker has heard yet, oldest first."""
    deleting: bool = False
    """Whether it is to be removed once it has ended and nothing more is owed."""
    webhook: Webhook | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    """Pairs of the caller's own."""
    approval: Approval | None = None
    awaiting: Command | None = None
    """What runs once it is approved, as the delivery had it; until then nothing else happens."""
    outsiders: bool = False
    """Whether text by people without write access reached the prompt of any attempt."""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    version: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing more happens without somebody asking for it."""
        return self.status in ENDED

    @property
    def unapproved(self) -> bool:
        """Whether it is a command of somebody without the permission that nobody has approved."""
        asked = self.approval is not None and not self.approval.late
        return asked and (self.awaiting is not None or self.status is Status.REJECTED)

    @property
    def skip_ci(self) -> bool:
        """Whether its commits are to ask GitHub for no workflows."""
        return self.outsiders and self.wish.ci == "skip"

    @property
    def heard(self) -> tuple[FollowUp, ...]:
        """The messages that are for the worker at work.

        It was told at its start whether to ask for no workflows. Where it was not, what people
        without write access say is left to another attempt.
        """
        if self.outsiders or self.wish.ci == "run" or self.wish.answers:
            return self.pending
        return tuple(one for one in self.pending if not one.outsider)

    @property
    def opening(self) -> bool:
        """Whether the worker is done and the pull request is being opened."""
        # A worker names its states itself: only with an outcome is this one Bellhop's own word.
        return self.outcome is not None and self.state.state == "opening_pull_request"

    def is_current(self, attempt: int, launch: int) -> bool:
        """Whether these numbers name the launch that counts now."""
        return (self.attempt, self.launch) == (attempt, launch)


def saying(task: Task, state: str, message: str, now: datetime, uri: str | None = None) -> Task:
    """The task with another current state, at the same place in its life."""
    return replace(task, state=CurrentState(now, state, message, uri), updated_at=now)


def advance(
    task: Task,
    target: Status,
    now: datetime,
    *,
    state: str,
    message: str = "",
    **changes: Any,  # noqa: ANN401 - any field of the task
) -> Task:
    """Move a task along one row of the table.

    Raises:
        IllegalMove: the table has no such row; the task is unchanged.
    """
    if (task.status, target) not in _ALLOWED:
        raise IllegalMove(f"{task.name} cannot go from {task.status} to {target}")
    return replace(saying(task, state, message, now), status=target, **changes)
