"""The files of the pages: named with a version of their content, so that browsers may keep them."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from aiohttp import hdrs, web

STATIC = "/static"
FOLDER = Path(__file__).parent / "static"

FOR_GOOD = "public, max-age=31536000, immutable"
"""A file with this version never changes."""
ASK_FIRST = "no-cache"
"""A browser asks by ETag whether it has changed."""


def add_static_files(app: web.Application) -> None:
    """Serve the files."""
    app.router.add_static(STATIC, FOLDER)
    app.on_response_prepare.append(_say_how_long)


def static(name: str) -> str:
    """The address of a file, such as `bellhop.css`, with its version.

    Raises:
        OSError: there is no such file.
    """
    return f"{STATIC}/{name}?v={_version(name)}"


@cache
def _version(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


async def _say_how_long(request: web.Request, response: web.StreamResponse) -> None:
    if not request.path.startswith(f"{STATIC}/") or response.status not in {200, 206, 304}:
        return
    response.headers[hdrs.CACHE_CONTROL] = FOR_GOOD if _is_current(request) else ASK_FIRST
    response.headers["X-Content-Type-Options"] = "nosniff"


def _is_current(request: web.Request) -> bool:
    name = request.path.removeprefix(f"{STATIC}/")
    return request.query.get("v") == _version(name)
