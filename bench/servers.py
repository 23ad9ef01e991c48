"""The servers that are compared, each a process of its own.

    python -m bench.servers bare|bellhop|unstored FOLDER

`bare` checks signatures, `bellhop` does what Bellhop does, `unstored` all of it but the storing.

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
from storage.receiving import Arrival, Received
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


class Nowhere(Inbox):
    """An inbox that says it has stored what it has not."""

    def __init__(self) -> None:
        """There is no database."""

    async def receive(self, arrival: Arrival) -> Received:
        return Received("accepted", tuple([one.task_id for one in arrival.candidates]))


async def stored(folder: Path, stack: AsyncExitStack) -> Inbox:
    engine = await Engine.open(folder / "bellhop.db", migrations=migrations)
    stack.push_async_callback(engine.close)
    return Inbox(engine)


def bellhop(inbox: Inbox) -> web.Application:
    app = web.Application()
    problems.install(app)
    add_webhooks(
        app,
        WebhookDoor(
            secret=SECRET,
            app_id=APP_ID,
            app_name=lambda: "bellhop-bench",
            inbox=inbox,
            notify=asyncio.Event().set,
            clock=lambda: datetime.now(UTC),
            new_id=lambda: str(uuid_utils.uuid7()),
        ),
    )
    return app


async def serve(which: str, folder: Path) -> None:
    async with AsyncExitStack() as stack:
        if which == "bare":
            runner = web.AppRunner(bare(), access_log=None)
        else:
            inbox = Nowhere() if which == "unstored" else await stored(folder, stack)
            runner = Runner(bellhop(inbox), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    log.set_up("info", "json")  # as a server has it: a line for every delivery is for `debug`
    uvloop.run(serve(sys.argv[1], Path(sys.argv[2])))
