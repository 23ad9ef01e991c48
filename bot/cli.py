"""The command line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from bot import log, startup
from bot.demo import DemoFailed
from bot.demo import demo as run_demo
from bot.serve import serve as run_server
from bot.settings import BadSettings, Settings, load
from storage import FolderInUse, StorageFailed

T = TypeVar("T")

BAD_SETTINGS = 2
"""Exit code: the settings need a look."""
FAILED = 1
"""Exit code: it did not work."""

app = typer.Typer(
    name="bellhop",
    help="Ring a bell on a GitHub issue, get a pull request back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.command()
def serve() -> None:
    """Listen for GitHub's deliveries and do the work, until SIGTERM."""
    settings = _settings()
    if found := startup.problems(settings):
        _fail(str(BadSettings(found)), BAD_SETTINGS)
    log.set_up(settings.log_level, settings.log_format)
    try:
        _run(run_server(settings))
    except (FolderInUse, StorageFailed, OSError, ValueError) as error:
        _fail(str(error), FAILED)


@app.command()
def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End after the first pull request: 0 if all is well.")
    ] = False,
) -> None:
    """Show it all on this machine: no GitHub, no network, no key."""
    try:
        code = _run(run_demo(once=once))
    except DemoFailed as error:
        _fail(f"The demonstration failed: {error}", FAILED)
    raise typer.Exit(code)


def main() -> None:
    """The `bellhop` command."""
    app()


def _settings() -> Settings:
    try:
        return load()
    except BadSettings as error:
        _fail(str(error), BAD_SETTINGS)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - absent on some systems
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


def _fail(message: str, code: int) -> NoReturn:
    typer.secho(message, err=True, fg=typer.colors.RED if sys.stderr.isatty() else None)
    raise typer.Exit(code)
