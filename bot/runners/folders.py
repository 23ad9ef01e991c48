"""The folders of workers on this machine: what they printed, and their removal."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

LOG = "log"
GONE = ".gone"  # ends the name of a folder that is being removed
LOG_LIMIT, LOG_TAIL = 1_000_000, 4_000  # bytes of a worker's own output: kept, and told


def tail(log: Path) -> str:
    """The last lines of a log, empty where there is none.

    Whole ones, unless one alone is longer: of a secret that is cut in two nobody knows the rest
    again, and it would show.
    """
    try:
        with log.open("rb") as file:
            before = max(0, log.stat().st_size - LOG_TAIL)
            file.seek(before)
            text = file.read()
    except FileNotFoundError:
        return ""
    _, end_of_line, whole = text.partition(b"\n")
    return (whole if before and end_of_line else text).decode(errors="replace").strip()


def cut(log: Path) -> None:
    """Keep a log's last lines once it is too long; the worker goes on at its new end."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        last = tail(log)
        with log.open("r+b") as file:
            file.truncate()
            file.write(last.encode() + b"\n")


def remove(home: Path) -> None:
    """Remove a folder in which an agent may have left folders without leave to write.

    It takes another name first, so that nobody finds half of it or adds to it meanwhile. Two
    removals of one folder may meet.
    """
    doomed = home.with_name(home.name.removesuffix(GONE) + GONE)
    _clear(doomed)  # what a removal that was cut off left has the name
    with suppress(FileNotFoundError):
        home.rename(doomed)
    _clear(doomed)


def _clear(doomed: Path) -> None:
    if os.geteuid() != 0:
        for folder, _, _ in os.walk(doomed):
            with suppress(FileNotFoundError):
                Path(folder).chmod(0o700)
    shutil.rmtree(doomed, ignore_errors=True)
