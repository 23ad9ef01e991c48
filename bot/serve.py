"""`bellhop serve`: listen, work, and stop cleanly."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket

import structlog

from bot.app import Bellhop, Tempo, opened
from bot.doctor import examine
from bot.files import allow_many_files
from bot.http.listening import listening
from bot.settings import Settings

_log = structlog.stdlib.get_logger(__name__)

SHUTDOWN = 10.0
"""Seconds that requests under way get to end."""


async def serve(settings: Settings, tempo: Tempo | None = None) -> None:
    """Serve until SIGTERM or SIGINT; what is under way is stored, and workers go on.

    Raises:
        OSError: the address cannot be listened on.
        FolderInUse: another Bellhop uses the data folder.
        StorageFailed: the database cannot be used.
    """
    allow_many_files()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with socket.create_server((settings.host, settings.port), reuse_port=False) as listener:
        bound = settings.model_copy(update={"port": listener.getsockname()[1]})
        async with opened(bound, tempo) as bellhop:
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
