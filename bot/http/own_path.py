"""Where a page leads back to: an address of ours, or the first page."""

from __future__ import annotations

import re

HOME = "/"

_OWN = re.compile(r"/(?![/\\])[!-\[\]-~]{0,2000}")
"""Printable ASCII without spaces and backslashes; a browser takes `//` and `/\\` for a host."""


def own_path(text: str | None) -> str:
    """The path as it is if it is one of ours, otherwise the first page: no open redirect."""
    return text if text is not None and _OWN.fullmatch(text) else HOME
