"""The command line."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from bot import cli_keys, log, startup
from bot.backup import NotBackedUp, back_up
from bot.beside import Beside, beside
from bot.demo import DemoFailed
from bot.demo import demo as run_demo
from bot.doctor import State, before_start, examine
from bot.http.openapi import document
from bot.receive import NotSent, read, send
from bot.rotation import NotRotated, rotate, what_to_set
from bot.secret_key import NAME as KEY_FILE
from bot.serve import serve as run_server
from bot.settings import BadSettings, Settings, load
from bot.stored_app import with_stored
from bot.terminal import complain, note, say
from bot.vault import WrongKey
from storage import FolderInUse, StorageFailed

T = TypeVar("T")

BAD_SETTINGS = 2
"""Exit code: the settings need a look."""
FAILED = 1
"""Exit code: it did not work."""

NO_ADDRESS = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES})
"""What the system says where an address cannot be listened on."""

app = typer.Typer(
    name="bellhop",
    help="Ring a bell on a GitHub issue, get a pull request back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

worker = typer.Typer(help="The program that does one attempt of a task.", no_args_is_help=True)
app.add_typer(worker, name="worker")


def _tell_version(asked: bool) -> None:  # noqa: FBT001 - as typer calls it
    if asked:
        say(f"bellhop {metadata.version('bellhop')}")
        raise typer.Exit


@app.callback()
def bellhop(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_tell_version,
            help="Say which version this is.",
        ),
    ] = False,
) -> None:
    """Ring a bell on a GitHub issue, get a pull request back."""
    del version


@app.command()
def serve() -> None:
    """Listen for GitHub's deliveries and do the work, until SIGTERM.

    Without any setting of a GitHub App it serves the page /setup first, which makes one; the log
    has the address, and the code that the page asks for.

    The exit code is 0 after a clean stop, 1 if it cannot run, 2 if the settings need a look.
    Workers go on when it stops, and are found again at the next start.
    """
    settings = _settings()
    log.set_up(settings.log_level, settings.log_format)
    settings = _with_app(settings)
    if found := before_start(settings):
        _fail(str(BadSettings(found)), BAD_SETTINGS)
    os.umask(0o077)  # whatever is made from here on is for Bellhop's own user
    try:
        _run(run_server(settings))
    except OSError as error:
        _fail(_why_not(error, settings), FAILED)
    except BadSettings as error:
        _fail(str(error), BAD_SETTINGS)
    except (FolderInUse, StorageFailed, ValueError, WrongKey) as error:
        _fail(str(error), FAILED)


@app.command()
def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End after the first pull request, and check it.")
    ] = False,
) -> None:
    """Show it all on this machine: no GitHub, no network, no key.

    Starts an offline GitHub, a Bellhop and a scripted agent, asks for a fix and tells each step.
    """
    try:
        code = _run(run_demo(once=once))
    except DemoFailed as error:
        _fail(f"The demonstration failed: {error}", FAILED)
    raise typer.Exit(code)


@app.command()
def doctor() -> None:
    """Check settings, folders and the GitHub App.

    The exit code is 0 if all is well, 1 if something needs a look, 2 if the settings cannot be
    read.
    """
    findings = _run(examine(_settings()))
    colours: dict[State, str | None] = {
        "ok": typer.colors.GREEN,
        "warning": typer.colors.YELLOW,
        "problem": typer.colors.RED,
        "unchecked": None,
    }
    for one in findings:
        say(f"{one.state:<10} {one.subject}: {one.detail}", colour=colours[one.state])
        if one.remedy:
            say(f"{'':<10} → {one.remedy}")
    wrong = [one for one in findings if one.state not in {"ok", "warning"}]
    say(f"\n{len(wrong)} of {len(findings)} need a look." if wrong else "\nAll is well.", bold=True)
    raise typer.Exit(FAILED if wrong else 0)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The archive to make, such as bellhop.tar.")],
    *,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Put the secret key in: then it opens everything.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if it is there.")
    ] = False,
) -> None:
    """Back up the data folder into one file, whether a Bellhop runs on it or not.

    `tar -xf` into an empty folder restores it. The exit code is 0 once the backup is there and
    was read again, 1 if there is none, 2 if the settings cannot be read.
    """
    settings = _settings()
    os.umask(0o077)
    try:
        made = back_up(settings, file, datetime.now(UTC), with_key=with_key, force=force)
    except (NotBackedUp, OSError, StorageFailed) as error:
        _fail(str(error), FAILED)
    say(f"{file}: {', '.join(made.names)}; {made.size / 1e6:.1f} MB")
    if not with_key:
        note(
            "The secret key is not in it. Keep a copy elsewhere: without it, stored secrets are "
            "lost, and Bellhop does not know its own comments again."
        )


@app.command("rotate-key")
def rotate_key(
    *,
    leaked: Annotated[
        bool,
        typer.Option(
            "--leaked",
            help="Somebody else may know the key: refuse the workers that are at work, too.",
        ),
    ] = False,
    leave_others: Annotated[
        bool,
        typer.Option("--leave-others", help="Leave secrets as they are that no key here opens."),
    ] = False,
) -> None:
    """Encrypt everything that is kept with a new secret key, while no Bellhop runs.

    The exit code is 0 once the new key is the one that counts, 1 if it is still the former, 2 if
    the settings cannot be read. However it is cut off, the next start finds the right key.
    """
    settings = _settings()
    os.umask(0o077)
    try:
        made = _run(rotate(settings, datetime.now(UTC), leaked=leaked, leave_others=leave_others))
    except (FolderInUse, NotRotated, OSError, StorageFailed, WrongKey) as error:
        _fail(str(error), FAILED)
    say(f"{made.done} secrets are sealed with a new key.")
    if made.left:
        note(f"{made.left} could not be opened and stay as they are.")
    if made.setting is None:
        note(f"It is in {settings.data / KEY_FILE}: keep a copy elsewhere.")
    else:
        note(what_to_set(settings, made))


@app.command()
def receive(
    payload: Annotated[Path, typer.Argument(help="A file with the recorded body, JSON.")],
    *,
    event: Annotated[str, typer.Option(help="The event's name, as in X-GitHub-Event.")],
    url: Annotated[
        str | None, typer.Option(help="The bot's webhook address; from the settings if not given.")
    ] = None,
    delivery: Annotated[
        str | None, typer.Option(help="The delivery's id; a new one if not given.")
    ] = None,
) -> None:
    """Sign a recorded delivery and send it to a running bot.

    The exit code is 0 if the bot takes it, 1 if not.
    """
    settings = _with_app(_settings())
    try:
        answer = _run(send(read(payload, event, delivery), settings, url))
    except NotSent as error:
        _fail(str(error), FAILED)
    say(f"{answer.status} {answer.text}")
    raise typer.Exit(0 if answer.good else FAILED)


@app.command()
def openapi() -> None:
    """Print the OpenAPI 3.1 document of the HTTP API, as JSON."""
    say(json.dumps(document(), indent=2))


@worker.command("run", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_worker(context: typer.Context) -> None:
    """Become the reference worker: does one attempt, which the environment names.

    BELLHOP_URL, BELLHOP_TOKEN and BELLHOP_TASK_ID are what a Bellhop sets when it starts a worker.
    Options are passed on, such as --folder, where to work.
    """
    command = [sys.executable, "-m", "worker", *context.args]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter and package


def _beside(work: Callable[[Beside], Awaitable[None]]) -> None:
    """Run a command that needs the database, and tell what went wrong."""
    settings = _with_app(_settings())

    async def go() -> None:
        async with beside(settings) as place:
            await work(place)

    if found := startup.app_problems(settings):
        _fail(str(BadSettings(found)), BAD_SETTINGS)
    os.umask(0o077)
    try:
        _run(go())
    except (OSError, StorageFailed, ValueError, WrongKey, cli_keys.Refused) as error:
        _fail(str(error), FAILED)


cli_keys.register(app, _beside)


def main() -> None:
    """The `bellhop` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without emoji is no reason to fail
    app()


def _settings() -> Settings:
    try:
        return load()
    except BadSettings as error:
        further = before_start(error.rest) if error.rest else ()
        told = {one.setting for one in error.problems}
        more = tuple(one for one in further if one.setting not in told)
        _fail(str(BadSettings((*error.problems, *more))), BAD_SETTINGS)


def _with_app(settings: Settings) -> Settings:
    """With what the set-up page stored."""
    try:
        return with_stored(settings)
    except (OSError, StorageFailed, WrongKey) as error:
        _fail(str(error), FAILED)


def _why_not(error: OSError, settings: Settings) -> str:
    if error.errno not in NO_ADDRESS or error.filename:
        return str(error)
    return (
        f"Bellhop cannot listen on {settings.host}:{settings.port}: {os.strerror(error.errno)}. "
        "Stop what listens there, or choose another BELLHOP_PORT or BELLHOP_HOST."
    )


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - absent on some systems
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


def _fail(message: str, code: int) -> NoReturn:
    complain(message)
    raise typer.Exit(code)
