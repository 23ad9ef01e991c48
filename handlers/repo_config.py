"""`.github/bellhop.yml`: what a repository asks of Bellhop."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from handlers.app_list import AppList, app_list_schema, read_app_list
from handlers.commands import COMMANDS, CommandKind
from handlers.config_keys import ConfigProblem, Key, misplaced, read_key
from handlers.label_commands import labels_schema, read_labels
from handlers.options import (
    MAX_CONCURRENCY,
    is_model,
    is_name,
    is_time_limit,
    parse_cost,
    parse_duration,
)
from handlers.own_commands import (
    OwnCommand,
    Problems,
    commands_schema,
    read_commands,
)
from handlers.strict_yaml import Entry, Scalar, Unreadable, read_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ConfigProblem", "RepoConfig", "is_image", "json_schema", "parse_config"]

Number = TypeVar("Number", int, float)

MOST_PROBLEMS = 20
"""How many mistakes of a file are told at once; nobody mends more before looking again."""


@dataclass(frozen=True, slots=True)
class RepoConfig:
    """The defaults and limits of a repository; None where it says nothing.

    `time_limit` is in seconds, `max_cost` in US dollars, `concurrency` the number of tasks that
    may run at once. `outsiders` says what becomes of commands by people without the permission,
    `context` whose comments a worker is told, `ci` whether commits ask for no workflows where
    text by people without write access reached the prompt.
    """

    agent: str | None = None
    model: str | None = None
    runner: str | None = None
    image: str | None = None
    time_limit: int | None = None
    max_cost: float | None = None
    concurrency: int | None = None
    outsiders: Literal["refuse", "approve"] = "refuse"
    context: Literal["writers", "everyone"] = "writers"
    ci: Literal["run", "skip"] = "skip"
    request_review: bool = True
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names of commands by the labels that ask for them, see `label_key`."""
    commands: Mapping[str, OwnCommand] = field(default_factory=dict[str, OwnCommand])
    allow_apps: AppList = field(default_factory=dict[str, frozenset[str]])

    def kind_of(self, name: str) -> CommandKind | None:
        """The row of a command of everybody's or of this repository's own."""
        own = self.commands.get(name)
        return own.kind if own else COMMANDS.get(name)

    def of_command(self, name: str) -> RepoConfig:
        """What holds for one command: what it says itself, within the limits of all."""
        own = self.commands.get(name)
        if own is None:
            return self
        return replace(
            self,
            agent=own.agent or self.agent,
            model=own.model or self.model,
            image=own.image or self.image,
            time_limit=_least(own.time_limit, self.time_limit),
            max_cost=_least(own.max_cost, self.max_cost),
        )


def _text_where(right: Callable[[str], bool]) -> Callable[[Scalar], str | None]:
    def read(value: Scalar) -> str | None:
        return value.text if value.kind == "str" and right(value.text) else None

    return read


def _least(one: Number | None, other: Number | None) -> Number | None:
    return min((value for value in (one, other) if value is not None), default=None)


def is_image(text: str) -> bool:
    """Tell whether this could be the name of a container image."""
    return re.fullmatch(_IMAGE, text, re.ASCII) is not None


def _time_limit(value: Scalar) -> int | None:
    seconds = parse_duration(value.text)
    return seconds if seconds is not None and is_time_limit(seconds) else None


def _max_cost(value: Scalar) -> float | None:
    return parse_cost(value.text) if value.kind in {"int", "float"} else None


def _concurrency(value: Scalar) -> int | None:
    if value.kind != "int" or not re.fullmatch(r"[1-9][0-9]{0,2}", value.text):
        return None
    return int(value.text) if int(value.text) <= MAX_CONCURRENCY else None


def _request_review(value: Scalar) -> bool | None:
    return {"true": True, "false": False}.get(value.text.lower()) if value.kind == "bool" else None


