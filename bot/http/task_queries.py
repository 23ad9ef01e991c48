"""What may stand behind the question mark of routes about many tasks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import web

from bot.http.problems import Problem
from handlers.search import BadSearch, Search, parse_q
from handlers.task import Status

MOST = 100
USUAL = 20
"""Tasks of a page."""
MOST_DAYS = 366
USUAL_DAYS = 30

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is narrowed to: by parameters of their own, and by `q`; both count."""

    limit: int
    repository: str | None
    statuses: frozenset[Status]
    search: Search


def read_query(request: web.Request) -> Asked:
    """Read what a list is asked for.

    Raises:
        Problem: 400 for a `q` that cannot be read, 422 for a parameter out of range.
    """
    return Asked(
        limit=number_of(request, "limit", USUAL, MOST),
        repository=repository_of(request),
        statuses=_statuses_of(request),
        search=_search_of(request),
    )


def repository_of(request: web.Request) -> str | None:
    """The repository that a request is narrowed to, as `owner/name`; None for all.

    Raises:
        Problem: 422, it is none.
    """
    name = request.query.get("repository")
    if name is not None and _REPOSITORY.fullmatch(name) is None:
        raise wrong_parameter("repository", "Give a repository as owner/name.")
    return name


def number_of(request: web.Request, name: str, usual: int, most: int) -> int:
    """A number from 1.

    Raises:
        Problem: 422, it is none or too large.
    """
    text = request.query.get(name)
    if text is None:
        return usual
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or not 1 <= int(text) <= most:
        raise wrong_parameter(name, f"Give a number from 1 to {most}.")
    return int(text)


def wrong_parameter(name: str, message: str) -> Problem:
    """The refusal of one parameter of a query."""
    return Problem(422, message, errors=[{"field": name, "message": message}])


def _statuses_of(request: web.Request) -> frozenset[Status]:
    given = request.query.getall("status", [])
    words = [word for text in given for word in text.split(",")]
    if not set(words) <= set(Status):
        known = ", ".join(status.value for status in Status)
        raise wrong_parameter("status", f"Give some of {known}, with commas between them.")
    return frozenset(map(Status, words))


def _search_of(request: web.Request) -> Search:
    found = parse_q(request.query.get("q", ""))
    if isinstance(found, BadSearch):
        word = found.word[:100].encode(errors="replace").decode()
        raise Problem(
            400,
            f"`q` cannot be read at character {found.position}, `{word}`: give {found.right}.",
            code="bad_query",
            errors=[{"field": "q", "message": f"{word}: give {found.right}"}],
        )
    return found
