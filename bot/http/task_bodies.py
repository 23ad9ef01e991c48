"""What is told of a task."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from bot.http.bodies import Body
from handlers.task import Task
from handlers.values import CurrentState, Person, TaskError, Usage
from storage.attempts import Attempt

StatusName = Literal[
    "queued", "starting", "running", "completed", "failed", "cancelled", "rejected"
]
Source = Literal["comment", "label", "review", "api", "web"]


class PersonBody(Body):
    """Somebody on GitHub."""

    id: int
    login: str


class StateBody(Body):
    """What is going on inside a status."""

    timestamp: datetime
    state: str
    message: str
    uri: str | None


class UsageBody(Body):
    """What the agent spent so far in this attempt."""

    input_tokens: int
    output_tokens: int
    cost_usd: float


class ErrorBody(Body):
    """Why a task failed or was rejected, and what to do about it."""

    code: str
    title: str
    detail: str
    remedy: str
    retryable: bool


class AttemptBody(Body):
    """One run of a worker for a task; `outcome` is null while it has not ended."""

    attempt: int
    requester: PersonBody
    prompt: str
    outcome: str | None
    summary: str | None
    usage: UsageBody
    queued_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class TaskBody(Body):
    """One piece of work.

    `webhookUrl` is told to the task's owner and to operators, `workerUrl` to operators.
    """

    task_id: str
    name: str
    status: StatusName
    current_state: StateBody
    progress: int
    command: str
    prompt: str
    agent: str
    model: str | None
    runner: str
    repo_url: str
    repository: str
    issue_number: int | None
    comment_url: str | None
    branch: str | None
    base_branch: str
    source: Source
    owner: PersonBody
    requester: PersonBody
    attempt: int
    pr_url: str | None
    pr_state: str | None
    summary: str | None
    error: ErrorBody | None
    usage: UsageBody
    time_limit: int
    max_cost: float | None
    webhook_url: str | None
    webhook_events: list[str]
    worker_url: str | None
    metadata: dict[str, str]
    created_at: datetime
    queued_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime


class WholeTask(TaskBody):
    """A task with all its attempts, oldest first."""

    attempts: list[AttemptBody]


class TaskStatus(Body):
    """The little of a task that changes, for those who ask again and again."""

    task_id: str
    status: StatusName
    current_state: StateBody
    progress: int
    attempt: int
    pr_url: str | None
    pr_state: str | None
    error: ErrorBody | None
    completed_at: datetime | None


class MessageTaken(Body):
    """The message's id, by which the worker acknowledges it, and the task as it is now."""

    message_id: str
    task: TaskBody


class DeletedTasks(Body):
    """How many tasks are gone now; one whose worker still has to go is not among them."""

    deleted_count: int


def whole_task(task: Task, attempts: tuple[Attempt, ...], web_url: str, *, mine: bool) -> WholeTask:
    """A task with its attempts."""
    told = dict(task_body(task, web_url, mine=mine))
    return WholeTask(**told, attempts=[_attempt(one, task) for one in attempts])


def task_body(task: Task, web_url: str, *, mine: bool) -> TaskBody:
    """A task, as its owner and operators (`mine`) or somebody else sees it."""
    hook = task.webhook
    return TaskBody(
        task_id=task.id,
        name=task.name,
        status=task.status.value,
        current_state=_state(task.state),
        progress=task.progress,
        command=task.wish.command,
        prompt=task.wish.prompt,
        agent=task.wish.agent,
        model=task.wish.model,
        runner=task.wish.runner,
        repo_url=f"{web_url}/{task.where.repository}",
        repository=task.where.repository,
        issue_number=task.where.number,
        comment_url=task.origin.url or None,
        branch=task.branches.name,
        base_branch=task.branches.base,
        source=source_of(task),
        owner=_person(task.owner),
        requester=_person(task.requester),
        attempt=task.attempt,
        pr_url=task.pull.url if task.pull else None,
        pr_state=task.pull.state if task.pull else None,
        summary=task.summary,
        error=_error(task.error),
        usage=_usage(task.usage),
        time_limit=task.wish.time_limit,
        max_cost=task.wish.max_cost,
        webhook_url=hook.url if hook and mine else None,
        webhook_events=list(hook.events) if hook else [],
        worker_url=None,  # no runner of today has an address that one could look at
        metadata=dict(task.metadata),
        created_at=task.created_at,
        queued_at=task.queued_at,
        started_at=task.started_at,
        completed_at=task.completed_at,
        updated_at=task.updated_at,
    )


def task_status(task: Task) -> TaskStatus:
    """The little of a task that changes."""
    return TaskStatus(
        task_id=task.id,
        status=task.status.value,
        current_state=_state(task.state),
        progress=task.progress,
        attempt=task.attempt,
        pr_url=task.pull.url if task.pull else None,
        pr_state=task.pull.state if task.pull else None,
        error=_error(task.error),
        completed_at=task.completed_at,
    )


def source_of(task: Task) -> Source:
    """What asked for a task; the body of an issue is a comment like any other."""
    match task.origin.kind:
        case "label" | "review" | "api" | "web" as kind:
            return kind
        case _:
            return "comment"


def _attempt(attempt: Attempt, task: Task) -> AttemptBody:
    current = attempt.attempt == task.attempt and not task.ended
    return AttemptBody(
        attempt=attempt.attempt,
        requester=_person(attempt.requester),
        prompt=attempt.prompt,
        outcome=None if current else attempt.status,
        summary=attempt.summary,
        usage=_usage(attempt.usage),
        queued_at=attempt.queued_at,
        started_at=attempt.started_at,
        completed_at=attempt.completed_at,
    )


def _person(person: Person) -> PersonBody:
    return PersonBody(id=person.id, login=person.login)


def _state(state: CurrentState) -> StateBody:
    return StateBody(
        timestamp=state.timestamp, state=state.state, message=state.message, uri=state.uri
    )


def _usage(usage: Usage) -> UsageBody:
    return UsageBody(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=usage.cost_usd,
    )


def _error(error: TaskError | None) -> ErrorBody | None:
    if error is None:
        return None
    return ErrorBody(
        code=error.code.value,
        title=error.title,
        detail=error.detail,
        remedy=error.remedy,
        retryable=error.retryable,
    )
