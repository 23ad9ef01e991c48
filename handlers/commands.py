"""The commands people give in comments: which there are, and how they are read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from handlers.inert import with_newlines
from handlers.options import BadOption, Options, nearest, options_of_model, split_options
from handlers.parsing import ordinary_lines
from handlers.roles import Role, role_of
from handlers.text import code
from handlers.values import Result

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = [
    "COMMANDS",
    "Command",
    "CommandKind",
    "Misuse",
    "Options",
    "Role",
    "candidates",
    "options_of_model",
    "parse",
    "role_of",
]


@dataclass(frozen=True, slots=True)
class CommandKind:
    """One row of the table of commands.

    `role` is the least role that can be enough. `text` is what may follow the name: nothing that
    counts, a text, a text that must be there, the name or id of a task, or the hash of what waits.
    `result` is what comes of the task that it makes; None where it makes none.
    """

    name: str
    role: Role
    usage: str
    summary: str
    takes_options: bool
    text: Literal["none", "optional", "required", "task", "hash"]
    result: Result | None

    @property
    def makes_task(self) -> bool:
        """Whether it asks for work."""
        return self.result is not None


_KINDS: Final = (
    CommandKind(
        name="fix",
        role=Role.WRITE,
        usage="/fix [instructions]",
        summary="change code to resolve the issue and open a pull request; "
        "on a pull request, push to its branch",
        takes_options=True,
        text="optional",
        result="pull_request",
    ),
    CommandKind(
        name="ask",
        role=Role.TRIAGE,
        usage="/ask question",
        summary="answer with a comment; nothing is pushed",
        takes_options=True,
        text="required",
        result="answer",
    ),
    CommandKind(
        name="tell",
        role=Role.WRITE,
        usage="/tell message",
        summary="say something more: to the worker of the newest task, "
        "or, once that has ended, as a new attempt on the same branch",
        takes_options=False,
        text="required",
        result=None,
    ),
    CommandKind(
        name="stop",
        role=Role.WRITE,
        usage="/stop [task]",
        summary="cancel a task: the newest one, or the one you name",
        takes_options=False,
        text="task",
        result=None,
    ),
    CommandKind(
        name="retry",
        role=Role.TRIAGE,
        usage="/retry [task]",
        summary="try again what failed, was cancelled or is completed",
        takes_options=False,
        text="task",
        result=None,
    ),
    CommandKind(
        name="status",
        role=Role.TRIAGE,
        usage="/status",
        summary="list the tasks of this issue with their state and links",
        takes_options=False,
        text="none",
        result=None,
    ),
    CommandKind(
        name="approve",
        role=Role.WRITE,
        usage="/approve HASH",
        summary="let a command run that waits for approval",
        takes_options=False,
        text="hash",
        result=None,
    ),
    CommandKind(
        name="help",
        role=Role.READ,
        usage="/help",
        summary="list the commands you may use here",
        takes_options=False,
        text="none",
        result=None,
    ),
)

COMMANDS: Final[Mapping[str, CommandKind]] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""The commands by name, in the order in which they are shown."""

NONE: Final[Mapping[str, CommandKind]] = MappingProxyType({})
"""No commands of a repository's own."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it was given.

    `text` is Markdown. `task` is the name or id of a task in lower case, for `stop` and `retry`;
    for `approve` it is the hash. `position` is the line's number in the text, from 0. `addressed`
    tells that the app was named. `source` is all that was written, the name and options with it.
    """

    name: str
    text: str
    options: Options
    task: str | None
    position: int
    addressed: bool
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Misuse:
    """Something that was meant as a command and is none.

    `name` is the command's, or what was typed where no command has that name; `reply` is Markdown
    that says what is right. For the rest see `Command`.
    """

    position: int
    name: str
    addressed: bool
    reply: str


@dataclass(frozen=True, slots=True)
class _Call:
    """A line that calls Bellhop: `word` is what follows as a name, `rest` all after it.

    `source` is the whole of it.
    """

    position: int
    word: str
    rest: str
    addressed: bool
    source: str


