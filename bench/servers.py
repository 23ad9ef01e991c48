"""The two servers that are compared, each a process of its own: `bare` and `bellhop`.

    python -m bench.servers bare|bellhop FOLDER

Prints the port it listens on, and ends when its standard input closes.
"""

from __future__ import annotations

import asyncio
import hmac
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import uuid_utils
import uvloop
from aiohttp import web

from bench.comments import APP_ID, SECRET
from bot import log
from bot.http import problems
from bot.http.server import Runner
from bot.http.webhooks import WebhookDoor, add_webhooks
from storage.inbox import Inbox
from storage.migrations import migrations
from storage.sqlite import Engine


async def check_only(request: web.Request) -> web.Response:
    body = await request.read()
    right = f"sha256={hmac.digest(SECRET, body, 'sha256').hex()}"
    if not hmac.compare_digest(right, request.headers["X-Hub-Signature-256"]):
        return web.Response(status=401)
    return web.Response(status=202)


def bare() -> web.Application:
    app = web.Application(client_max_size=25 * 1024 * 1024)
    app.router.add_post("/api/webhooks/github", check_only)
    return app


async def bellhop(folder: Path, stack: AsyncExitStack) -> web.Application:
    engine = await Engine.open(folder / "bellhop.db", migrations=migrations)
    stack.push_async_callback(engine.close)
    app = web.Application()
    problems.install(app)
    add_webhooks(
        app,
        WebhookDoor(
            secret=SECRET,
            app_id=APP_ID,
            app_name=lambda: "bellhop-bench",
            inbox=Inbox(engine),
            notify=asyncio.Event().set,
            clock=lambda: datetime.now(UTC),
            new_id=lambda: str(uuid_utils.uuid7()),
        ),
    )
    return app


async def serve(which: str, folder: Path) -> None:
    async with AsyncExitStack() as stack:
        app = bare() if which == "bare" else await bellhop(folder, stack)
        runner = (web.AppRunner if which == "bare" else Runner)(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    log.set_up("info", "json")  # as a server has it: a line for every delivery is for `debug`
    uvloop.run(serve(sys.argv[1], Path(sys.argv[2])))
