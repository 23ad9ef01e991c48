"""Small frozen values that tasks, events and effects are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

Result = Literal["pull_request", "answer"]
"""What comes of a command that makes a task: changed code, or an answer and nothing pushed."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on GitHub: the numeric id is the key, a login can change hands."""

    id: int
    login: str


def app_slug(login: str) -> str | None:
    """The slug of the App whose account this is; None for a person, whose login has no brackets."""
    return login[: -len(_OF_APPS)] if login.endswith(_OF_APPS) else None


_OF_APPS = "[bot]"


@dataclass(frozen=True, slots=True)
class Where:
    """The repository that a task belongs to, and the issue or pull request in it, if any."""

    installation_id: int
    repository_id: int
    repository: str
    """`owner/name` as GitHub last spelt it."""
    number: int | None
    """None: a program asked, about no issue; nothing is said on GitHub then."""
    is_pull_request: bool
    title: str = ""

    @property
    def issue(self) -> int:
        """The number, where it is known that there is one.

        Raises:
            LookupError: there is none.
        """
        if self.number is None:
            raise LookupError(f"no issue of {self.repository} is meant")
        return self.number


@dataclass(frozen=True, slots=True)
class Origin:
    """What asked for a task; unique, so that nothing is taken twice.

    What came by the API has no text on GitHub: its id and position are 0, its URL is empty.
    """

    kind: str
    """`comment`, `issue` (its body), `label`, `api` or `web`."""
    id: int
    """Of a label: see `label_source`."""
    position: int
    url: str


@dataclass(frozen=True, slots=True)
class CurrentState:
    """What is going on inside a status."""

    timestamp: datetime
    state: str
    message: str = ""
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What an agent spent in one attempt."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    def grown(self, told: Usage | None) -> Usage:
        """What is known after a report: what was spent is not taken back, nor by leaving it out."""
        if told is None:
            return self
        return Usage(
            max(self.input_tokens, told.input_tokens),
            max(self.output_tokens, told.output_tokens),
            max(self.cost_usd, told.cost_usd),
        )


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A message to a task, until its worker has heard it or a new attempt was made of it."""

    id: str
    text: str
    sender: Person
    model: str | None = None
    outsider: bool = False
    """Whether it is by somebody without write access, or by an App."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a task's owner wants to be told of its ends, and of which: final statuses."""

    url: str
    events: tuple[str, ...] = ("completed", "failed", "cancelled")


class ErrorCode(StrEnum):
    """Why a task failed or was rejected."""

    NOT_PERMITTED = "not_permitted"
    BAD_COMMAND = "bad_command"
    BAD_CONFIG = "bad_config"
    OVER_BUDGET = "over_budget"
    LAUNCH_FAILED = "launch_failed"
    WORKER_LOST = "worker_lost"
    WORKER_FAILED = "worker_failed"
    TIMEOUT = "timeout"
    COST_LIMIT = "cost_limit"
    PUSH_REFUSED = "push_refused"
    PR_FAILED = "pr_failed"
    REPOSITORY_GONE = "repository_gone"
    GITHUB_UNAVAILABLE = "github_unavailable"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class TaskError:
    """What went wrong, and what a person can do about it."""

    code: ErrorCode
    title: str
    detail: str = ""
    remedy: str = ""
    retryable: bool = True


@dataclass(frozen=True, slots=True)
class Clocks:
    """When something must have happened by; None is a clock that is off."""

    first_call_by: datetime | None = None
    heard_by: datetime | None = None
    warn_at: datetime | None = None
    deadline: datetime | None = None
    gone_by: datetime | None = None
    """A worker that was told to stop is counted as gone after this."""
    retry_at: datetime | None = None
    """A launch that failed is not tried again before this."""
    expires_at: datetime | None = None
    """Who wants what waits for approval must have said so before this."""
    budget_at: datetime | None = None
    """A task that waits for a day's budget has a new one by then."""

    def next(self) -> datetime | None:
        """The first of the clocks that are on."""
        times = (
            self.first_call_by,
            self.heard_by,
            self.warn_at,
            self.deadline,
            self.gone_by,
            self.retry_at,
            self.expires_at,
            self.budget_at,
        )
        return min((time for time in times if time is not None), default=None)
