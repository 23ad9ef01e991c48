"""Makers of tasks, events and circumstances: each test names only what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from textwrap import fill
from typing import Any

from handlers import decide
from handlers.circumstances import Circumstances, PullFacts
from handlers.commands import Command, Misuse, Role, parse
from handlers.decision import Decision, Rules, View
from handlers.effects import Effect
from handlers.events import CommandGiven, Event, WorkerCompleted
from handlers.repo_config import RepoConfig
from handlers.task import (
    Branches,
    Ending,
    PullRequest,
    Status,
    Task,
    Wish,
)
from handlers.values import (
    Clocks,
    CurrentState,
    ErrorCode,
    Origin,
    Person,
    TaskError,
    Where,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

APP = "bellhop-test"
RULES = Rules(APP)
ADA = Person(1, "ada")
"""The owner of tasks."""
BOB = Person(2, "bob")
HERE = Where(10, 100, "acme/door", 7, is_pull_request=False, title="The door squeaks")
ON_PULL = replace(HERE, number=8, is_pull_request=True)
PULL = PullFacts("oil", "a" * 40, same_repository=True, protected=False, base="main")
HEAD = "b" * 40

ID = "0197a000-0000-7000-8000-000000000001"
NAME = "brave-otter-4f2"


def id_of(number: int) -> str:
    """A task id; a higher number is a later one."""
    return f"0197a000-0000-7000-8000-{number:012x}"


def task_in(status: Status = Status.QUEUED, **changes: Any) -> Task:
    """A `/fix` on an issue as it is in a status, with the clocks that run there."""
    state = {
        Status.QUEUED: "waiting_for_slot",
        Status.STARTING: "starting",
        Status.RUNNING: "working",
    }.get(status, status.value)
    task = Task(
        id=ID,
        name=NAME,
        where=HERE,
        wish=Wish("fix", "Oil the door", "command", "process", 1800),
        origin=Origin("comment", 55, 0, "https://github.test/acme/door/issues/7#issuecomment-55"),
        owner=ADA,
        requester=ADA,
        branches=Branches("main", "main", f"bellhop/{NAME}"),
        status=status,
        state=CurrentState(NOON, state),
        created_at=NOON,
        queued_at=NOON,
        updated_at=NOON,
        version=1,
    )
    return replace(task, **{**_usual(status), **changes})


def _usual(status: Status) -> dict[str, Any]:
    match status:
        case Status.STARTING:
            return {"clocks": Clocks(first_call_by=NOON + 5 * MINUTE)}
        case Status.RUNNING:
            clocks = Clocks(
                heard_by=NOON + 2 * MINUTE, warn_at=NOON + 24 * MINUTE, deadline=NOON + 30 * MINUTE
            )
            return {"clocks": clocks, "instance": "first-one", "started_at": NOON}
        case Status.COMPLETED:
            return {
                "started_at": NOON,
                "completed_at": NOON,
                "progress": 100,
                "outcome": "{}",
                "pull": PullRequest(9, "https://github.test/acme/door/pull/9"),
                "branches": Branches("main", "main", f"bellhop/{NAME}", HEAD, pushed=True),
            }
        case Status.FAILED | Status.REJECTED:
            return {"completed_at": NOON, "error": TaskError(ErrorCode.WORKER_FAILED, "it broke")}
        case Status.CANCELLED:
            return {"completed_at": NOON}
        case _:
            return {}


def stopping(status: Status = Status.RUNNING, by: str = "bob", **changes: Any) -> Task:
    """A task with a stop stored, of which the worker is not gone yet."""
    return task_in(
        status,
        ending=Ending(Status.CANCELLED, by=by),
        state=CurrentState(NOON, "stopping", f"stopped by {by}"),
        clocks=Clocks(gone_by=NOON + 5 * MINUTE),
        **changes,
    )


def opening(**changes: Any) -> Task:
    """A task whose worker is done and whose pull request is being opened."""
    usual: dict[str, Any] = {
        "outcome": "{}",
        "clocks": Clocks(),
        "state": CurrentState(NOON, "opening_pull_request"),
        "branches": Branches("main", "main", f"bellhop/{NAME}", HEAD, pushed=True),
    }
    return task_in(Status.RUNNING, **{**usual, **changes})


def view(task: Task | None = None, **changes: Any) -> View:
    """What the database says of one task."""
    usual: dict[str, Any] = {"rules": RULES, "task": task, "name": NAME}
    return View(**{**usual, **changes})


def given(text: str, **changes: Any) -> CommandGiven:
    """The first command of a comment; `role`, `config`, `pull` and the like are circumstances."""
    (command, *_) = parse(text, APP)
    facts: dict[str, Any] = {"role": Role.WRITE, "config": RepoConfig(), "default_branch": "main"}
    fields = Circumstances.__dataclass_fields__
    found = Circumstances(**{**facts, **{k: v for k, v in changes.items() if k in fields}})
    rest = {k: v for k, v in changes.items() if k not in fields}
    return command_given(command, found, **rest)


def command_given(command: Command | Misuse, found: Circumstances, **changes: Any) -> CommandGiven:
    """A command with all that GitHub said about it."""
    usual: dict[str, Any] = {
        "task_id": ID,
        "command": command,
        "where": HERE,
        "sender": ADA,
        "origin": Origin("comment", 77, command.position, "https://github.test/c/77"),
        "written_at": NOON,
        "found": found,
    }
    return CommandGiven(**{**usual, **changes})


def completed(task: Task, **changes: Any) -> WorkerCompleted:
    """The completion callback of a task's current launch."""
    usual: dict[str, Any] = {
        "task_id": task.id,
        "attempt": task.attempt,
        "launch": task.launch,
        "status": "completed",
        "canonical": '{"status":"completed"}',
    }
    return WorkerCompleted(**{**usual, **changes})


def of_launch(task: Task) -> tuple[str, int, int]:
    """The first three fields of every fact about a task's current launch."""
    return (task.id, task.attempt, task.launch)


def after(task: Task | None, event: Event, now: datetime = NOON, **changes: Any) -> Decision:
    """What is decided about an event of a task."""
    return decide(view(task, **changes), event, now)


def now_task(decision: Decision) -> Task:
    """The task that a decision saves."""
    assert decision.task is not None
    return decision.task


def kinds(effects: tuple[Effect, ...]) -> list[str]:
    """The names of the effects, in their order."""
    return [type(effect).__name__ for effect in effects]


def folded(text: str) -> str:
    """A text in lines short enough to stand in a test."""
    return "\n".join(
        fill(line, 60, break_long_words=False, break_on_hyphens=False) for line in text.splitlines()
    )
