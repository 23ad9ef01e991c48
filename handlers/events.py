"""Facts that can arrive. Each is past and frozen; what a decision must know is inside it.

Ids and times are given: nothing here is drawn or read from a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from handlers.circumstances import Circumstances
from handlers.commands import Command, Misuse
from handlers.task import PullRequest
from handlers.values import ErrorCode, FollowUp, Origin, Person, TaskError, Usage, Webhook, Where


@dataclass(frozen=True, slots=True)
class CommandGiven:
    """Somebody wrote a command."""

    task_id: str
    """The id that was minted for the candidate; of the task, if it makes one."""
    command: Command | Misuse
    where: Where
    sender: Person
    origin: Origin
    written_at: datetime
    found: Circumstances
    ordinal: int = 0
    """Its place among the commands of the comment, from 0."""
    received_at: datetime | None = None
    """When Bellhop heard of it; None: at once."""
    app: str | None = None
    """The slug of the App that wrote it; None: a person did."""

    @property
    def age(self) -> timedelta:
        """How old it was when Bellhop heard of it."""
        return (self.received_at or self.written_at) - self.written_at


@dataclass(frozen=True, slots=True)
class WorkRequested:
    """A program asks for a task, in the name of a person whose role is in `found`."""

    task_id: str
    command: Command
    where: Where
    sender: Person
    origin: Origin
    found: Circumstances
    webhook: Webhook | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class RetryRequested:
    """Somebody who may asks for a new attempt of a task."""

    task_id: str
    sender: Person
    found: Circumstances


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Somebody who may asks for the end of a task."""

    task_id: str
    sender: Person


@dataclass(frozen=True, slots=True)
class MessageSent:
    """Somebody who may has something more to say to a task's worker.

    `found` is there where the task had ended when GitHub was asked: then it begins an attempt.
    """

    task_id: str
    message: FollowUp
    found: Circumstances | None = None


@dataclass(frozen=True, slots=True)
class ExtensionRequested:
    """Somebody who may asks for more time, in seconds."""

    task_id: str
    seconds: int


@dataclass(frozen=True, slots=True)
class DeletionRequested:
    """A task's owner or an operator wants it removed."""

    task_id: str
    sender: Person


@dataclass(frozen=True, slots=True)
class FollowUpDue:
    """An attempt has ended before its worker had heard all messages."""

    task_id: str


@dataclass(frozen=True, slots=True)
class ReviewGiven:
    """Somebody reviewed a pull request that a task of ours opened, without a command."""

    task_id: str
    """The id that was minted for the candidate."""
    where: Where
    """The pull request."""
    sender: Person
    origin: Origin
    text: str
    """What the review and its comments say."""
    found: Circumstances
    age: timedelta = timedelta(0)
    """How old it was when Bellhop heard of it."""


@dataclass(frozen=True, slots=True)
class CommandUndecidable:
    """GitHub would not say who may do what, for as long as Bellhop asks."""

    task_id: str
    where: Where
    origin: Origin
    detail: str


@dataclass(frozen=True, slots=True)
class BackupRestored:
    """Bellhop goes on from a backup, and has looked at what GitHub knows of a task."""

    task_id: str
    ended: int
    """The last attempt whose final comment is there; 0: none that the task does not know of."""
    pull: PullRequest | None = None
    """The pull request from the task's branch, where the task knows of none."""


@dataclass(frozen=True, slots=True)
class PlaceOffered:
    """A place is free, and this task is the next in line."""

    task_id: str


@dataclass(frozen=True, slots=True)
class OfLaunch:
    """The part that every fact about one launch of a worker has."""

    task_id: str
    attempt: int
    launch: int


@dataclass(frozen=True, slots=True)
class Launched(OfLaunch):
    """The runner started the worker."""


@dataclass(frozen=True, slots=True)
class LaunchFailed(OfLaunch):
    """The runner could not start the worker, or it died before its first call."""

    detail: str
    retryable: bool = True
    code: ErrorCode = ErrorCode.LAUNCH_FAILED


