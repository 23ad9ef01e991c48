"""One call to a program of somebody's: what it answers, or in words why it does not."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
from yarl import URL

from bot.outbound_guard import TO_CONNECT, Forbidden, LookUpFailed
from bot.outbound_url import NOT_ALLOWED, NOT_FOUND, UNKNOWN

MOST_ANSWER = 16 * 1024
"""Bytes of an answer that are read, and thrown away: so its sender is not cut off in the middle."""
LONGEST_WAIT = 10**6
"""Seconds; above that nobody looks at what a receiver asks for."""
SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What counts of an answer; `retry_after` in seconds."""

    status: int
    retry_after: float | None = None


class Unanswered(Exception):  # noqa: N818 - the name says what happened
    """There was no answer; the text says why, without a word of what is behind the address."""

    def __init__(self, why: str, *, again: bool = True) -> None:
        super().__init__(why)
        self.again = again
        """Whether that may pass."""


async def call(
    session: aiohttp.ClientSession,
    url: URL,
    body: bytes,
    headers: Mapping[str, str],
    *,
    patience: float,
    now: datetime,
) -> Answer:
    """Post a body once; a redirect is an answer like any other.

    Args:
        session: The guarded one.
        url: As it was checked.
        body: What to post.
        headers: Of the request.
        patience: Seconds for all of it.
        now: The time, from which dates in the answer are counted.

    Raises:
        Unanswered: why.
    """
    timeout = aiohttp.ClientTimeout(total=patience, sock_connect=TO_CONNECT)
    try:
        async with session.post(
            url, data=body, headers=headers, allow_redirects=False, timeout=timeout
        ) as answer:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                await _read_some(answer.content)
            return Answer(answer.status, _retry_after(answer.headers.get("Retry-After"), now))
    except TimeoutError:
        raise Unanswered("it did not answer in time") from None
    except (aiohttp.ClientError, ValueError) as error:
        raise _unanswered(error) from error


async def _read_some(content: aiohttp.StreamReader) -> None:
    left = MOST_ANSWER
    while left > 0 and (part := await content.read(left)):
        left -= len(part)


def _unanswered(error: Exception) -> Unanswered:
    match error:
        case aiohttp.ClientConnectorDNSError(os_error=LookUpFailed()):
            return Unanswered(UNKNOWN)
        case aiohttp.ClientConnectorDNSError():
            return Unanswered(NOT_FOUND)  # or a private one: which, is nobody's business
        case aiohttp.ClientConnectorError(os_error=Forbidden()):
            return Unanswered(NOT_ALLOWED, again=False)
        case aiohttp.ClientConnectorCertificateError():
            return Unanswered("its certificate is not valid")
        case aiohttp.ClientSSLError():
            return Unanswered("no encrypted connection could be made")
        case aiohttp.ClientConnectorError():
            return Unanswered("it could not be connected to")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return Unanswered("it cut the connection")
        case _:
            return Unanswered("what it answered is not HTTP")


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from a header that holds seconds or a date."""
    if value is None:
        return None
    if SECONDS.fullmatch(value.strip()):
        return float(min(int(value), LONGEST_WAIT))
    try:
        until = parsedate_to_datetime(value)
        wait = (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, wait), LONGEST_WAIT)
