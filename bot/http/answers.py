"""Answers of routes for people and programs."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from pydantic import BaseModel

from bot.http.problems import Problem
from handlers.decision import Decision

BUSY_FOR = 60
"""Seconds after which somebody whose queue is full may have another look."""
_FULL = {"busy": "queue_full", "over_budget": "over_budget"}
_STATUSES = {"conflict": 409, "forbidden": 403, "invalid": 422}


def json_answer(
    model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A value as JSON in camelCase."""
    return json_text(model.model_dump_json(by_alias=True), status, headers)


def json_text(
    text: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """JSON that is a text already."""
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)


def wrong_field(field: str, message: str) -> Problem:
    """The refusal of one field of a body, which only a look at the world showed to be wrong."""
    return Problem(422, message, errors=[{"field": field, "message": message}])


def check_declined(decision: Decision) -> None:
    """Say why nothing was done of what was asked for.

    Raises:
        Problem: 403, 409, 422 or 429.
    """
    declined = decision.declined
    if declined is None:
        return
    if declined.kind in _FULL:
        headers = {"Retry-After": str(declined.wait or BUSY_FOR)}
        raise Problem(429, declined.detail, code=_FULL[declined.kind], headers=headers)
    if declined.field is not None:
        raise wrong_field(declined.field, declined.detail)
    raise Problem(_STATUSES[declined.kind], declined.detail, code=declined.kind)