_IMAGE: Final = r"[a-z0-9][A-Za-z0-9._:/@-]{0,254}"
_KEYS: Final[Mapping[str, Key]] = {
    "agent": Key(
        _text_where(is_name),
        "the name of an agent, for example `codex`",
        {"type": "string", "description": "The coding agent, one of those the operator allows."},
    ),
    "model": Key(
        _text_where(is_model),
        "a text, `name` or `provider/name` (a number needs quotes)",
        {"type": "string", "description": "The model: `name` or `provider/name`."},
    ),
    "runner": Key(
        _text_where(is_name),
        "the name of a runner, for example `process`",
        {"type": "string", "description": "Where workers run, one of those the operator allows."},
    ),
    "image": Key(
        _text_where(is_image),
        "the name of an image, for example `ghcr.io/acme/worker:1`",
        {
            "type": "string",
            "pattern": f"^{_IMAGE}$",
            "description": "The worker's container image, one of those the operator allows.",
        },
    ),
    "time_limit": Key(
        _time_limit,
        "a time from `60s` to `1d` with its unit (s, m, h, d), for example `20m`",
        {
            "type": "string",
            "pattern": "^([0-9]{1,6}[smhdSMHD])+$",
            "description": "The longest a task may take, `60s` to `1d`: `90s`, `20m`, `1h30m`.",
        },
    ),
    "max_cost": Key(
        _max_cost,
        "a number of US dollars above 0, for example `5` or `0.50`",
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "description": "The most a task may cost, in US dollars.",
        },
    ),
    "concurrency": Key(
        _concurrency,
        f"a whole number from 1 to {MAX_CONCURRENCY}",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_CONCURRENCY,
            "description": "How many tasks of this repository may run at once.",
        },
    ),
    "outsiders": Key(
        _text_where({"refuse", "approve"}.__contains__),
        "`refuse` or `approve`",
        {
            "enum": ["refuse", "approve"],
            "default": "refuse",
            "description": "What becomes of commands by people without the permission: they are "
            "refused, or wait until somebody with write access approves them.",
        },
    ),
    "context": Key(
        _text_where({"writers", "everyone"}.__contains__),
        "`writers` or `everyone`",
        {
            "enum": ["writers", "everyone"],
            "default": "writers",
            "description": "Whose comments a worker is told: those of people with write access, "
            "or everyone's.",
        },
    ),
    "ci": Key(
        _text_where({"run", "skip"}.__contains__),
        "`run` or `skip`",
        {
            "enum": ["run", "skip"],
            "default": "skip",
            "description": "Where the agent was shown text by people without write access: "
            "whether workflows run for its commits, or the commits ask to skip them.",
        },
    ),
    "request_review": Key(
        _request_review,
        "`true` or `false`",
        {
            "type": "boolean",
            "default": True,
            "description": "Whether who asked is also asked to review the pull request.",
        },
    ),
}
_SCHEMAS: Final[Mapping[str, Mapping[str, Any]]] = {
    **{name: key.schema for name, key in _KEYS.items()},
    "labels": labels_schema(),
    "commands": commands_schema(_KEYS),
    "allow_apps": app_list_schema(),
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the file, for editors that complete and check it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Bellhop's settings of a repository, .github/bellhop.yml",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {name: dict(schema) for name, schema in _SCHEMAS.items()},
    }


def parse_config(text: str) -> RepoConfig | tuple[ConfigProblem, ...]:
    """Read the file's text, whatever it is.

    Returns:
        The configuration, the defaults for an empty file; or all that is wrong, by line.
    """
    entries = read_entries(text)
    if isinstance(entries, Unreadable):
        return (ConfigProblem(entries.line, "", entries.message),)
    values: dict[str, Any] = {}
    problems: list[ConfigProblem] = []
    # What labels and Apps may ask for can be said below them.
    for entry in sorted(entries, key=lambda one: one.key in {"labels", "allow_apps"}):
        value, wrong = _read(entry, values)
        values.setdefault(entry.key, value)
        problems.extend(wrong)
    problems.sort(key=lambda one: one.line)
    return tuple(problems[:MOST_PROBLEMS]) or RepoConfig(**values)


def _read(entry: Entry, before: Mapping[str, Any]) -> tuple[Any, Problems]:
    """The value of an entry, and what is wrong with it; `before` are those above it."""
    if problem := misplaced(entry, _SCHEMAS, before):
        return None, (problem,)
    if entry.key == "commands":
        return read_commands(entry, _KEYS)
    if entry.key == "labels":
        return read_labels(entry, before.get("commands") or {})
    if entry.key == "allow_apps":
        return read_app_list(entry, {**COMMANDS, **(before.get("commands") or {})})
    value, problem = read_key(entry, _KEYS)
    return value, (problem,) if problem else ()
