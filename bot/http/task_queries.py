"""What may stand behind the question mark of routes about many tasks."""

from __future__ import annotations

import re

from aiohttp import web

from bot.http.problems import Problem

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")


def repository_of(request: web.Request) -> str | None:
    """The repository that a request is narrowed to, as `owner/name`; None for all.

    Raises:
        Problem: 422, it is none.
    """
    name = request.query.get("repository")
    if name is not None and _REPOSITORY.fullmatch(name) is None:
        raise wrong_parameter("repository", "Give a repository as owner/name.")
    return name


def wrong_parameter(name: str, message: str) -> Problem:
    """The refusal of one parameter of a query."""
    return Problem(422, message, errors=[{"field": name, "message": message}])
