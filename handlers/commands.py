"""The commands people give in comments: which there are, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from handlers.options import Options, options_of_model

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "COMMANDS",
    "Command",
    "CommandKind",
    "Misuse",
    "Options",
    "Role",
    "options_of_model",
    "role_of",
]


class Role(IntEnum):
    """What somebody may do in a repository, in GitHub's order."""

    NONE = 0
    READ = 1
    TRIAGE = 2
    WRITE = 3
    MAINTAIN = 4
    ADMIN = 5


# The booleans of a user in a repository, the mightiest first.
_PERMISSIONS: Final = (
    ("admin", Role.ADMIN),
    ("maintain", Role.MAINTAIN),
    ("push", Role.WRITE),
    ("triage", Role.TRIAGE),
    ("pull", Role.READ),
)


def role_of(role_name: str, permissions: Mapping[str, bool]) -> Role:
    """Return the role that GitHub's permission answer speaks of.

    Args:
        role_name: The answer's `role_name`; an organisation can have names of its own.
        permissions: The answer's `user.permissions`, which decide for such names.
    """
    known = Role.__members__.get(role_name.upper())
    if known is not None:
        return known
    return next((role for key, role in _PERMISSIONS if permissions.get(key)), Role.NONE)


@dataclass(frozen=True, slots=True)
class CommandKind:
    """One row of the table of commands.

    `role` is the least role that can be enough. `text` is what may follow the name: nothing that
    counts, a text, a text that must be there, or the name or id of a task.
    """

    name: str
    role: Role
    usage: str
    summary: str
    takes_options: bool
    text: Literal["none", "optional", "required", "task"]
    makes_task: bool


_KINDS: Final = (
    CommandKind(
        name="fix",
        role=Role.WRITE,
        usage="/fix [instructions]",
        summary="change code to resolve the issue and open a pull request; "
        "on a pull request, push to its branch",
        takes_options=True,
        text="optional",
        makes_task=True,
    ),
    CommandKind(
        name="ask",
        role=Role.TRIAGE,
        usage="/ask question",
        summary="answer with a comment; nothing is pushed",
        takes_options=True,
        text="required",
        makes_task=True,
    ),
    CommandKind(
        name="stop",
        role=Role.WRITE,
        usage="/stop [task]",
        summary="cancel a task: the newest one, or the one you name",
        takes_options=False,
        text="task",
        makes_task=False,
    ),
    CommandKind(
        name="retry",
        role=Role.TRIAGE,
        usage="/retry [task]",
        summary="try again what failed, was cancelled or is completed",
        takes_options=False,
        text="task",
        makes_task=False,
    ),
    CommandKind(
        name="status",
        role=Role.TRIAGE,
        usage="/status",
        summary="list the tasks of this issue with their state and links",
        takes_options=False,
        text="none",
        makes_task=False,
    ),
    CommandKind(
        name="help",
        role=Role.READ,
        usage="/help",
        summary="list the commands you may use here",
        takes_options=False,
        text="none",
        makes_task=False,
    ),
)

COMMANDS: Final[Mapping[str, CommandKind]] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""The commands by name, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it was given.

    `text` is Markdown. `task` is the name or id of a task in lower case, for `stop` and `retry`.
    `position` is the line's number in the text, from 0. `addressed` tells that the app was named.
    """

    name: str
    text: str
    options: Options
    task: str | None
    position: int
    addressed: bool


@dataclass(frozen=True, slots=True)
class Misuse:
    """Something that was meant as a command and is none.

    `name` is what was typed, `reply` Markdown that says what is right. For the rest see `Command`.
    """

    position: int
    name: str
    addressed: bool
    reply: str
