"""A web application on a socket, until its user leaves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

from aiohttp import web

from bot.http.server import Runner


@contextlib.asynccontextmanager
async def listening(
    app: web.Application, listener: socket.socket, patience: float
) -> AsyncGenerator[None]:
    """Serve on a listening socket; at the end, requests under way get `patience` seconds."""
    runner = Runner(app, access_log=None, shutdown_timeout=patience)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await _take_no_more(listener)
        await runner.cleanup()


async def _take_no_more(listener: socket.socket) -> None:
    """Let connections that were just taken begin, so that the end of the server ends them too.

    asyncio's own loop takes a connection in one turn and hands it to its server in the next: one
    whose server was closed between the two would stay open, known to nobody. uvloop, which does
    not watch the socket by a reader, has no such gap.
    """
    asyncio.get_running_loop().remove_reader(listener)
    for _ in range(2):
        await asyncio.sleep(0)
