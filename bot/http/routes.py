"""Every route of the API has two addresses that mean the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

PREFIXES = ("/api", "/api/v1")


def add_route(app: web.Application, method: str, path: str, handler: Handler) -> None:
    """Serve a path such as `/tasks` under `/api` and under `/api/v1`."""
    app.add_routes([web.route(method, f"{prefix}{path}", handler) for prefix in PREFIXES])


def add_reading_route(app: web.Application, path: str, handler: Handler) -> None:
    """Serve a path that is only read, beside one like `/tasks/{task_id}` that takes more methods.

    Without this, what cannot be done to it would be taken for something done to the other one.
    """
    add_route(app, hdrs.METH_GET, path, handler)
    add_route(app, hdrs.METH_ANY, path, _only_read)


async def _only_read(request: web.Request) -> web.StreamResponse:
    raise web.HTTPMethodNotAllowed(request.method, {hdrs.METH_GET, hdrs.METH_HEAD})
