"""The real Bellhop for a bench, in this process, beside an offline GitHub in another one."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from bench.neighbour import Neighbour, beside
from bot.app import opened
from bot.bellhop import Bellhop
from bot.http.listening import listening
from bot.settings import Settings


def github(folder: Path, port: int, repositories: int) -> AbstractAsyncContextManager[Neighbour]:
    """Start the offline GitHub with its repositories in `folder`; it delivers to `port`."""
    return beside("bench.github", folder, port, repositories)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@asynccontextmanager
async def bellhop(
    folder: Path,
    port: int,
    facts: dict[str, Any],
    prepare: Callable[[Bellhop, web.Application], None],
) -> AsyncGenerator[Bellhop]:
    """Run Bellhop; `prepare` may look over its shoulder before it begins."""
    secrets = {name: SecretStr(facts[name]) for name in ("private_key", "webhook_secret")}
    values: dict[str, object] = {
        "port": port,
        "data": folder / "data",
        "app_id": facts["app_id"],
        "client_id": facts["client_id"],
        "github_api_url": facts["api_url"],
        "github_url": facts["url"],
        "agent_command": "echo mended >> fix.txt; echo 'Mended.'",
    }
    names = {f"BELLHOP_{name.upper()}" for name in Settings.model_fields}
    if given := sorted(names & os.environ.keys()):
        sys.exit(f"The benches run with settings of their own: unset {', '.join(given)}.")
    settings = Settings.model_validate(values | secrets)
    async with opened(settings) as house:
        app = house.application()
        prepare(house, app)
        try:
            with socket.create_server(("127.0.0.1", port)) as listener:
                async with listening(app, listener, patience=1):
                    await house.start()
                    async with asyncio.timeout(10):
                        while house.pump is None:  # noqa: ASYNC110 - its start is told to nobody
                            await asyncio.sleep(0.01)
                    yield house
        finally:
            await house.stop()
