"""The form of Bellhop's own comments: their length, and the marker by which they are known."""

from __future__ import annotations

import re
from typing import Final

from handlers.inert import CODE_RUN, blocks
from handlers.text import closed, cut_note

MAX_COMMENT: Final = 65_536
"""GitHub's limit for the body of a comment, in characters."""

_MARKER: Final = re.compile(r"<!-- bellhop:(\S+):([^\s:]+) -->")


def fit(body: str, room: int) -> str:
    """Cut a finished comment to `room` characters, with a note, and close what the cut left open.

    What follows on the comment, such as its marker, is to be added after this.
    """
    if len(body) <= room:
        return body
    size = room - len(cut_note(len(body)))
    while size > 0:
        kept = _without_half_code(body[:size])
        done = closed(kept) + cut_note(len(body) - len(kept))
        if len(done) <= room:
            return done
        size -= len(done) - room
    return cut_note(len(body))[:room]


def _without_half_code(text: str) -> str:
    """Return the text up to inline code that it cuts through: the half of it would be live."""
    last = list(blocks(text, html=True))[-1]
    if last.code:
        return text
    start = max((match.end() for match in re.finditer(r"\n[ \t]*\n", last.text)), default=0)
    tail = CODE_RUN.sub(lambda match: "x" * len(match[0]), last.text[start:])
    lost = len(tail) - tail.find("`") if "`" in tail else 0
    return text[: len(text) - lost]


def marker(key: str, mac: str) -> str:
    """Return the hidden last line by which Bellhop knows a comment of its own.

    Args:
        key: What the comment is about; no white space.
        mac: The code that only Bellhop could have made for the key; no white space, no colon.
    """
    return f"<!-- bellhop:{key}:{mac} -->"


def find_marker(body: str) -> tuple[str, str] | None:
    """Return the key and the code of the marker on the last line of a comment."""
    found = _MARKER.fullmatch(body.rstrip().rpartition("\n")[2])
    return (found[1], found[2]) if found else None
