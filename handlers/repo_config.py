"""`.github/bellhop.yml`: what a repository asks of Bellhop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RepoConfig:
    """The defaults and limits of a repository; None where it says nothing.

    `time_limit` is in seconds, `max_cost` in US dollars, `concurrency` the number of tasks that
    may run at once. `context` names whose comments a worker is told.
    """

    agent: str | None = None
    model: str | None = None
    runner: str | None = None
    image: str | None = None
    time_limit: int | None = None
    max_cost: float | None = None
    concurrency: int | None = None
    context: Literal["writers", "everyone"] = "writers"
    request_review: bool = True


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """Something that is wrong in the file: `line` counts from 1, `key` is empty for the whole."""

    line: int
    key: str
    message: str
