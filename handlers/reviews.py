"""Reviews of pull requests: which ask for something, and what a worker is told of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from handlers.context import fenced, quoted
from handlers.deliveries import ReviewSubmitted
from handlers.honest import clean
from handlers.inert import with_newlines
from handlers.names import BRANCHES
from handlers.text import code, visible
from handlers.values import app_slug

WHOLE: Final = 0
"""The position of a review that asks by being one: what it says is no command."""
LONGEST_MESSAGE: Final = 8_000
"""Characters of a review that is a message, the limit of every message."""
LONGEST_SECTION: Final = 30_000
"""Characters of a review beside a command of its own."""

_HUNK: Final = 1_500
_REMARK: Final = 2_000
_NOTE_ROOM: Final = 100
_SUBMITTING: Final = timedelta(seconds=10)
"""GitHub writes the comments of a review anew when it is submitted, which may take a moment."""
_HEADER: Final = re.compile(r"@@ -[0-9]+(?:,[0-9]+)? \+([0-9]+)")


@dataclass(frozen=True, slots=True)
class ReviewRemark:
    """A comment of a review: where it stands, and the part of the change down to there.

    `line` is None where GitHub does not tell it, or it is about the whole file.
    """

    path: str
    line: int | None
    hunk: str
    body: str
    updated_at: datetime


def asks_without_command(review: ReviewSubmitted, app_name: str) -> bool:
    """Whether a review may ask for another attempt by what it is, as far as its delivery tells.

    Whether the pull request is a task's is known to the database, and who the writer is to GitHub.
    """
    return (
        review.verdict in {"commented", "changes_requested"}
        and review.subject.state == "open"
        and not (review.author.is_bot or review.sender.is_bot)
        and (_is_by(review, app_name) or _is_from_a_branch_of_ours(review))
    )


def _is_by(review: ReviewSubmitted, app_name: str) -> bool:
    author = review.subject.author
    return author is not None and author.is_bot and app_slug(author.login) == app_name


def _is_from_a_branch_of_ours(review: ReviewSubmitted) -> bool:
    """A person can open the pull request where Bellhop could not."""
    return review.head_repository == review.repository.id and review.branch.startswith(BRANCHES)


def review_message(review: ReviewSubmitted, remarks: Sequence[ReviewRemark]) -> str:
    """A review as a message to who is at work on the pull request; empty where it says nothing."""
    asks = review.verdict == "changes_requested"
    head = "A review of the pull request" + (" that requests changes:" if asks else ":")
    return _told(head, review, remarks, LONGEST_MESSAGE, _said)


def review_section(review: ReviewSubmitted, remarks: Sequence[ReviewRemark]) -> str:
    """A review beside the command that stands in it; empty where there is nothing but that."""
    if not remarks:
        return ""
    head = f"## The review with the command, by {clean(review.author.login)}"
    return _told(head, review, remarks, LONGEST_SECTION, quoted)


_Words = Callable[[str, int], str]
"""How somebody's words are shown, cut to a limit: as an order, or as material in a fence."""


def _said(text: str, limit: int) -> str:
    text = clean(text).strip()
    note = f" (cut: {len(text) - limit} more characters)" if len(text) > limit else ""
    return text[:limit] + note


def _told(
    head: str, review: ReviewSubmitted, remarks: Sequence[ReviewRemark], longest: int, words: _Words
) -> str:
    """The review's own text, then as many of its comments as fit, in their order."""
    own = words(review.text, _REMARK) if review.text.strip() else ""
    known = [one for one in remarks if one.updated_at <= review.written_at + _SUBMITTING]
    told = [_remark(one, words) for one in known]
    if not own and not told:
        return ""
    parts = [head, *([own] if own else [])]
    room = longest - sum(len(part) + 2 for part in parts) - _NOTE_ROOM
    shown: list[str] = []
    for part in told:
        room -= len(part) + 2
        if room < 0:
            break
        shown.append(part)
    missing = len(remarks) - len(shown)
    note = f"(Left out: {missing} of its comments, edited later or for want of room.)"
    return "\n\n".join([*parts, *shown, *([note] if missing else [])])


def _remark(remark: ReviewRemark, words: _Words) -> str:
    line = remark.line or _line_of(remark.hunk)
    where = code(remark.path, 300) + (f", line {line}" if line else "")
    hunk = visible(with_newlines(remark.hunk))[-_HUNK:]
    shown = [fenced(hunk, _HUNK)] if hunk.strip() else []
    return "\n\n".join([f"On {where}:", *shown, words(remark.body, _REMARK)])


def _line_of(hunk: str) -> int | None:
    """The line of the file after the change that a hunk ends with; None for one that is gone.

    GitHub's list of one review's comments has the hunk, but not always the line.
    """
    header, *lines = hunk.rstrip("\n").split("\n")
    begins = _HEADER.match(header)
    if begins is None or not lines or lines[-1].startswith("-"):
        return None
    there = sum(not line.startswith(("-", "\\")) for line in lines)
    return int(begins[1]) + there - 1
