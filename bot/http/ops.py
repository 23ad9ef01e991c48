"""Whether Bellhop lives, and whether it works."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from bot.http.problems import Problem


def add_health(
    app: web.Application, ready: Callable[[], bool], failing: Callable[[], bool]
) -> None:
    """Serve `/healthz` (the process answers) and `/readyz` (the work goes on).

    Args:
        app: Where to.
        ready: Whether the loop runs.
        failing: Whether the database took nothing when it was last written to.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        if not ready():
            raise Problem(
                503,
                "Bellhop is starting, or GitHub does not say which App this is; see the log.",
                code="starting",
                headers={"Retry-After": "1"},
            )
        if failing():
            raise Problem(
                503,
                "The database takes no writes: see the log, and whether the disk is full.",
                code="database",
                headers={"Retry-After": "5"},
            )
        return web.json_response({"status": "ok"})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
