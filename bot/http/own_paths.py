"""Addresses of our own, and what leads out of the house although it looks like one."""

from __future__ import annotations

import re
from urllib.parse import unquote

from aiohttp import web

CALLBACK = "/api/auth/github/callback"
"""Where GitHub sends people back to: below the base URL it is the App's callback URL."""
INSTALLED = "/api/auth/github/installed"
"""Where GitHub sends people who have installed the App; the App's setup URL."""
BEGIN = "/api/auth/github"
SIGN_IN = "/sign-in"
INSTALLATIONS = "/installations"

LONGEST = 2_000
_PATH = re.compile(r"/(?!/)(?:(?!\\)[!-~])*")


def own_path(text: str) -> str | None:
    r"""A path of ours with its query, as it was given; None for anything else.

    Browsers take `//host` and `/\host` for other hosts, drop tabs and line breaks, and walk
    through `.` and `..`; nothing of that is in a link of ours.
    """
    if len(text) > LONGEST or _PATH.fullmatch(text) is None:
        return None
    steps = unquote(re.split(r"[?#]", text, maxsplit=1)[0]).split("/")
    return None if {".", ".."} & set(steps) else text


def see_other(path: str) -> web.Response:
    """Send a browser on; `path` is one of ours, or GitHub's address, sent as it is."""
    headers = {"Location": path, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(status=303, headers=headers)


def wants_page(request: web.Request) -> bool:
    """Whether a person with a browser asks, who is better served by a page."""
    return "text/html" in request.headers.get("Accept", "")
