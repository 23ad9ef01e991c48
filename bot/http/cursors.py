"""Where a page begins, as a text that nobody need understand: numbers of eight bytes."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta

from aiohttp import web

from bot.http.problems import Problem

PLACE = "^[A-Za-z0-9_-]{11}$"
"""The form of the cursor of a list."""
END = "^[A-Za-z0-9_-]{22}$"
"""The form of the cursor of a history."""

NAME = "^[A-Za-z0-9_-]{1,300}$"
"""The form of the cursor of a list by name."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST = 1 << 62
"""Above all numbers of tasks; the database knows none above twice as much."""


def cursor_of_place(number: int) -> str:
    """The cursor of what comes after the task of a number."""
    return _encoded(number)


def place_in(request: web.Request) -> int | None:
    """The number that a request's cursor means; None: it has none.

    Raises:
        Problem: 400, the cursor is none of ours.
    """
    numbers = _numbers(request, PLACE)
    return None if numbers is None else min(numbers[0], _MOST)


def cursor_of_end(end: tuple[datetime, int]) -> str:
    """The cursor of what ended before a task: when that one ended, and its number."""
    return _encoded((end[0] - _EPOCH) // _MICROSECOND, end[1])


def end_in(request: web.Request) -> tuple[datetime, int] | None:
    """The end and the number that a request's cursor means; None: it has none.

    Raises:
        Problem: 400, the cursor is none of ours.
    """
    numbers = _numbers(request, END)
    if numbers is None:
        return None
    latest = (_LAST - _EPOCH) // _MICROSECOND
    return _EPOCH + min(numbers[0], latest) * _MICROSECOND, min(numbers[1], _MOST)


def cursor_of_name(name: str) -> str:
    """The cursor of what comes after a name."""
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def name_in(request: web.Request) -> str | None:
    """The name that a request's cursor means; None: it has none.

    Raises:
        Problem: 400, the cursor is none of ours.
    """
    text = request.query.get("cursor")
    if text is None:
        return None
    if re.fullmatch(NAME, text) is None:
        raise _none_of_ours()
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        raise _none_of_ours() from None


def _none_of_ours() -> Problem:
    return Problem(
        400, "The cursor is none of ours. Take `nextCursor` as it was given.", code="bad_cursor"
    )


def _encoded(*numbers: int) -> str:
    raw = b"".join(number.to_bytes(8) for number in numbers)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _numbers(request: web.Request, form: str) -> list[int] | None:
    text = request.query.get("cursor")
    if text is None:
        return None
    if re.fullmatch(form, text) is None:
        raise _none_of_ours()
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return [int.from_bytes(raw[start : start + 8]) for start in range(0, len(raw), 8)]
