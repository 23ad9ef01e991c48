"""Commands that a repository has of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from handlers.commands import COMMANDS, CommandKind
from handlers.config_keys import ConfigProblem, Key, misplaced, read_key
from handlers.roles import Role
from handlers.strict_yaml import Entry, Scalar
from handlers.text import code
from handlers.values import Result

MOST_COMMANDS: Final = 20
LONGEST_PROMPT: Final = 10_000
LONGEST_DESCRIPTION: Final = 200

NAME: Final = r"[a-z][a-z0-9-]{0,30}"
"""What a command may be called."""
_TAKEN: Final = frozenset({*COMMANDS, "bellhop"})
"""Names that mean something already; the last one calls the App."""
_ROLES: Final = ("triage", "write", "maintain", "admin")


@dataclass(frozen=True, slots=True)
class OwnCommand:
    """A command of a repository's own.

    `permission` is the least role that is enough. `time_limit` is in seconds, `max_cost` in US
    dollars; None where the rest of the file decides, as with the agent, the model and the image.
    """

    name: str
    description: str
    prompt: str
    permission: Role
    result: Result = "pull_request"
    agent: str | None = None
    model: str | None = None
    image: str | None = None
    time_limit: int | None = None
    max_cost: float | None = None

    @property
    def kind(self) -> CommandKind:
        """Its row in the table of commands."""
        return plain_kind(self.name, self.permission, self.result, self.description)

    def prompt_with(self, text: str) -> str:
        """What the agent is asked: the prompt, and what was written behind the command."""
        return f"{self.prompt}\n\n{text}" if text else self.prompt


def plain_kind(
    name: str, role: Role = Role.TRIAGE, result: Result = "answer", summary: str = ""
) -> CommandKind:
    """The row of a command of which no more is known: where the file cannot be read, its name."""
    return CommandKind(
        name=name,
        role=role,
        usage=f"/{name} [text]",
        summary=summary,
        takes_options=True,
        text="optional",
        result=result,
    )


def _text(value: Scalar, longest: int) -> str | None:
    text = value.text.strip() if value.kind == "str" else ""
    return text if 0 < len(text) <= longest and "\0" not in text else None


def _line(value: Scalar) -> str | None:
    text = _text(value, LONGEST_DESCRIPTION)
    return text if text and text.isprintable() else None


def _permission(value: Scalar) -> str | None:
    return value.text if value.text in _ROLES else None


def _result(value: Scalar) -> str | None:
    return value.text if value.text in {"pull_request", "answer"} else None


_OWN: Final[Mapping[str, Key]] = {
    "description": Key(
        _line,
        f"one line of at most {LONGEST_DESCRIPTION} characters that says what the command does",
        {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_DESCRIPTION,
            "description": "What the command does, for `/help`.",
        },
    ),
    "prompt": Key(
        lambda value: _text(value, LONGEST_PROMPT),
        f"a text of at most {LONGEST_PROMPT:,} characters: what the agent is asked",
        {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_PROMPT,
            "description": "What the agent is asked; what follows the command in the comment is "
            "put behind it.",
        },
    ),
    "permission": Key(
        _permission,
        "one of the roles `triage`, `write`, `maintain` and `admin`",
        {
            "enum": list(_ROLES),
            "description": "The least role that is enough; `write` if left out, `triage` for a "
            "command that answers.",
        },
    ),
    "result": Key(
        _result,
        "`pull_request` or `answer`",
        {
            "enum": ["pull_request", "answer"],
            "default": "pull_request",
            "description": "Whether it changes code as `/fix` does, or answers as `/ask` does.",
        },
    ),
}
_SHARED: Final = ("agent", "model", "image", "time_limit", "max_cost")
"""Keys of the whole file that a command can have, too."""

Problems = tuple[ConfigProblem, ...]


def commands_schema(keys: Mapping[str, Key]) -> dict[str, Any]:
    """The JSON Schema of `commands`."""
    properties = {name: dict(key.schema) for name, key in _keys(keys).items()}
    return {
        "type": "object",
        "maxProperties": MOST_COMMANDS,
        "propertyNames": {"pattern": f"^{NAME}$", "not": {"enum": sorted(_TAKEN)}},
        "additionalProperties": {
            "type": "object",
            "additionalProperties": False,
            "required": ["description", "prompt"],
            "properties": properties,
        },
        "description": "Commands of this repository's own, by their names.",
    }


def read_commands(
    entry: Entry, keys: Mapping[str, Key]
) -> tuple[Mapping[str, OwnCommand], Problems]:
    """Read `commands`, with all that is wrong in it; `keys` are those of the whole file."""
    if not isinstance(entry.value, tuple):
        message = "`commands` must be a list of names, each with its `description` and `prompt`."
        return {}, (ConfigProblem(entry.line, "commands", message),)
    found: dict[str, OwnCommand] = {}
    problems: list[ConfigProblem] = []
    for one in entry.value:
        at = f"commands.{one.key}"
        if message := _misnamed(one.key, found):
            problems.append(ConfigProblem(one.line, at, message))
            continue
        command, wrong = _read_command(one, at, _keys(keys))
        found[one.key] = command
        problems.extend(wrong)
    if len(found) > MOST_COMMANDS:
        message = f"There are more than {MOST_COMMANDS} commands; keep those that people use."
        problems.append(ConfigProblem(entry.line, "commands", message))
    return found, tuple(problems)


def _keys(shared: Mapping[str, Key]) -> Mapping[str, Key]:
    return {**_OWN, **{name: shared[name] for name in _SHARED}}


def _misnamed(name: str, found: Mapping[str, OwnCommand]) -> str:
    if name in _TAKEN:
        return f"`/{name}` is Bellhop's own and cannot be redefined; choose another name."
    if name in found:
        return f"The command `{name}` stands here for the second time; keep one of them."
    if re.fullmatch(NAME, name) is None:
        return (
            f"{code(name)} cannot be a command's name: at most 31 small letters, digits and "
            "hyphens, of which the first is a letter."
        )
    return ""


def _read_command(entry: Entry, at: str, keys: Mapping[str, Key]) -> tuple[OwnCommand, Problems]:
    values: dict[str, Any] = {}
    problems: list[ConfigProblem] = []
    for one in entry.value if isinstance(entry.value, tuple) else ():
        value, problem = None, misplaced(one, keys, values, f"{at}.")
        if problem is None:
            value, problem = read_key(one, keys, f"{at}.")
        if problem is not None:
            problems.append(problem)
        values.setdefault(one.key, value)
    problems += [
        ConfigProblem(entry.line, at, f"`{at}` needs a `{key}`: {keys[key].right}.")
        for key in ("description", "prompt")
        if key not in values
    ]
    return _made(entry.key, {key: values.get(key) for key in keys}), tuple(problems)


def _made(name: str, values: dict[str, Any]) -> OwnCommand:
    result = cast("Result", values.pop("result") or "pull_request")
    usual = "write" if result == "pull_request" else "triage"
    permission = Role[(values.pop("permission") or usual).upper()]
    return OwnCommand(name, permission=permission, result=result, **values)
