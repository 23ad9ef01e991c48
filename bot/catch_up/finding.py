"""What was missed: found in GitHub's log of deliveries, and its payloads got from there."""

from __future__ import annotations

from datetime import timedelta

import structlog

from bot.catch_up.tools import OF_ONE, Tools
from bot.github.errors import GitHubError, Limited, Refused
from handlers.missed import LAST, LogReader, Missed
from storage.missed import Outcome

_log = structlog.stdlib.get_logger(__name__)

OVERLAP = timedelta(minutes=5)
"""How far a look goes back behind the one before: an attempt comes into the log when it has ended,
and GitHub's machines may not agree about the time."""
MOST_FAILURES = 100
"""How often GitHub may fail to give one payload before it is given up; that takes some 8 hours."""


async def read_log(tools: Tools) -> None:
    """Note what was missed since the log was read last; it is read to its end or not at all.

    Raises:
        GitHubError: GitHub did not give a page of it.
        StorageFailed: it cannot be noted.
    """
    since = await tools.store.missed.read_to()
    oldest = None if since is None else since - OVERLAP
    reader, newest, page = LogReader(), since, None
    while True:
        attempts, page = await tools.github.attempts(page)
        reader.add(attempts)
        times = [one.sent_at for one in attempts]
        newest = max([*times, newest] if newest else times, default=None)
        if page is None or not times or (oldest is not None and min(times) < oldest):
            break
    found = await tools.store.missed.note(reader.missed(oldest), newest, tools.clock())
    if found:
        _log.warning("deliveries were missed", count=found)


async def read_payloads(tools: Tools) -> GitHubError | None:
    """Get the payloads of what was noted, until GitHub does not give one; then why.

    Those that failed before come last, so that one that never can be had holds up no other.

    Raises:
        StorageFailed: nothing can be noted.
    """
    for missed in await tools.store.missed.unread():
        try:
            body = await tools.github.payload(missed.attempt_id)
        except GitHubError as error:
            if not await _given_up(tools, missed, error):
                return error
        else:
            await _keep(tools, missed, body)
    return None


async def _given_up(tools: Tools, missed: Missed, error: GitHubError) -> bool:
    """Whether a payload is asked for no more; a limit says nothing about it."""
    if isinstance(error, Limited):
        return False
    gone = isinstance(error, Refused) and error.status in OF_ONE
    if not gone and await tools.store.missed.failed(missed.guid) < MOST_FAILURES:
        return False
    await tools.done(missed, Outcome.LOST)
    return True


async def _keep(tools: Tools, missed: Missed, body: bytes | None) -> None:
    """Keep what asks for something; without a payload, GitHub alone can bring it."""
    place = (missed.sent_at, LAST)
    if body is not None:
        found = tools.understood(missed, body)
        if isinstance(found, Outcome):
            await tools.done(missed, found)
            return
        place = found.place
    await tools.store.missed.read(missed.guid, body, place)
