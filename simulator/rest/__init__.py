"""GitHub's REST API, as far as a bot that answers comments needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.rest import (
    apps,
    deliveries,
    issues,
    manifests,
    meta,
    pulls,
    refs,
    repositories,
    users,
)
from simulator.rest.call import not_found
from simulator.rest.serve import serve

if TYPE_CHECKING:
    from aiohttp import web

    from simulator.backend import Backend
    from simulator.rest.call import Call

# Every route of a repository is reached by its name, and by its number as redirects do.
REPOSITORY = ("/repos/{owner}/{repo}", r"/repositories/{repository_id:\d+}")
ROUTES = (*apps.ROUTES, *deliveries.ROUTES, *manifests.ROUTES, *meta.ROUTES, *users.ROUTES)
REPOSITORY_ROUTES = (*repositories.ROUTES, *issues.ROUTES, *pulls.ROUTES, *refs.ROUTES)


def add_routes(application: web.Application, backend: Backend) -> None:
    """Serve the REST API below `/api`."""
    router = application.router
    for route in ROUTES:
        handler = serve(backend, route.handle, counted=route.counted)
        router.add_route(route.method, f"/api{route.path}", handler)
    for route in REPOSITORY_ROUTES:
        for prefix in REPOSITORY:
            router.add_route(route.method, f"/api{prefix}{route.path}", serve(backend, route))
    router.add_route("*", "/api/{rest:.*}", serve(backend, _nothing_here))


def _nothing_here(call: Call) -> web.Response:
    del call
    raise not_found()
