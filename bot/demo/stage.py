"""The demonstration's stage: an offline GitHub, the bot beside it, and a scripted agent."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from pydantic import TypeAdapter, ValidationError

from bot.demo.children import Child, ChildEnded, started
from bot.demo.offline import OfflineGitHub, Place
from bot.http.sign_in_paths import CALLBACK
from bot.runners.process import ProcessRunner

AGENT = Path(__file__).with_name("agent.py")
FAREWELL = 2.0
"""Seconds that workers get to end."""

_LINE = TypeAdapter(dict[str, object])


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything runs, and the offline GitHub knows where the bot is."""

    place: Place
    github: OfflineGitHub
    bot_url: str
    database: Path


@contextlib.asynccontextmanager
async def staged(folder: Path, children: list[Child], thinking: float) -> AsyncGenerator[Stage]:
    """Start everything in `folder`, and end it: bot, workers, offline GitHub.

    Args:
        folder: Where all of it keeps what it keeps.
        children: The processes are added here as they start, for the sake of their last words.
        thinking: Seconds that the agent takes.

    Raises:
        ChildEnded: one of them did not start; its last lines say why.
    """
    data = folder / "data"
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        simulator = started("The offline GitHub", "simulator", "--hold", folder=folder)
        children.append(await stack.enter_async_context(simulator))
        place = await _place(children[-1])
        settings = _settings(place, folder, data, thinking)
        stack.push_async_callback(_end_workers, data / "workers")
        bot = started("Bellhop", "bot", "serve", folder=folder, settings=settings)
        children.append(await stack.enter_async_context(bot))
        bot_url = await _ready(children[-1])
        github = OfflineGitHub(session, place)
        await github.deliver_to(f"{bot_url}/api/webhooks/github")
        await github.send_people_back_to(f"{bot_url}{CALLBACK}")
        yield Stage(place, github, bot_url, data / "bellhop.db")


async def _place(simulator: Child) -> Place:
    line = await simulator.line()
    try:
        place = Place.model_validate_json(line)
    except ValidationError:
        raise ChildEnded("The offline GitHub did not start as expected.") from None
    simulator.forget(line)  # it holds the App's private key
    return place


def _settings(place: Place, folder: Path, data: Path, thinking: float) -> Mapping[str, str]:
    """The bot's, nothing of which is the user's own."""
    key = folder / "app.pem"
    key.touch(mode=0o600)
    key.write_text(place.private_key)
    agent = (sys.executable, "-I", "-S", str(AGENT), str(thinking))
    return {
        "BELLHOP_PORT": "0",
        "BELLHOP_DATA": str(data),
        "BELLHOP_APP_ID": str(place.app_id),
        "BELLHOP_CLIENT_ID": place.client_id,
        "BELLHOP_CLIENT_SECRET": place.client_secret,
        "BELLHOP_PRIVATE_KEY_FILE": str(key),
        "BELLHOP_WEBHOOK_SECRET": place.webhook_secret,
        "BELLHOP_GITHUB_API_URL": place.api_url,
        "BELLHOP_GITHUB_URL": place.url,
        "BELLHOP_AGENT_COMMAND": shlex.join(agent),
        "BELLHOP_LOG_FORMAT": "json",
    }


async def _ready(bot: Child) -> str:
    """Where the bot listens, once it works; it takes any free port and says which."""
    url = ""
    while True:
        line = await bot.line()
        try:
            said = _LINE.validate_json(line)
        except ValidationError:
            continue
        if said.get("event") == "listening":
            url = str(said.get("url"))
        elif said.get("event") == "ready":
            return url


async def _end_workers(folder: Path) -> None:
    """End the workers that the bot left: it lets them go on when it stops."""
    runner = ProcessRunner(folder)
    for key in await runner.alive():
        await runner.stop(key, FAREWELL)


def last_lines(child: Child) -> str:
    """What a process said last, as a block."""
    lines = "\n".join(f"  {line}" for line in child.last) or "  (nothing)"
    return f"The last lines of {child.name}:\n{lines}"
