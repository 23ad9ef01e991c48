"""`.github/bellhop.yml`: what a repository asks of Bellhop."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from handlers.app_list import AppList, app_list_schema, read_app_list
from handlers.commands import COMMANDS
from handlers.config_keys import ConfigProblem
from handlers.options import (
    MAX_CONCURRENCY,
    is_model,
    is_name,
    is_time_limit,
    nearest,
    parse_cost,
    parse_duration,
)
from handlers.strict_yaml import Entry, Scalar, Unreadable, read_entries
from handlers.text import code

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ConfigProblem", "RepoConfig", "is_image", "json_schema", "parse_config"]

MOST_PROBLEMS = 20
"""How many mistakes of a file are told at once; nobody mends more before looking again."""


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
    allow_apps: AppList = field(default_factory=dict[str, frozenset[str]])


@dataclass(frozen=True, slots=True)
class _Key:
    """How a key is read (None: it is not right), and how it is described to people and editors."""

    read: Callable[[Scalar], str | float | bool | None]
    right: str
    schema: Mapping[str, Any]


def _text_where(right: Callable[[str], bool]) -> Callable[[Scalar], str | None]:
    def read(value: Scalar) -> str | None:
        return value.text if value.kind == "str" and right(value.text) else None

    return read


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
_KEYS: Final[Mapping[str, _Key]] = {
    "agent": _Key(
        _text_where(is_name),
        "the name of an agent, for example `codex`",
        {"type": "string", "description": "The coding agent, one of those the operator allows."},
    ),
    "model": _Key(
        _text_where(is_model),
        "a text, `name` or `provider/name` (a number needs quotes)",
        {"type": "string", "description": "The model: `name` or `provider/name`."},
    ),
    "runner": _Key(
        _text_where(is_name),
        "the name of a runner, for example `process`",
        {"type": "string", "description": "Where workers run, one of those the operator allows."},
    ),
    "image": _Key(
        _text_where(is_image),
        "the name of an image, for example `ghcr.io/acme/worker:1`",
        {
            "type": "string",
            "pattern": f"^{_IMAGE}$",
            "description": "The worker's container image, one of those the operator allows.",
        },
    ),
    "time_limit": _Key(
        _time_limit,
        "a time from `60s` to `1d` with its unit (s, m, h, d), for example `20m`",
        {
            "type": "string",
            "pattern": "^([0-9]{1,6}[smhdSMHD])+$",
            "description": "The longest a task may take, `60s` to `1d`: `90s`, `20m`, `1h30m`.",
        },
    ),
    "max_cost": _Key(
        _max_cost,
        "a number of US dollars above 0, for example `5` or `0.50`",
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "description": "The most a task may cost, in US dollars.",
        },
    ),
    "concurrency": _Key(
        _concurrency,
        f"a whole number from 1 to {MAX_CONCURRENCY}",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_CONCURRENCY,
            "description": "How many tasks of this repository may run at once.",
        },
    ),
    "context": _Key(
        _text_where({"writers", "everyone"}.__contains__),
        "`writers` or `everyone`",
        {
            "enum": ["writers", "everyone"],
            "default": "writers",
            "description": "Whose comments a worker is told: those of people with write access, "
            "or everyone's.",
        },
    ),
    "request_review": _Key(
        _request_review,
        "`true` or `false`",
        {
            "type": "boolean",
            "default": True,
            "description": "Whether who asked is also asked to review the pull request.",
        },
    ),
}


_ALL: Final[Mapping[str, _Key]] = {
    **_KEYS,
    "allow_apps": _Key(lambda _: None, "a list of `app: [command]`", app_list_schema()),
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the file, for editors that complete and check it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Bellhop's settings of a repository, .github/bellhop.yml",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {name: dict(key.schema) for name, key in _ALL.items()},
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
    for entry in entries:
        known = _ALL.get(entry.key)
        value, wrong = _read(entry)
        if known is None:
            message = _unknown(entry.key)
        elif entry.key in values:
            message = f"`{entry.key}` stands here for the second time; keep one of them."
        else:
            message = f"`{entry.key}` must be {known.right}." if value is None else ""
        values.setdefault(entry.key, value)
        problems.extend((ConfigProblem(entry.line, entry.key, message),) if message else wrong)
    return tuple(problems[:MOST_PROBLEMS]) or RepoConfig(**values)


def _read(entry: Entry) -> tuple[Any, tuple[ConfigProblem, ...]]:
    """The value of an entry, and what is wrong inside of it."""
    if entry.key == "allow_apps":
        return read_app_list(entry, COMMANDS)
    known = _KEYS.get(entry.key)
    return known.read(entry.value) if known and isinstance(entry.value, Scalar) else None, ()


def _unknown(key: str) -> str:
    near = nearest(key, _ALL)
    hint = f" Did you mean `{near}`?" if near else ""
    known = ", ".join(f"`{known}`" for known in _ALL)
    return f"There is no key {code(key)}.{hint} The keys are {known}."
