"""Where a page leads back to: an address of ours, or the first page."""

from __future__ import annotations

import re
from urllib.parse import unquote

HOME = "/"
LONGEST = 2_000

_PATH = re.compile(r"/(?!/)(?:(?!\\)[!-~])*")
"""Printable ASCII without spaces and backslashes: a path with its query, as links have it."""


def is_own(text: str) -> bool:
    r"""Whether this is a path of ours, with its query.

    Browsers take `//host` and `/\host` for other hosts, drop tabs and line breaks, and walk
    through `.` and `..`; nothing of that is in a link of ours.
    """
    if len(text) > LONGEST or _PATH.fullmatch(text) is None:
        return False
    steps = unquote(re.split(r"[?#]", text, maxsplit=1)[0]).split("/")
    return {".", ".."}.isdisjoint(steps)


def own_path(text: str | None) -> str:
    """The path as it is if it is one of ours, otherwise the first page: no open redirect."""
    return text if text is not None and is_own(text) else HOME
