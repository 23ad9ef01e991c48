"""`bellhop serve`: listen, be set up if need be, work, and stop cleanly."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket

import structlog

from bot.app import opened
from bot.bellhop import Bellhop
from bot.doctor import before_start, examine
from bot.files import allow_many_files
from bot.http.listening import listening
from bot.set_up import set_up
from bot.settings import BadSettings, Settings
from bot.startup import has_no_app
from bot.tempo import Tempo

_log = structlog.stdlib.get_logger(__name__)

SHUTDOWN = 10.0
"""Seconds that requests under way get to end."""


async def serve(settings: Settings, tempo: Tempo | None = None) -> None:
    """Serve until SIGTERM or SIGINT; what is under way is stored, and workers go on.

    Raises:
        OSError: the address cannot be listened on.
        FolderInUse: another Bellhop uses the data folder.
        StorageFailed: the database cannot be used.
        BadSettings: an App was made, and there is more to set before the work can begin.
    """
    allow_many_files()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with socket.create_server((settings.host, settings.port), reuse_port=False) as listener:
        bound = settings.model_copy(update={"port": listener.getsockname()[1]})
        await run(bound, listener, stop, tempo)


async def run(
    settings: Settings, listener: socket.socket, stop: asyncio.Event, tempo: Tempo | None = None
) -> None:
    """Serve on a socket until told to stop; without an App, be set up first.

    Raises:
        As `serve` does.
    """
    known: Settings | None = settings
    if has_no_app(settings):
        known = await set_up(settings, listener, stop, tempo)
        if known is not None and (found := before_start(known)):
            raise BadSettings(found)
    if known is not None:
        async with opened(known, tempo) as bellhop:
            await _run(bellhop, listener, stop)


async def _run(bellhop: Bellhop, listener: socket.socket, stop: asyncio.Event) -> None:
    await bellhop.introduce()
    try:
        async with listening(bellhop.application(), listener, SHUTDOWN):
            _log.info("listening", url=bellhop.settings.public_url)
            await bellhop.start()
            looking = asyncio.create_task(_look(bellhop.settings))
            # What is there by now stays. A collection that looks through all of it holds an answer
            # up for 60 ms, and lists make enough that it would be one in a hundred answers.
            gc.freeze()
            await stop.wait()
            _log.info("stopping")
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
    finally:
        await bellhop.stop()


async def _look(settings: Settings) -> None:
    """Tell what is not as it should be, though the work can go on."""
    for one in await examine(settings):
        if one.state == "problem":
            _log.warning("needs a look", subject=one.subject, problem=one.detail, remedy=one.remedy)