_TASK: Final = re.compile(
    r"[a-z]+-[a-z]+-[0-9a-f]{3}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)
_HASH: Final = re.compile(r"[0-9a-f]{10}", re.IGNORECASE)
_NEAR: Final = 200
"""Characters behind an address in which the command's name is looked for."""
_NO_OPTIONS: Final = Options()


@lru_cache(maxsize=8)
def _calls(app_name: str) -> re.Pattern[str]:
    """Return the pattern of a line that may be a command.

    Up to three spaces may stand before it, as before any Markdown paragraph; more make it code.
    """
    address = rf"/bellhop|@{re.escape(app_name)}(?:\[bot\])?" if app_name else "/bellhop"
    return re.compile(
        rf"^ {{0,3}}(?:(?ai:{address})[:,]?|/(?P<bare>[A-Za-z][A-Za-z0-9-]{{0,30}}))(?=\s|$)",
        re.MULTILINE,
    )


def candidates(text: str, app_name: str, own: Collection[str] = ()) -> tuple[int, ...]:
    """Return the lines that may be commands: all that `parse` finds, and perhaps more.

    It is quick, since it runs on every comment before GitHub is answered: it knows no Markdown.

    Args:
        text: A comment or an issue's body.
        app_name: The app's name on GitHub, without `@`; may be empty.
        own: Names that repositories have given to commands of their own.

    Returns:
        Line numbers from 0, ascending, as in `Command.position`.
    """
    return tuple(position for position, _ in _matches(with_newlines(text), app_name, own))


def may_name_own(text: str, app_name: str, own: Collection[str]) -> bool:
    """Whether to know a text's commands the repository's own must be known; see `candidates`."""
    text = with_newlines(text)
    found = _matches(text, app_name, own)
    calls = (_call(0, match, text[match.start() : match.end() + _NEAR]) for _, match in found)
    return any(_name(call) not in COMMANDS for call in calls)


def parse(
    text: str, app_name: str, own: Mapping[str, CommandKind] = NONE
) -> tuple[Command | Misuse, ...]:
    """Read all commands of a text, in their order.

    A command is the first thing on a line of ordinary Markdown text: `/fix`, `/bellhop fix` or
    `@app-name fix`. Unknown names count only in the last two forms, since other bots have
    commands of their own. A command's text runs to the next command or to the end.

    Args:
        text: A comment or an issue's body.
        app_name: The app's name on GitHub, without `@`; may be empty.
        own: The repository's own commands by name.
    """
    text = with_newlines(text)
    matches = list(_matches(text, app_name, own))
    ordinary = ordinary_lines(text) if matches else frozenset[int]()
    matches = [(position, match) for position, match in matches if position in ordinary]
    ends = [*(match.start() for _, match in matches), len(text)][1:]
    return tuple(
        _read(_call(position, match, text[match.start() : end]), own)
        for (position, match), end in zip(matches, ends, strict=True)
    )


def _matches(text: str, app_name: str, own: Collection[str]) -> Iterator[tuple[int, re.Match[str]]]:
    position = counted = 0
    for match in _calls(app_name).finditer(text):
        bare = match["bare"]
        if bare is not None and (name := bare.lower()) not in COMMANDS and name not in own:
            continue
        position += text.count("\n", counted, match.start())
        counted = match.start()
        yield position, match


def _call(position: int, match: re.Match[str], source: str) -> _Call:
    rest = source[len(match[0]) :]
    if match["bare"]:
        return _Call(position, match["bare"], rest, addressed=False, source=source.strip())
    line, newline, more = rest.partition("\n")
    words = line.split(None, 1)
    word, text = (*words, "", "")[:2]
    rest = text + newline + more
    return _Call(position, word, rest, addressed=True, source=source.strip())


def _name(call: _Call) -> str:
    # Whoever names the app may write as to a person: `@bellhop, /fix: …`.
    name = call.word.strip("/:,.!?").lower() if call.addressed else call.word.lower()
    return name or "help"


def _read(call: _Call, own: Mapping[str, CommandKind]) -> Command | Misuse:
    name = _name(call)
    kind = COMMANDS.get(name) or own.get(name)
    if kind is None:
        return _misuse(call, _unknown(call.word, name, (*COMMANDS, *own)))
    if kind.text == "none":
        return _command(call, kind)
    if kind.text == "task":
        return _with_task(call, kind)
    if kind.text == "hash":
        return _with_hash(call, kind)
    return _with_text(call, kind)


def _with_task(call: _Call, kind: CommandKind) -> Command | Misuse:
    task = call.rest.strip().strip("`")
    if task and not _TASK.fullmatch(task):
        return _misuse(
            call,
            f"`/{kind.name}` takes the name or the id of a task, for example "
            f"`/{kind.name} brave-otter-4f2`, and nothing else. Without one it means the newest.",
            kind.name,
        )
    return _command(call, kind, task=task.lower() or None)


def _with_hash(call: _Call, kind: CommandKind) -> Command | Misuse:
    given = call.rest.strip().strip("`")
    if not _HASH.fullmatch(given):
        return _misuse(
            call,
            f"`/{kind.name}` takes the hash of a command that waits here, and nothing else: "
            f"`{kind.usage}`, as the reply to that command has it. `/status` lists what waits.",
            kind.name,
        )
    return _command(call, kind, task=given.lower())


def _with_text(call: _Call, kind: CommandKind) -> Command | Misuse:
    line, newline, more = call.rest.partition("\n")
    # A message goes to somebody as it was written: two hyphens begin no option in it.
    split = split_options(line) if kind.takes_options else (_NO_OPTIONS, line.strip())
    if isinstance(split, BadOption):
        return _misuse(call, split.reply, kind.name)
    options, text = split
    text = _trimmed(text + newline + more)
    if kind.text == "required" and not text:
        return _misuse(call, f"`/{kind.name}` needs a text: `{kind.usage}`.", kind.name)
    return _command(call, kind, text=text, options=options)


def _trimmed(text: str) -> str:
    """Return the text without blank lines around it; what indents a first block of code stays."""
    return re.sub(r"\A(?:[^\S\n]*\n)+", "", text).rstrip()


def _command(
    call: _Call,
    kind: CommandKind,
    *,
    text: str = "",
    options: Options = _NO_OPTIONS,
    task: str | None = None,
) -> Command:
    return Command(kind.name, text, options, task, call.position, call.addressed, call.source)


def _misuse(call: _Call, reply: str, name: str | None = None) -> Misuse:
    return Misuse(call.position, name or call.word, call.addressed, reply)


def _unknown(word: str, name: str, kinds: Collection[str]) -> str:
    near = nearest(name, kinds)
    hint = f" Did you mean `/{near}`?" if near else ""
    known = ", ".join(f"`/{known}`" for known in kinds)
    return (
        f"I know no command {code(word)}.{hint} The commands are {known}; "
        "`/bellhop help` says what they do."
    )
