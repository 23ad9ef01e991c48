"""Labels that ask for a command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from handlers.commands import COMMANDS
from handlers.config_keys import ConfigProblem
from handlers.options import nearest
from handlers.own_commands import NAME, OwnCommand, Problems
from handlers.strict_yaml import Entry, Scalar
from handlers.text import code

MOST_LABELS: Final = 50
LONGEST_LABEL: Final = 50
"""Characters of a label's name, GitHub's own limit."""


def label_key(label: str) -> str:
    """A label's name as GitHub tells labels apart: without regard to capital letters."""
    return label.casefold()


def labels_schema() -> dict[str, Any]:
    """The JSON Schema of `labels`."""
    return {
        "type": "object",
        "maxProperties": MOST_LABELS,
        "propertyNames": {"minLength": 1, "maxLength": LONGEST_LABEL},
        "additionalProperties": {"type": "string", "pattern": f"^{NAME}$"},
        "description": "Labels that ask for a command when somebody adds them to an issue.",
    }


def read_labels(entry: Entry, own: Mapping[str, OwnCommand]) -> tuple[Mapping[str, str], Problems]:
    """Read `labels` as names of commands by `label_key`, with all that is wrong in it."""
    if not isinstance(entry.value, tuple):
        message = "`labels` must be a list of `label: command`, for example `bellhop: fix`."
        return {}, (ConfigProblem(entry.line, "labels", message),)
    found: dict[str, str] = {}
    problems: list[ConfigProblem] = []
    for one in entry.value:
        label, name = label_key(one.key), one.value.text if isinstance(one.value, Scalar) else ""
        if message := _misused(one.key, name, found, own):
            problems.append(ConfigProblem(one.line, f"labels.{one.key}", message))
        found[label] = name
    if len(found) > MOST_LABELS:
        message = f"There are more than {MOST_LABELS} labels; keep those that people use."
        problems.append(ConfigProblem(entry.line, "labels", message))
    return found, tuple(problems)


def _misused(label: str, name: str, found: Mapping[str, str], own: Mapping[str, OwnCommand]) -> str:
    """Why a label cannot ask for a command; empty where it can."""
    if not 0 < len(label) <= LONGEST_LABEL:
        return f"A label's name has 1 to {LONGEST_LABEL} characters."
    if label_key(label) in found:
        return f"The label {code(label)} stands here for the second time; keep one of them."
    if name == "fix" or name in own:
        return ""
    if name in COMMANDS:
        return (
            f"`/{name}` needs more than a label says: a label can ask for `fix`, or for one of "
            "`commands`."
        )
    near = nearest(name, ["fix", *own]) if name else None
    hint = f" Did you mean `{near}`?" if near else ""
    return f"A label can ask for `fix`, or for one of `commands`; {code(name)} is neither.{hint}"
