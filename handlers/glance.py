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
from dataclasses import dataclass
from typing import Final

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


@dataclass(frozen=True, slots=True)
class Glance:
    """A new comment: GitHub's id of it, and its text."""

    source_id: int
    text: str

    @property
    def asks_nothing(self) -> bool:
        """Whether the text holds no command for sure: each needs a slash or an at sign."""
        return "/" not in self.text and "@" not in self.text


def glance(event: str, body: bytes) -> Glance | None:
    """Look for a comment where GitHub writes it.

    Args:
        event: The `X-GitHub-Event` header.
        body: JSON as it was signed.

    Returns:
        The comment of an installation's `issue_comment.created`; None when the body must be read
        to know what it is.
    """
    if event != "issue_comment" or not body.startswith(_BEGINNING):
        return None
    comment = body.find(_COMMENT) + len(_COMMENT)
    # From behind, because what ends in a brace is found faster among so many quotes.
    behind = body.find(_REPOSITORY, comment)
    text = body.rfind(_BODY, comment, behind)
    number = body.find(_ID, comment, text)
    if comment < len(_COMMENT) or min(behind, text, number) < 0:
        return None
    source_id = _NUMBER.match(body, number + len(_ID))
    written = _TEXT.match(body, text + len(_BODY))
    if source_id is None or written is None or body.find(b"{", comment, number) >= 0:
        return None
    if body.rfind(_INSTALLATION) < behind:
        return None
    return _decoded(int(source_id[1]), written[1])


def _decoded(source_id: int, written: bytes) -> Glance | None:
    try:
        text = written.decode()
    except UnicodeDecodeError:
        return None
    return Glance(source_id, json.loads(f'"{text}"') if "\\" in text else text)
