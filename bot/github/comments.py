"""Saying a thing once, however often it is tried and wherever a try was cut off."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.github.doubt import SETTLE, left_by
from bot.github.errors import Refused, Unavailable
from bot.github.pace import Priority
from bot.github.values import SaidComment
from handlers.comment_form import MAX_COMMENT, find_marker, fit, marker

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from bot.github.client import GitHub
    from bot.github.values import CommentFacts, RepoRef

# GitHub's clock and ours may disagree by this much.
DRIFT = timedelta(minutes=10)
# More than anyone writes on one issue between two tries of ours.
MANY = 10_000


def _nothing(_: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class OurMark:
    """By which a comment is known to be ours; see `say_once`."""

    sign: Callable[[str], str]
    app_id: int
    bot_id: int | None = None
    signed_before: Callable[[str], Collection[str]] = _nothing
    """The codes of keys that were replaced: comments keep what they were signed with."""

    def key(self, comment: CommentFacts) -> str | None:
        """What a comment of ours is; None for those of others."""
        by_us = comment.app_id == self.app_id
        if not by_us and (self.bot_id is None or comment.author_id != self.bot_id):
            return None
        found = find_marker(comment.body)
        if found is None:
            return None
        key, code = found
        codes = (self.sign(key), *self.signed_before(key))
        ours = [hmac.compare_digest(code.encode(), one.encode()) for one in codes]
        return key if any(ours) else None


def marked(body: str, key: str, sign: Callable[[str], str]) -> str:
    """The body as it is sent: cut to what GitHub takes, with the hidden marker as its last line."""
    ending = f"\n\n{marker(key, sign(key))}"
    return fit(body, MAX_COMMENT - len(ending)) + ending


async def say_once(
    github: GitHub,
    repo: RepoRef,
    number: int,
    key: str,
    body: str,
    *,
    sign: Callable[[str], str],
    look_first: bool,
    since: datetime,
    app_id: int,
    bot_id: int | None = None,
    priority: Priority = Priority.FINAL,
    settle: float = SETTLE,
    signed_before: Callable[[str], Collection[str]] = _nothing,
) -> SaidComment:
    """Comment on an issue or pull request so that one comment with this key is there in the end.

    Args:
        github: Where to say it.
        repo: The repository.
        number: The issue's or pull request's number.
        key: What this comment is, the same in every try; without spaces and colons.
        body: What it says, without marker.
        sign: Makes the code that proves a marker ours, from the key.
        look_first: Whether an earlier try may have said it. After any error but `Refused`, the
            next try must look.
        since: When the first try was made, or any time before.
        app_id: The App that we are.
        bot_id: The account in whose name the App writes, where that is known: a server may not
            say by which App a comment was written.
        priority: What the comment is for.
        settle: Seconds to wait after a write that may have taken place, before looking for it.
        signed_before: The codes that keys which were replaced would have made.

    Raises:
        GitHubError: It is not said, or that is not sure: try again, unless it is `Refused`.
    """
    mark = OurMark(sign, app_id, bot_id, signed_before)

    async def look() -> SaidComment | None:
        listed = await github.comments(repo, number, limit=MANY, since=since - DRIFT)
        said = sorted((comment.id, comment.url) for comment in listed if mark.key(comment) == key)
        for extra, _ in said[1:]:
            await _delete(github, repo, extra)
        return SaidComment(*said[0]) if said else None

    if look_first and (said := await look()):
        return said
    try:
        return await github.comment(repo, number, marked(body, key, sign), priority=priority)
    except Unavailable as unsure:
        return await left_by(unsure, look, github.clock, settle)


async def _delete(github: GitHub, repo: RepoRef, comment_id: int) -> None:
    try:
        await github.delete_comment(repo, comment_id)
    except Refused:
        # It stays twice, which is better than never to come to an end over it.
        return
