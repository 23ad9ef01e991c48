"""What somebody types to find tasks: `repo:o/r status:failed owner:me words "a phrase"`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from handlers.options import is_name, nearest
from handlers.task import Status

LONGEST = 500
"""Characters of a search."""
MOST_WORDS = 10
"""Words and phrases that are looked for at once."""

ME = "me"
ANYONE = "anyone"

_KEY = re.compile(r"([A-Za-z][A-Za-z_-]*):")
_BARE = re.compile(r'[^\s"]+')
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?")


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; None and empty: it does not matter.

    `owner` is `me`, `anyone` or a login; the words are to be found all, in any order, and one with
    a space in it is a phrase.
    """

    repository: str | None = None
    statuses: frozenset[Status] = frozenset()
    owner: str | None = None
    agent: str | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BadSearch:
    """A word that cannot be understood, at which character from 1, and what is right.

    `right` goes on where a sentence begins with "give".
    """

    word: str
    position: int
    right: str


class _Wrong(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, right: str, unclosed: int | None = None) -> None:
        super().__init__(right)
        self.right = right
        self.unclosed = unclosed
        """Where a quote begins that has no end."""


@dataclass(frozen=True, slots=True)
class _Term:
    """One thing of a search: a word or phrase, with the key before it if there is one."""

    at: int
    text: str
    key: str | None
    value: str


@dataclass(slots=True)
class _Found:
    """What was read until now."""

    fields: dict[str, str] = field(default_factory=dict[str, str])
    statuses: set[Status] = field(default_factory=set[Status])
    words: list[str] = field(default_factory=list[str])


def parse_q(text: str) -> Search | BadSearch:
    """Read a search, whatever was typed."""
    if len(text) > LONGEST:
        return BadSearch(
            text[LONGEST : LONGEST + 20],
            LONGEST + 1,
            f"a search of at most {LONGEST} characters",
        )
    found, term = _Found(), _Term(0, "", None, "")
    try:
        for term in _terms(text):
            _take(term, found)
    except _Wrong as wrong:
        if wrong.unclosed is not None:
            return BadSearch(text[wrong.unclosed :], wrong.unclosed + 1, wrong.right)
        return BadSearch(term.text, term.at + 1, wrong.right)
    return Search(
        repository=found.fields.get("repo"),
        statuses=frozenset(found.statuses),
        owner=found.fields.get("owner"),
        agent=found.fields.get("agent"),
        words=tuple(found.words),
    )


def _terms(text: str) -> Iterator[_Term]:
    """The terms from left to right."""
    at = 0
    while True:
        at += len(text[at:]) - len(text[at:].lstrip())
        if at == len(text):
            return
        named = _KEY.match(text, at)
        begin = named.end() if named else at
        if text[begin : begin + 1] == '"':
            end = text.find('"', begin + 1)
            if end < 0:
                raise _Wrong('another `"` behind the phrase', begin)
            value, end = text[begin + 1 : end].strip(), end + 1
        else:
            bare = _BARE.match(text, begin)
            value, end = (bare.group(), bare.end()) if bare else ("", begin)
        yield _Term(at, text[at:end], named.group(1).lower() if named else None, value)
        at = end


def _take(term: _Term, found: _Found) -> None:
    if term.key is None:
        _take_word(term, found)
        return
    if term.key not in _KEYS:
        raise _Wrong(_unknown(term))
    if not term.value:
        raise _Wrong(f"a value right behind `{term.key}:`, {_KEYS[term.key].right}")
    if term.key == "status":
        found.statuses.update(_statuses(term.value))
        return
    if term.key in found.fields:
        raise _Wrong(f"`{term.key}:` once")
    value = _KEYS[term.key].read(term.value)
    if value is None:
        raise _Wrong(_KEYS[term.key].right)
    found.fields[term.key] = value


def _take_word(term: _Term, found: _Found) -> None:
    if any("\ud800" <= char <= "\udfff" for char in term.value):
        raise _Wrong("text in UTF-8")
    if not term.value:
        raise _Wrong("a word between the quotation marks")
    if len(found.words) == MOST_WORDS:
        raise _Wrong(f"at most {MOST_WORDS} words")
    found.words.append(term.value)


def _statuses(value: str) -> Iterator[Status]:
    for name in value.lower().split(","):
        if name not in frozenset(Status):
            near = nearest(name, Status)
            meant = f"`{near}`, or " if near else ""
            raise _Wrong(f"{meant}one or more of {', '.join(Status)}, with commas between them")
        yield Status(name)


def _unknown(term: _Term) -> str:
    near = nearest(str(term.key), _KEYS)
    meant = f"`{near}:`, or " if near else ""
    keys = ", ".join(f"`{known}:`" for known in _KEYS)
    return f'{meant}one of {keys}; in quotation marks, `"{term.text}"`, it is looked for'


def _repository(value: str) -> str | None:
    return value if _REPOSITORY.fullmatch(value) else None


def _owner(value: str) -> str | None:
    login = value.removeprefix("@")
    if login.lower() in {ME, ANYONE}:
        return login.lower()
    return login if _LOGIN.fullmatch(login) else None


def _agent(value: str) -> str | None:
    return value if is_name(value) else None


@dataclass(frozen=True, slots=True)
class _Kind:
    read: Callable[[str], str | None]
    right: str


_KEYS = {
    "repo": _Kind(_repository, "a repository, for example `repo:acme/door`"),
    "status": _Kind(str, f"one or more of {', '.join(Status)}, with commas between them"),
    "owner": _Kind(_owner, "`owner:me`, `owner:anyone` or a login"),
    "agent": _Kind(_agent, "the name of an agent, for example `agent:claude`"),
}
