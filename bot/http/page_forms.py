"""What pages with forms share: the fields as text, and what is wrong by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.http.pages import show
from bot.http.problems import Problem

MENDABLE = frozenset({400, 409, 422})
"""Statuses of problems that are told beside the form, with what was typed still in it."""


def text_in(fields: Mapping[str, Any], name: str) -> str:
    """A field of a form without blanks around it; nothing where it is missing or a file."""
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def mendable(problem: Problem) -> Problem:
    """A problem that the person at the form can do something about.

    Raises:
        Problem: it is of another kind.
    """
    if problem.status not in MENDABLE:
        raise problem
    return problem


def messages(problem: Problem | None) -> dict[str, str]:
    """What is wrong, by field as a program would name it; `""` for what is about no field."""
    if problem is None:
        return {}
    found = {one["field"].split(".")[0]: _sentence(one["message"]) for one in problem.errors}
    return found or {"": problem.detail}


def ask_first(
    request: web.Request, *, heading: str, detail: str, button: str, back: str
) -> web.Response:
    """The page that asks before something is gone for good; its form goes to its own address."""
    values = {"heading": heading, "detail": detail, "button": button, "back": back}
    return show(request, "confirm.html", values)


def _sentence(text: str) -> str:
    begun = text[:1].upper() + text[1:]
    return begun if re.search(r"[.?!]\Z", begun) else f"{begun}."
