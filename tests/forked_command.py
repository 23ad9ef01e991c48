"""What runs in the process of a `bellhop` command: the real thing, imported before."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import coverage

from bot.cli import main


def run(folder: Path, arguments: tuple[str, ...], environment: dict[str, str], to: Path) -> None:
    """Run a command; what it prints goes to the files `out` and `err` in the folder `to`."""
    for number, name in ((1, "out"), (2, "err")):
        with (to / name).open("wb") as file:
            os.dup2(file.fileno(), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["bellhop", *arguments]
    try:
        main()
    finally:
        if (measured := coverage.Coverage.current()) is not None:
            measured.save()  # a process that was forked does not do so by itself
