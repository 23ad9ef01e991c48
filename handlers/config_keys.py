"""What a key of `.github/bellhop.yml` is: how it is read, and how it is described."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from handlers.options import nearest
from handlers.strict_yaml import Entry, Scalar
from handlers.text import code


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """Something that is wrong in the file: `line` counts from 1, `key` is empty for the whole."""

    line: int
    key: str
    message: str


@dataclass(frozen=True, slots=True)
class Key:
    """How a key is read (None: it is not right), and how it is described to people and editors."""

    read: Callable[[Scalar], str | float | bool | None]
    right: str
    schema: Mapping[str, Any]


def read_key(
    entry: Entry, keys: Mapping[str, Key], at: str = ""
) -> tuple[str | float | bool | None, ConfigProblem | None]:
    """Read the value of an entry whose key is one of some, or tell why it is not right.

    `at` is where in the file they stand, such as `commands.deploy.`.
    """
    known, name = keys[entry.key], f"{at}{entry.key}"
    value = known.read(entry.value) if isinstance(entry.value, Scalar) else None
    if value is None:
        return None, ConfigProblem(entry.line, name, f"`{name}` must be {known.right}.")
    return value, None


def misplaced(
    entry: Entry, keys: Collection[str], seen: Collection[str], at: str = ""
) -> ConfigProblem | None:
    """What is wrong with an entry whatever its value is: there is no such key, or it is there."""
    name = f"{at}{entry.key}"
    if entry.key not in keys:
        return ConfigProblem(entry.line, name, _unknown(entry.key, keys))
    if entry.key in seen:
        message = f"`{name}` stands here for the second time; keep one of them."
        return ConfigProblem(entry.line, name, message)
    return None


def _unknown(key: str, known: Collection[str]) -> str:
    near = nearest(key, known)
    hint = f" Did you mean `{near}`?" if near else ""
    keys = ", ".join(f"`{one}`" for one in known)
    return f"There is no key {code(key)}.{hint} The keys are {keys}."
