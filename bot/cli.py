"""The command line."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from bot import cli_data, cli_keys, log
from bot.command import BAD_SETTINGS, FAILED, fail, run, settings_or_end, with_app, with_database
from bot.demo import DemoFailed
from bot.demo import demo as run_demo
from bot.doctor import State, before_start, examine
from bot.http.openapi import document
from bot.receive import NotSent, read, send
from bot.serve import serve as run_server
from bot.settings import BadSettings, Settings
from bot.terminal import say
from bot.vault import WrongKey
from storage import FolderInUse, StorageFailed

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
    settings = settings_or_end()
    log.set_up(settings.log_level, settings.log_format)
    settings = with_app(settings)
    if found := before_start(settings):
        fail(str(BadSettings(found)), BAD_SETTINGS)
    os.umask(0o077)  # whatever is made from here on is for Bellhop's own user
    try:
        run(run_server(settings))
    except OSError as error:
        fail(_why_not(error, settings), FAILED)
    except BadSettings as error:
        fail(str(error), BAD_SETTINGS)
    except (FolderInUse, StorageFailed, ValueError, WrongKey) as error:
        fail(str(error), FAILED)


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
        code = run(run_demo(once=once))
    except DemoFailed as error:
        fail(f"The demonstration failed: {error}", FAILED)
    raise typer.Exit(code)


@app.command()
def doctor() -> None:
    """Check settings, folders and the GitHub App.

    The exit code is 0 if all is well, 1 if something needs a look, 2 if the settings cannot be
    read.
    """
    findings = run(examine(settings_or_end()))
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


cli_data.register(app)


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
    settings = with_app(settings_or_end())
    try:
        answer = run(send(read(payload, event, delivery), settings, url))
    except NotSent as error:
        fail(str(error), FAILED)
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


cli_keys.register(app, with_database)


def main() -> None:
    """The `bellhop` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without emoji is no reason to fail
    app()


def _why_not(error: OSError, settings: Settings) -> str:
    if error.errno not in NO_ADDRESS or error.filename:
        return str(error)
    return (
        f"Bellhop cannot listen on {settings.host}:{settings.port}: {os.strerror(error.errno)}. "
        "Stop what listens there, or choose another BELLHOP_PORT or BELLHOP_HOST."
    )
