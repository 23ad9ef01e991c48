"""Text by others as it is to be judged: what nobody would see is written out."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from handlers.text import visible

BEGIN, END = "⟨U+", "⟩"
"""Around the number of a character that is written out, as in `⟨U+200B⟩`."""

# Symbols that draw nothing: the empty pattern of Braille, and a note of music that is none.
_BLANK: Final = frozenset("\u2800\U0001d159")


def exact(text: str) -> str:
    r"""Return the text with every character written out that people would not see for what it is.

    These are all that `visible` leaves out, and spaces and line breaks but for the usual ones
    (space, tab, `\n`). No two texts look alike: the bracket with which such a number begins is
    written out where it stands in the text itself.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_exact, text))


@lru_cache(maxsize=4096)
def _exact(char: str) -> str:
    space = unicodedata.category(char) in {"Zs", "Zl", "Zp"} and char != " "
    told = space or char in _BLANK or char == BEGIN[0] or visible(char) != char
    return f"{BEGIN}{ord(char):04X}{END}" if told else char
