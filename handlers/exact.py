"""Text by others as it is to be judged: what nobody would see is written out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from handlers.text import visible

OPENING, CLOSING = "⟨", "⟩"
"""Around what is written out, as in `⟨U+200B⟩`; the first stands for nothing else."""
GOES_ON: Final = f"{OPENING}↩{CLOSING}"
"""Where a line is broken that is none of the text's own ends."""
WIDTH: Final = 80
"""Columns of a line that nobody has to look for at the side."""
MOST_MARKS: Final = 4
"""Marks over or under one letter that some language may need."""

# Symbols that draw nothing: the empty pattern of Braille, and a note of music that is none.
_BLANK: Final = frozenset("\u2800\U0001d159")
# What pushes the text that follows it out of sight.
_RUN: Final = re.compile(r" {17,}|\t{5,}|\n{4,}")
_PIECE: Final = re.compile(rf"{OPENING}[^{CLOSING}]*{CLOSING}|.")


def exact(text: str) -> str:
    r"""Return the text with all of it written out that people would not see for what it is.

    These are the characters that `visible` leaves out, spaces and line breaks but for the usual
    ones (space, tab, `\n`), these in long runs, and marks that pile up on one letter. No two texts
    become the same: the bracket with which something written out begins is written out where it
    stands in the text itself.
    """
    parts: list[str] = []
    done = 0
    for run in _RUN.finditer(text):
        parts += _marked(text[done : run.start()])
        parts.append(f"{OPENING}U+{ord(run[0][0]):04X}*{len(run[0])}{CLOSING}")
        done = run.end()
    return "".join([*parts, *_marked(text[done:])])


def in_sight(text: str) -> str:
    """Return an exact text in lines that are not too wide, with a sign where they only go on."""
    return "\n".join(row for line in text.split("\n") for row in _rows(line))


def _marked(text: str) -> Iterator[str]:
    """The characters one by one; marks that would pile up over the lines around are written out."""
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in {"Mn", "Me"} else 0
        yield _written(char) if marks > MOST_MARKS else _exact(char)


def _written(char: str) -> str:
    return f"{OPENING}U+{ord(char):04X}{CLOSING}"


@lru_cache(maxsize=4096)
def _exact(char: str) -> str:
    space = unicodedata.category(char) in {"Zs", "Zl", "Zp"} and char != " "
    told = space or char in _BLANK or char == OPENING or visible(char) != char
    return _written(char) if told else char


def _rows(line: str) -> Iterator[str]:
    """Cut a line after its last space that has room, or wherever it has no more."""
    row: list[str] = []
    width = 0
    for piece in _PIECE.findall(line):
        while row and width + _width(piece) > WIDTH:
            cut = len(row) - row[::-1].index(" ") if " " in row else len(row)
            yield "".join(row[:cut]) + GOES_ON
            row = row[cut:]
            width = sum(map(_width, row))
        row.append(piece)
        width += _width(piece)
    yield "".join(row)


@lru_cache(maxsize=4096)
def _width(piece: str) -> int:
    """Columns: some characters take two, a tab up to eight."""
    return sum(
        8 if char == "\t" else 1 + (unicodedata.east_asian_width(char) in {"W", "F"})
        for char in piece
    )
