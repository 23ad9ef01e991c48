"""What workers send and get: the contract, version 1."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from bot.http.bodies import Body

Short = Annotated[str, StringConstraints(max_length=500)]
Text = Annotated[str, StringConstraints(max_length=60_000)]
StateName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]


class UsageReport(Body):
    """What the agent has spent so far, in all."""

    input_tokens: int = Field(0, ge=0, le=10**12)
    output_tokens: int = Field(0, ge=0, le=10**12)
    cost_usd: float = Field(0.0, ge=0, le=10**6)


class LogReport(Body):
    """One line of the worker's log."""

    type: Literal["info", "command", "success", "warning", "error"] = "info"
    message: Annotated[str, StringConstraints(max_length=10_000)]
    timestamp: AwareDatetime | None = None


class Progress(Body):
    """A heartbeat, perhaps with news."""

    report: int | None = Field(None, ge=1, le=10**15)
    progress: int | None = Field(None, ge=0, le=100)
    state: StateName | None = None
    message: Short | None = None
    logs: Annotated[list[LogReport], Field(max_length=1000)] = Field(
        default_factory=list[LogReport]
    )
    usage: UsageReport | None = None
    acknowledged: Annotated[list[Short], Field(max_length=100)] = Field(default_factory=list[Short])


class ErrorReport(Body):
    """Why a worker failed."""

    code: Literal[
        "worker_failed", "push_refused", "timeout", "cost_limit", "github_unavailable"
    ] = "worker_failed"
    title: Short
    detail: Text = ""
    remedy: Short = ""
    retryable: bool = True


class Completion(Body):
    """How an attempt ended."""

    task_id: Short
    status: Literal["completed", "failed", "cancelled"]
    pr_url: Annotated[str, StringConstraints(max_length=2000)] | None = None
    branch: Annotated[str, StringConstraints(max_length=250)] | None = None
    title: Short | None = None
    body: Text | None = None
    summary: Text | None = None
    error: ErrorReport | None = None
    usage: UsageReport | None = None


class GitHubToken(Body):
    """A read-only token of one repository."""

    token: str
    expires_at: datetime


class GitAuthor(Body):
    """A name and address in a commit."""

    name: str
    email: str


class Assignment(Body):
    """Everything that a worker is told."""

    contract_version: int
    task_id: str
    name: str
    attempt: int
    command: str
    title: str
    prompt: str
    context: str
    repository: str
    issue_number: int | None
    clone_url: str
    base_branch: str
    head_branch: str | None
    head_sha: str | None
    config_from: str | None
    push_url: str | None
    github_token: GitHubToken
    commit_author: GitAuthor
    co_authors: list[GitAuthor]
    skip_ci: bool
    agent: str
    agent_command: str | None
    model: str | None
    credentials: dict[str, str]
    time_limit: int
    deadline: datetime
    max_cost: float | None


class Message(Body):
    """Something that the worker is told; acknowledged by its id."""

    id: str
    text: str


class Orders(Body):
    """The answer to a heartbeat."""

    stop: bool
    deadline: datetime
    messages: list[Message] = Field(default_factory=list[Message])


class Accepted(Body):
    """The answer to a completion: the task's status now."""

    status: str
