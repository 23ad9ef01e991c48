"""The options of a command (`--agent codex --time 20m`): what they may look like."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.text import code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MIN_TIME_LIMIT = 60
"""Seconds."""
MAX_TIME_LIMIT = 86_400
"""Seconds: one day."""
MAX_CONCURRENCY = 100
"""Attempts of one repository at a time that anybody may set."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}")
# What `git check-ref-format` refuses in a branch's name.
_NOT_A_BRANCH = re.compile(
    r"[\s\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|(?:^|/)\.|(?:\.lock|\.)(?:/|$)|^[-/]|/$|^@$"
)
# Telephones turn two hyphens into one long dash.
_DASHES = re.compile(r"(?:--|[\u2013\u2014])(?=\S)")
_END = re.compile(r"--(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Options:
    """What a command asks for beyond the defaults; None where it says nothing.

    `time_limit` is in seconds, `max_cost` in US dollars. `model` is kept whole:
    `options_of_model` takes it apart.
    """

    agent: str | None = None
    model: str | None = None
    base: str | None = None
    time_limit: int | None = None
    max_cost: float | None = None


@dataclass(frozen=True, slots=True)
class BadOption:
    """An option that cannot be used; `reply` is Markdown and says what is right."""

    reply: str


def options_of_model(model: str) -> tuple[str | None, str]:
    """Return the provider, if one is named, and the provider's own name of the model.

    `openai/gpt-5/high` is the model `gpt-5/high` of `openai`.
    """
    provider, slash, name = model.partition("/")
    return (provider, name) if slash else (None, model)


def parse_duration(text: str) -> int | None:
    """Return the seconds of `90s`, `20m`, `1h30m` or `1d`, None if it is none.

    A bare number is none: one would take it for minutes, another for seconds.
    """
    if not re.fullmatch(r"(?:[0-9]{1,6}[smhd])+", text, re.IGNORECASE):
        return None
    parts = re.findall(r"([0-9]+)([smhd])", text.lower())
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)


def parse_cost(text: str) -> float | None:
    """Return the US dollars of `5`, `0.50` or `$5`, None unless finite and above 0."""
    if not re.fullmatch(r"\$?[0-9]+(?:\.[0-9]+)?", text):
        return None
    cost = float(text.removeprefix("$"))
    return cost if math.isfinite(cost) and cost > 0 else None


def is_time_limit(seconds: int) -> bool:
    """Tell whether a task may be given this many seconds."""
    return MIN_TIME_LIMIT <= seconds <= MAX_TIME_LIMIT


def is_name(text: str) -> bool:
    """Tell whether this could be the name of an agent or of a runner."""
    return _NAME.fullmatch(text) is not None


def is_model(text: str) -> bool:
    """Tell whether this could be a model: `name` or `provider/name`.

    A name that begins with a hyphen would be an option of the agent's.
    """
    provider, name = options_of_model(text)
    named = provider != "" and name != "" and not name.startswith("-")
    return named and _MODEL.fullmatch(text) is not None


def is_branch(text: str) -> bool:
    """Tell whether git takes this as the name of a branch.

    Source: https://git-scm.com/docs/git-check-ref-format
    """
    return 0 < len(text) <= 200 and _NOT_A_BRANCH.search(text) is None  # noqa: PLR2004  git's files


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, None if none is near."""
    found = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def _name(text: str) -> str | None:
    return text if is_name(text) else None


def _model(text: str) -> str | None:
    return text if is_model(text) else None


def _branch(text: str) -> str | None:
    return text if is_branch(text) else None


def _time(text: str) -> int | None:
    seconds = parse_duration(text)
    return seconds if seconds is not None and is_time_limit(seconds) else None


@dataclass(frozen=True, slots=True)
class _Rule:
    field: str
    read: Callable[[str], str | int | float | None]
    right: str


_RULES = {
    "agent": _Rule("agent", _name, "the name of an agent, for example `--agent codex`"),
    "model": _Rule(
        "model", _model, "`name` or `provider/name`, for example `--model openai/gpt-5`"
    ),
    "base": _Rule("base", _branch, "the name of a branch, for example `--base release-2`"),
    "time": _Rule(
        "time_limit",
        _time,
        "from `60s` to `1d` with the unit (s, m, h, d), for example `--time 20m`",
    ),
    "max-cost": _Rule("max_cost", parse_cost, "US dollars above 0, for example `--max-cost 5`"),
}


def split_options(line: str) -> tuple[Options, str] | BadOption:
    """Take the options off the start of a command's first line.

    Args:
        line: What follows the command's name on its line.

    Returns:
        The options and the text after them, or what is wrong with them.
    """
    values: dict[str, str | int | float] = {}
    rest = line.strip()
    while dash := _DASHES.match(rest):
        word, rest = _cut(rest[dash.end() :])
        name, equals, value = word.partition("=")
        name = name.lower()
        rule = _RULES.get(name)
        if rule is None:
            return BadOption(_unknown(name))
        if rule.field in values:
            return BadOption(f"`--{name}` is given twice; give it once.")
        if not equals and not _DASHES.match(rest):
            value, rest = _cut(rest)
        if not value:
            return BadOption(f"`--{name}` needs a value: {rule.right}.")
        read = rule.read(value)
        if read is None:
            return BadOption(f"{code(value)} cannot be used for `--{name}`: it takes {rule.right}.")
        values[rule.field] = read
    if end := _END.match(rest):
        rest = rest[end.end() :]
    return Options(**values), rest.strip()  # pyright: ignore[reportArgumentType]  the rule says the type


def _cut(text: str) -> tuple[str, str]:
    word, rest = (*text.split(None, 1), "", "")[:2]
    return word, rest


def _unknown(name: str) -> str:
    near = nearest(name, _RULES)
    hint = f" Did you mean `--{near}`?" if near else ""
    known = ", ".join(f"`--{known}`" for known in _RULES)
    return (
        f"I know no option {code('--' + name)}.{hint} The options are {known}. "
        "If it belongs to your text, write ` -- ` before the text."
    )
