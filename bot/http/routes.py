"""Every route of the API has two addresses that mean the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

PREFIXES = ("/api", "/api/v1")


def add_route(app: web.Application, method: str, path: str, handler: Handler) -> None:
    """Serve a path such as `/tasks` under `/api` and under `/api/v1`."""
    app.add_routes([web.route(method, f"{prefix}{path}", handler) for prefix in PREFIXES])
