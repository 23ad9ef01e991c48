"""Set-up mode: Bellhop without a GitHub App serves one page, until it has one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from functools import partial

import aiohttp
import structlog
from aiohttp import web
from yarl import URL

from bot.data_folder import make_folder
from bot.github.making import NewApp, convert
from bot.http import problems
from bot.http.listening import listening
from bot.http.setup import SetupDesk
from bot.http.setup_gate import Gate
from bot.http.setup_pages import PATH
from bot.secret_key import secret_key, settle_key
from bot.settings import Problem, Settings
from bot.startup import app_problems
from bot.startup import problems as all_problems
from bot.stored_app import seal, with_stored
from bot.tempo import Tempo
from bot.vault import Vault
from storage import FolderLock, Store

_log = structlog.stdlib.get_logger(__name__)

PATIENCE = 5.0
"""Seconds that requests under way get to end."""


async def set_up(
    settings: Settings, listener: socket.socket, stop: asyncio.Event, tempo: Tempo | None = None
) -> Settings | None:
    """Serve the set-up page until there is an App, or until told to stop.

    The socket stays open: whoever connects meanwhile is served by what comes next.

    Returns:
        The settings with the App; None where there is none.

    Raises:
        FolderInUse: another Bellhop uses the data folder.
        StorageFailed: the database cannot be used.
        OSError: a file or the data folder cannot be read or made.
    """
    async with _desk(settings, tempo or Tempo()) as desk:
        app = web.Application()
        problems.install(app)
        desk.register(app)
        async with listening(app, listener.dup(), PATIENCE):
            desk.gate.renew()
            await _first(stop, desk.done)
    return with_stored(settings) if desk.done.is_set() else None


@contextlib.asynccontextmanager
async def _desk(settings: Settings, tempo: Tempo) -> AsyncGenerator[SetupDesk]:
    make_folder(settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(FolderLock(settings.data))
        settle_key(settings)
        vault = Vault(secret_key(settings))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        )
        store = await Store.open(settings.data / settings.database, settings.rules("bellhop"))
        stack.push_async_callback(store.close)

        async def keep(app: NewApp, public_url: str) -> None:
            await store.keep_app(seal(vault, app, public_url, tempo.clock()))
            _log.info("the App is made", app=app.slug)

        yield SetupDesk(
            settings,
            Gate(partial(_tell, settings), tempo.clock),
            partial(convert, session, settings.github_api_url),
            keep,
            lacking(settings),
            tempo.clock,
        )


def lacking(settings: Settings) -> tuple[Problem, ...]:
    """What keeps Bellhop from working, beside the App."""
    of_app = app_problems(settings)
    return tuple(one for one in all_problems(settings) if one not in of_app)


def _tell(settings: Settings, code: str) -> None:
    """Without this line nobody can set it up, so every level of the log shows it."""
    say = _log.error if settings.log_level == "error" else _log.warning
    say("waiting to be set up", url=f"{address(settings)}{PATH}", code=code)


def address(settings: Settings) -> str:
    """Where this machine's own browser finds Bellhop, if nothing else is known."""
    if settings.base_url is not None or settings.host not in {"0.0.0.0", "::"}:  # noqa: S104
        return settings.public_url
    return str(URL.build(scheme="http", host="127.0.0.1", port=settings.port))


async def _first(*events: asyncio.Event) -> None:
    """Wait for one of them."""
    waiting = [asyncio.create_task(one.wait()) for one in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
