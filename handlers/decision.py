"""What a decision sees, and what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from enum import StrEnum
from typing import Any, Literal, get_args

from handlers.budgets import Budget
from handlers.effects import Effect
from handlers.events import Event
from handlers.task import Task

Choice = Literal["agent", "runner", "image"]
"""What is chosen out of a list of the operator's."""
CHOICES: tuple[Choice, ...] = get_args(Choice)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator allows. Times are seconds, costs US dollars."""

    app_name: str
    agents: tuple[str, ...] = ("command",)
    runners: tuple[str, ...] = ("process",)
    images: tuple[str, ...] = ()
    time_limit: int = 1800
    max_cost: float | None = None
    max_running: int = 10
    max_running_per_repository: int = 3
    max_running_per_owner: int = 3
    max_queued_per_owner: int = 2000
    daily_cost_per_repository: float | None = None
    daily_cost_per_owner: float | None = None
    web_url: str = "https://github.com"
    pages_url: str = ""
    """Where people reach the pages of tasks; empty where those who read comments do not."""

    def offered(self, what: Choice) -> tuple[str, ...]:
        """What may be chosen; the first is used where nobody says anything."""
        return {"agent": self.agents, "runner": self.runners, "image": self.images}[what]

    @property
    def agent(self) -> str:
        """The agent that is used where nobody names one."""
        return self.agents[0]

    @property
    def runner(self) -> str:
        """The runner that is used where nobody names one."""
        return self.runners[0]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an installation or a person says about attempts; None where it says nothing.

    `time_limit` is in seconds, `max_cost` in US dollars, `concurrency` the number of attempts of
    one repository at a time.
    """

    agent: str | None = None
    model: str | None = None
    runner: str | None = None
    image: str | None = None
    time_limit: int | None = None
    max_cost: float | None = None
    concurrency: int | None = None

    @property
    def tag(self) -> str:
        """By which they are known to be the same as before: 32 hex digits."""
        return hashlib.sha256(json.dumps(astuple(self)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Kept:
    """The defaults that count for an attempt: of its installation, and of who asks for it."""

    installation: Defaults = field(default_factory=Defaults)
    person: Defaults = field(default_factory=Defaults)


@dataclass(frozen=True, slots=True)
class Load:
    """How many attempts hold a place, counted inside the deciding transaction."""

    total: int = 0
    repository: int = 0
    owner: int = 0
    branch_busy: bool = False
    """Whether another task is at work on the same branch."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many commands of people without the permission there are, counted up to their bounds."""

    person: int = 0
    """Those that this person wrote in this repository within a day, whatever became of them."""
    issue: int = 0
    """Those that wait for approval on this issue."""
    repository: int = 0
    """Those that wait for approval in this repository."""


@dataclass(frozen=True, slots=True)
class View:
    """What the database says, read inside the deciding transaction."""

    rules: Rules
    task: Task | None = None
    issue_tasks: tuple[Task, ...] = ()
    """The tasks of the same issue, newest first, without rejected ones."""
    named: Task | None = None
    """The task of the same repository that the command names."""
    name: str = ""
    """A short name that is free in the repository."""
    refused: frozenset[str] = frozenset()
    """The reasons for which this person was refused in this repository within the hour."""
    load: Load = field(default_factory=Load)
    kept: Kept = field(default_factory=Kept)
    """The defaults of the installation and of who asks, where there may be a new attempt."""
    waiting: Mapping[int, int] = field(default_factory=dict[int, int])
    """How many tasks wait of those who would have one more, by their owners' ids."""
    awaiting: tuple[Task, ...] = ()
    """What waits for approval on the issue of a command, oldest first."""
    crowd: Crowd = field(default_factory=Crowd)
    budgets: Mapping[int, tuple[Budget, ...]] = field(default_factory=dict[int, tuple[Budget, ...]])
    """What was spent today of what may be, by the ids of the owners whose attempt it would be."""
    by_apps: int = 0
    """How many commands of Apps were answered on the issue within a day, where an App asks."""
    places: Mapping[str, int] = field(default_factory=dict[str, int])
    """The places in the queue of those of the issue's tasks that wait, by task id; 1 is next."""


class Answer(StrEnum):
    """What a caller is told about the fact that it brought."""

    OK = "ok"
    STALE = "stale"
    """The token is of another attempt or launch."""
    CLAIMED = "claimed"
    """Another worker has the attempt."""
    ENDED = "ended"
    CONFLICT = "conflict"
    """Another outcome was reported first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a task's timeline."""

    type: str
    """`status`, `progress`, `info`, `success`, `warning`, `error`, `message` or `usage`."""
    message: str
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Brief:
    """What an attempt's worker is told, kept beside the task since it is large."""

    prompt: str | None
    """None: that of the attempt before."""
    context: str | None
    """None: that of the attempt before."""


@dataclass(frozen=True, slots=True)
class Declined:
    """Why what a program asked for was not done; `detail` is a sentence that says what to do."""

    kind: Literal["conflict", "invalid", "forbidden", "busy", "over_budget"]
    detail: str
    field: str | None = None
    """The field of the request that is wrong, where it is one."""
    reason: str | None = None
    """What a comment explains once an hour; None where it tells how things stand, each time."""
    wait: int | None = None
    """Seconds after which it may be asked for again, where that is known."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything that follows from one event; stored whole or not at all."""

    task: Task | None = None
    """The task to save; None where none changed."""
    effects: tuple[Effect, ...] = ()
    timeline: tuple[Entry, ...] = ()
    answer: Answer = Answer.OK
    brief: Brief | None = None
    refusal: str | None = None
    """The reason that was just explained to a person, to be silent about for an hour."""
    declined: Declined | None = None
    """Why nothing was done of what a program asked for."""
    then: Event | None = None
    """What follows at once, in the same transaction."""


NOTHING = Decision()
