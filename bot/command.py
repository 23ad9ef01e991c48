"""What every command shares: settings, how it runs, how it fails, and its exit codes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import typer

from bot import startup
from bot.beside import Beside, beside
from bot.doctor import before_start
from bot.settings import BadSettings, Settings, load
from bot.stored_app import with_stored
from bot.terminal import complain
from bot.vault import WrongKey
from storage import StorageFailed

T = TypeVar("T")

BAD_SETTINGS = 2
"""Exit code: the settings need a look."""
FAILED = 1
"""Exit code: it did not work."""


class Refused(Exception):  # noqa: N818 - it is told as it is
    """The command cannot do this; the message says what to do."""


def settings_or_end() -> Settings:
    """The settings; where they cannot be read the command ends, and all problems are told."""
    try:
        return load()
    except BadSettings as error:
        further = before_start(error.rest) if error.rest else ()
        told = {one.setting for one in error.problems}
        more = tuple(one for one in further if one.setting not in told)
        fail(str(BadSettings((*error.problems, *more))), BAD_SETTINGS)


def with_app(settings: Settings) -> Settings:
    """With what the set-up page stored."""
    try:
        return with_stored(settings)
    except (OSError, StorageFailed, WrongKey) as error:
        fail(str(error), FAILED)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - absent on some systems
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


def fail(message: str, code: int) -> NoReturn:
    """End the command with what went wrong."""
    complain(message)
    raise typer.Exit(code)


def with_database(work: Callable[[Beside], Awaitable[None]]) -> None:
    """Run a command that needs the database, and tell what went wrong."""
    settings = with_app(settings_or_end())

    async def go() -> None:
        async with beside(settings) as place:
            await work(place)

    if found := startup.app_problems(settings):
        fail(str(BadSettings(found)), BAD_SETTINGS)
    os.umask(0o077)
    try:
        run(go())
    except (OSError, StorageFailed, ValueError, WrongKey, Refused) as error:
        fail(str(error), FAILED)
