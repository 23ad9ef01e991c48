"""How what somebody types in a picker finds repositories and issues."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from bot.github.personal import OpenIssue, OwnRepository
from bot.http.task_queries import wrong_parameter

LONGEST = 200
"""Characters of a search."""


def words_in(request: web.Request) -> tuple[str, ...]:
    """The words of a request's `q`, in lower case.

    Raises:
        Problem: 422, it is too long.
    """
    text = request.query.get("q", "")
    if len(text) > LONGEST:
        raise wrong_parameter("q", f"Give at most {LONGEST} characters.")
    return tuple(text.lower().split())


def repositories_like(
    found: Iterable[OwnRepository], words: tuple[str, ...]
) -> list[OwnRepository]:
    """Those with all the words in their name or what is said of them, in their order."""
    return [one for one in found if _holds(f"{one.full_name} {one.description}", words)]


def issues_like(found: Iterable[OpenIssue], words: tuple[str, ...]) -> list[OpenIssue]:
    """Those with all the words in their number or title, in their order."""
    return [one for one in found if _holds(f"#{one.number} {one.title}", words)]


def number_meant(words: tuple[str, ...]) -> int | None:
    """The number of an issue, where somebody types one and nothing else."""
    if len(words) != 1:
        return None
    digits = words[0].removeprefix("#")
    usable = digits.isascii() and digits.isdecimal() and len(digits) < 10  # noqa: PLR2004 - below 2**31
    return (int(digits) or None) if usable else None


def _holds(text: str, words: tuple[str, ...]) -> bool:
    lower = text.lower()
    return all(word in lower for word in words)
