"""How long GitHub asks to wait, read from an answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# GitHub: "wait for at least one minute" where an answer does not say how long.
UNTOLD = 60.0
# GitHub counts by the hour: a longer wait comes from clocks that disagree.
LONGEST = 3600.0


def limit_wait(status: int, headers: Mapping[str, str], message: str, now: float) -> float | None:
    """How many seconds to wait after this answer, or None where it tells of no rate limit.

    A limit is a 429, or a 403 that says so by a header or in words; every other 403 is a refusal.
    The order is the one of GitHub's "Rate limits for the REST API": `retry-after`, else the
    reset when nothing remains, else a minute.

    Args:
        status: The answer's HTTP status.
        headers: The answer's headers, read case-insensitively or in lower case.
        message: What GitHub said.
        now: Seconds since the epoch.
    """
    if status not in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
        return None
    told = _seconds(headers.get("retry-after"))
    if told is not None:
        return told
    if headers.get("x-ratelimit-remaining") == "0":
        reset = headers.get("x-ratelimit-reset", "")
        return _clamp(int(reset) - now) if reset.isdecimal() else UNTOLD
    if status == HTTPStatus.TOO_MANY_REQUESTS or "rate limit" in message.lower():
        return UNTOLD
    return None


def _seconds(header: str | None) -> float | None:
    if header is None:
        return None
    # HTTP allows a date here, which GitHub does not send.
    return _clamp(int(header)) if header.strip().isdecimal() else UNTOLD


def _clamp(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST)
