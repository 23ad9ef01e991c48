"""Bellhop and the offline GitHub as real processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bot.demo.children import Child, started
from bot.demo.offline import OfflineGitHub, Place
from bot.demo.world import Observer, World
from bot.runners.process import ProcessRunner
from tests import forked_command
from tests.forks import FORKS, ended
from tests.ports import free_port

PATIENCE = 60.0
PATIENCE_WITH_SCRIPTS = 90.0


def clean_environment(**settings: str) -> dict[str, str]:
    """This process's, without what it says to Bellhop or of colours."""
    clean = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("BELLHOP_") and key != "NO_COLOR"
    }
    return clean | settings


async def bellhop(folder: Path, *arguments: str, **settings: str) -> tuple[int, str, str]:
    """Run a command to its end: exit code, output, errors."""
    with TemporaryDirectory() as beside:
        to = Path(beside)
        process = FORKS.Process(
            target=forked_command.run, args=(folder, arguments, clean_environment(**settings), to)
        )
        process.start()
        await ended(process)
        return process.exitcode or 0, (to / "out").read_text(), (to / "err").read_text()


async def run_script(text: str, folder: Path, settings: dict[str, str]) -> tuple[str, str]:
    """Run shell commands as a page shows them, up to the first that fails: output, errors."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", text),
        cwd=folder,
        env=clean_environment(**settings, PATH=path),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_WITH_SCRIPTS):
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode(), errors.decode()


@dataclass(frozen=True)
class Yard:
    """An offline GitHub, and all that a bot beside it is told."""

    folder: Path
    place: Place
    github: OfflineGitHub
    port: int
    settings: dict[str, str]

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncGenerator[Child]:
        """A bot that is ready."""
        async with started(
            "Bellhop", "bot", "serve", folder=self.folder, settings=self.settings
        ) as bot:
            async with asyncio.timeout(PATIENCE):
                while '"ready"' not in await bot.line():
                    pass
            yield bot

    async def until(self, met: Callable[[World], bool | Awaitable[bool]]) -> World:
        """Look until something is so."""
        observer = Observer(self.github, self.place, self.folder / "data" / "bellhop.db")
        async with asyncio.timeout(PATIENCE):
            while True:
                world = await observer.look()
                if met(world):
                    return world
                await pause()


async def pause() -> None:
    """Let a moment pass before looking again."""
    loop = asyncio.get_running_loop()
    moment = loop.create_future()
    loop.call_later(0.05, moment.set_result, None)
    await moment


@contextlib.asynccontextmanager
async def yard(folder: Path, agent: str = "true") -> AsyncGenerator[Yard]:
    """An offline GitHub with settings for a bot; workers that are left are ended."""
    port = free_port()
    hook = f"http://127.0.0.1:{port}/api/webhooks/github"
    async with (
        aiohttp.ClientSession() as session,
        started("GitHub", "simulator", "--webhook-url", hook, folder=folder) as simulator,
    ):
        place = Place.model_validate_json(await simulator.line())
        settings = {
            "BELLHOP_PORT": str(port),
            "BELLHOP_DATA": str(folder / "data"),
            "BELLHOP_APP_ID": str(place.app_id),
            "BELLHOP_CLIENT_ID": place.client_id,
            "BELLHOP_PRIVATE_KEY": place.private_key,
            "BELLHOP_WEBHOOK_SECRET": place.webhook_secret,
            "BELLHOP_GITHUB_API_URL": place.api_url,
            "BELLHOP_GITHUB_URL": place.url,
            "BELLHOP_AGENT_COMMAND": agent,
            "BELLHOP_LOG_FORMAT": "json",
        }
        try:
            yield Yard(folder, place, OfflineGitHub(session, place), port, settings)
        finally:
            runner = ProcessRunner(folder / "data" / "workers")
            for key in await runner.alive():
                await runner.stop(key, 0)
