"""The language of searches: `repo:o/r status:failed owner:me agent:claude words "a phrase"`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from handlers.options import is_name, nearest
from handlers.task import Status

LONGEST: Final = 1_000
"""Characters of a search."""
MOST_WORDS: Final = 20

ME: Final = "me"
ANYONE: Final = "anyone"

# A phrase may hold whatever is no quotation mark; a word ends where white space begins.
_PART: Final = re.compile(
    r'(?P<key>[A-Za-z]+):(?P<value>"[^"]*"|\S*)|"(?P<phrase>[^"]*)"|(?P<word>\S+)'
)
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_LOGIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})(?:\[bot\])?")


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; None and empty: everything. `owner` is `me`, `anyone` or a login."""

    repository: str | None = None
    statuses: frozenset[Status] = frozenset()
    owner: str | None = None
    agent: str | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BadSearch:
    """A word that cannot be understood, at which character from 1, and what is right."""

    word: str
    position: int
    right: str


@dataclass(frozen=True, slots=True)
class _Key:
    right: str
    fits: Callable[[str], bool]


_STATUSES: Final = ", ".join(status.value for status in Status)
_KEYS: Final = {
    "repo": _Key(
        "a repository, `repo:owner/name`", lambda text: _REPOSITORY.fullmatch(text) is not None
    ),
    "status": _Key(
        f"one or more of {_STATUSES}, with commas between them",
        lambda text: all(one in frozenset(Status) for one in text.split(",")),
    ),
    "owner": _Key(
        "`owner:me`, `owner:anyone` or a login", lambda text: _LOGIN.fullmatch(text) is not None
    ),
    "agent": _Key("the name of an agent, `agent:codex`", is_name),
}


def parse_q(text: str) -> Search | BadSearch:
    """Read a search. A word with a colon that is no key is looked for within quotation marks."""
    if len(text) > LONGEST:
        right = f"a search of at most {LONGEST} characters"
        return BadSearch(text[LONGEST : LONGEST + 20], LONGEST + 1, right)
    values: dict[str, str] = {}
    words: list[str] = []
    for part in _PART.finditer(text):
        key = (part["key"] or "").lower()
        bad = _wrong(part, key, values)
        if bad is not None:
            return BadSearch(part[0], part.start() + 1, bad)
        if key:
            values[key] = part["value"].strip('"')
        elif word := (part["phrase"] or part["word"] or "").strip():
            words.append(word)
        if len(words) > MOST_WORDS:
            return BadSearch(part[0], part.start() + 1, f"at most {MOST_WORDS} words")
    statuses = values.get("status")
    return Search(
        repository=values.get("repo"),
        statuses=frozenset(map(Status, statuses.split(","))) if statuses else frozenset(),
        owner=values.get("owner"),
        agent=values.get("agent"),
        words=tuple(words),
    )


def _wrong(part: re.Match[str], key: str, before: dict[str, str]) -> str | None:
    """What would be right instead of a part; None where it is right."""
    if not _is_text(part[0]):
        return "text in UTF-8"
    if not key:
        return 'another `"` after it' if part["word"] and '"' in part["word"] else None
    known = _KEYS.get(key)
    if known is None:
        near = nearest(key, _KEYS)
        meant = f"`{near}:`, or " if near else ""
        return f'{meant}one of {_keys()}; in quotation marks, `"{part[0]}"`, it is looked for'
    if key in before:
        return f"`{key}:` once"
    return None if known.fits(part["value"].strip('"')) else known.right


def _is_text(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _keys() -> str:
    return ", ".join(f"`{key}:`" for key in _KEYS)