@dataclass(frozen=True, slots=True)
class PermissionLost(OfLaunch):
    """The requester may no longer do what was admitted, says GitHub at the launch."""


@dataclass(frozen=True, slots=True)
class BranchSeen(OfLaunch):
    """Where the task's branch is right before the launch; None: there is none."""

    head: str | None


@dataclass(frozen=True, slots=True)
class WorkerClaimed(OfLaunch):
    """A worker asked for its assignment."""

    instance: str


TIME_WARNING = "time-limit"
"""The id of the message that most of the time is over."""


@dataclass(frozen=True, slots=True)
class WorkerReported(OfLaunch):
    """A worker's heartbeat."""

    progress: int | None = None
    state: str | None = None
    message: str | None = None
    usage: Usage | None = None
    acknowledged: frozenset[str] = frozenset()
    """The ids of the messages that have reached it, `TIME_WARNING` among them."""


@dataclass(frozen=True, slots=True)
class WorkerCompleted(OfLaunch):
    """The completion callback."""

    status: Literal["completed", "failed", "cancelled"]
    canonical: str
    """The digest of the canonical JSON, by which a second completion is compared."""
    pr_url: str | None = None
    branch: str | None = None
    title: str | None = None
    body: str | None = None
    summary: str | None = None
    error: TaskError | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class WorkerExited(OfLaunch):
    """The runner saw a worker end by itself. `code` None: nobody was watching when it did."""

    code: int | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WorkerGone(OfLaunch):
    """A worker that was to be stopped is no more."""


@dataclass(frozen=True, slots=True)
class PushBegun(OfLaunch):
    """The push gate is about to send a push on."""

    new: str


@dataclass(frozen=True, slots=True)
class Pushed(OfLaunch):
    """GitHub took a push."""

    new: str


@dataclass(frozen=True, slots=True)
class PushFailed(OfLaunch):
    """GitHub did not take a push."""

    new: str
    detail: str


@dataclass(frozen=True, slots=True)
class PullRequestReady:
    """The pull request is open, or was found."""

    task_id: str
    attempt: int
    number: int
    url: str
    state: str


@dataclass(frozen=True, slots=True)
class PullRequestFailed:
    """GitHub would not open the pull request."""

    task_id: str
    attempt: int
    detail: str


@dataclass(frozen=True, slots=True)
class StatusCommented:
    """The status comment exists."""

    task_id: str
    comment_id: int


@dataclass(frozen=True, slots=True)
class ClockStruck:
    """One of a task's clocks has run out."""

    task_id: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """Bellhop itself began again, and had been deaf until now."""

    task_id: str


@dataclass(frozen=True, slots=True)
class TargetGone:
    """The issue, the repository or the App's access to it is gone."""

    task_id: str
    reason: str
    """Half a sentence: "the repository was archived"."""


@dataclass(frozen=True, slots=True)
class IssueClosed:
    """Somebody closed the issue or pull request: what still waits for it is not wanted any more."""

    task_id: str


@dataclass(frozen=True, slots=True)
class RepositoryRenamed:
    """A repository has another name; its id is the same."""

    task_id: str
    full_name: str


@dataclass(frozen=True, slots=True)
class PullRequestClosed:
    """A pull request of Bellhop's was merged or closed."""

    task_id: str
    merged: bool


Event = (
    CommandGiven
    | ReviewGiven
    | CommandUndecidable
    | WorkRequested
    | RetryRequested
    | StopRequested
    | MessageSent
    | ExtensionRequested
    | DeletionRequested
    | FollowUpDue
    | BackupRestored
    | PlaceOffered
    | Launched
    | LaunchFailed
    | PermissionLost
    | BranchSeen
    | WorkerClaimed
    | WorkerReported
    | WorkerCompleted
    | WorkerExited
    | WorkerGone
    | PushBegun
    | Pushed
    | PushFailed
    | PullRequestReady
    | PullRequestFailed
    | StatusCommented
    | ClockStruck
    | Restarted
    | TargetGone
    | IssueClosed
    | RepositoryRenamed
    | PullRequestClosed
)
