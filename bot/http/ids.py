"""The ids in addresses."""

from __future__ import annotations

import re

from aiohttp import web

from bot.http.problems import Problem

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_id(text: str) -> bool:
    """Whether this is a UUID."""
    return _ID.fullmatch(text) is not None


def id_in(request: web.Request, name: str) -> str:
    """The UUID in a request's path, as it is stored.

    Raises:
        Problem: 400, it is none.
    """
    text = request.match_info[name]
    if not is_id(text):
        raise Problem(400, "The id in the address is no UUID. Check its spelling.", code="bad_id")
    return text.lower()


def not_found(what: str) -> Problem:
    """The one answer for what is not there and for what is not yours."""
    return Problem(404, f"There is no {what} of this id, or it is not yours.", code="not_found")
