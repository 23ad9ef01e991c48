"""What the command line prints: colours on a terminal, plain text elsewhere."""

from __future__ import annotations

import os
import sys
from typing import TextIO

import typer


def coloured(stream: TextIO) -> bool:
    """Whether to colour: a terminal whose owner does not object (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def say(text: str = "", *, colour: str | None = None, bold: bool = False) -> None:
    """Print a line, at once, in a colour where there are colours."""
    _print(text, sys.stdout, colour, bold=bold)


def complain(text: str) -> None:
    """Print a line about something that went wrong, on standard error."""
    _print(text, sys.stderr, typer.colors.RED, bold=False)


def note(text: str) -> None:
    """Print a line beside the output, on standard error."""
    _print(text, sys.stderr, None, bold=False)


def _print(text: str, stream: TextIO, colour: str | None, *, bold: bool) -> None:
    styled = typer.style(text, fg=colour, bold=bold) if coloured(stream) else text
    stream.write(f"{styled}\n")
    stream.flush()
