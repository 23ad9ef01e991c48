"""`bellhop backup` and `bellhop rotate-key`: what is kept, and the key that opens it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.backup import NotBackedUp, back_up
from bot.command import FAILED, fail, run, settings_or_end
from bot.rotation import NotRotated, rotate, what_to_set
from bot.secret_key import NAME as KEY_FILE
from bot.terminal import note, say
from bot.vault import WrongKey
from storage import FolderInUse, StorageFailed


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command("rotate-key")(rotate_key)


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
    settings = settings_or_end()
    os.umask(0o077)
    try:
        made = back_up(settings, file, datetime.now(UTC), with_key=with_key, force=force)
    except (NotBackedUp, OSError, StorageFailed) as error:
        fail(str(error), FAILED)
    say(f"{file}: {', '.join(made.names)}; {made.size / 1e6:.1f} MB")
    if not with_key:
        note(
            "The secret key is not in it. Keep a copy elsewhere: without it, stored secrets are "
            "lost, and Bellhop does not know its own comments again."
        )


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
    settings = settings_or_end()
    os.umask(0o077)
    try:
        made = run(rotate(settings, datetime.now(UTC), leaked=leaked, leave_others=leave_others))
    except (FolderInUse, NotRotated, OSError, StorageFailed, WrongKey) as error:
        fail(str(error), FAILED)
    say(f"{made.done} secrets are sealed with a new key.")
    if made.left:
        note(f"{made.left} could not be opened and stay as they are.")
    if made.setting is None:
        note(f"It is in {settings.data / KEY_FILE}: keep a copy elsewhere.")
    else:
        note(what_to_set(settings, made))
