"""Small frozen values that tasks, events and effects are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on GitHub: the numeric id is the key, a login can change hands."""

    id: int
    login: str


@dataclass(frozen=True, slots=True)
class Where:
    """The issue or pull request that a task belongs to."""

    installation_id: int
    repository_id: int
    repository: str
    """`owner/name` as GitHub last spelt it."""
    number: int
    is_pull_request: bool
    title: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """What asked for a task; unique, so that nothing is taken twice."""

    kind: str
    """`comment` or `issue`."""
    id: int
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
    """What an agent spent. Each report replaces the one before."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


class ErrorCode(StrEnum):
    """Why a task failed or was rejected."""

    NOT_PERMITTED = "not_permitted"
    BAD_COMMAND = "bad_command"
    BAD_CONFIG = "bad_config"
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

    def next(self) -> datetime | None:
        """The first of the clocks that are on."""
        times = (
            self.first_call_by,
            self.heard_by,
            self.warn_at,
            self.deadline,
            self.gone_by,
            self.retry_at,
        )
        return min((time for time in times if time is not None), default=None)
