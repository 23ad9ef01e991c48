"""The fields by which pages narrow tasks, as they stand in an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from aiohttp import web

from bot.http.task_queries import Asked, read_query
from handlers.search import ANYONE


def asked_by(request: web.Request) -> Asked:
    """What tasks are narrowed to; `whose` is a word of the pages' own.

    Raises:
        Problem: 400, 422.
    """
    asked = read_query(request)
    if request.query.get("whose") == ANYONE and asked.search.owner is None:
        return replace(asked, search=replace(asked.search, owner=ANYONE))
    return asked


def without_blanks(
    query: Mapping[str, str], names: Sequence[str], cursor: str | None = None
) -> str:
    """A query with the fields of these names that say something."""
    given = {name: query[name] for name in names if query.get(name)}
    if cursor is not None:
        given["cursor"] = cursor
    return "?" + urlencode(given) if given else ""
