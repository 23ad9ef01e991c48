"""A glance at the most frequent delivery: what a new comment says, without reading all of its body.

GitHub waits for the answer, and reading the whole body of a comment would cost more than everything
else that is done for it before that. The text and the id of the comment are enough to know whether
it asks for something; the rest is read when the delivery's turn has come.

The glance knows the order in which GitHub writes the members, and their compact form. A quote
inside a JSON string is escaped, so what is found is never part of somebody's text. Whatever looks
unusual is left to `handlers.deliveries`.
"""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple

_BEGINNING: Final = b'{"action":"created",'
_COMMENT: Final = b'"comment":{'
_BODY: Final = b'"body":"'
_REPOSITORY: Final = b'"repository":{'
_ID: Final = b'"id":'
_NUMBER: Final = re.compile(rb"([1-9][0-9]{0,17}),")
_INSTALLATION: Final = b'"installation":{"id":'
# Not `\u`: half a surrogate pair and NUL come that way, and both need care.
_TEXT: Final = re.compile(
    rb'([^"\\\x00-\x1f]*+(?:\\[nrt"/\\][^"\\\x00-\x1f]*+)*+)"',
)


class Glance(NamedTuple):
    """A new comment: GitHub's id of it, and its text."""

    source_id: int
    text: str


NOTHING: Final = Glance(0, "")
"""What is seen of a comment whose text holds no command for sure: each needs a slash or an at sign.
Nothing else of it is looked at."""


def glance(event: str, body: bytes) -> Glance | None:
    """Look for a comment where GitHub writes it.

    Args:
        event: The `X-GitHub-Event` header.
        body: JSON as it was signed.

    Returns:
        The comment of an installation's `issue_comment.created`, or `NOTHING`; None when the body
        must be read to know what it is.
    """
    if event != "issue_comment" or not body.startswith(_BEGINNING):
        return None
    comment = body.find(_COMMENT) + len(_COMMENT)
    # From behind, because what ends in a brace is found faster among so many quotes.
    behind = body.find(_REPOSITORY, comment)
    at = body.rfind(_BODY, comment, behind)
    if comment < len(_COMMENT) or min(behind, at) < 0 or body.rfind(_INSTALLATION) < behind:
        return None
    if body.rfind(_BODY, comment, at) >= 0:
        return None  # There are two, and only one of them is the comment's.
    written = _TEXT.match(body, at + len(_BODY))
    if written is None or (text := _decoded(written[1])) is None:
        return None
    if "/" not in text and "@" not in text:
        return NOTHING
    number = body.find(_ID, comment, at)
    source_id = _NUMBER.match(body, number + len(_ID))
    if number < 0 or source_id is None or body.find(b"{", comment, number) >= 0:
        return None
    return Glance(int(source_id[1]), text)


def _decoded(written: bytes) -> str | None:
    try:
        text = written.decode()
    except UnicodeDecodeError:
        return None
    return json.loads(f'"{text}"') if "\\" in text else text
