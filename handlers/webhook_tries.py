"""What becomes of a webhook after each try to send it: delivered, tried again, or given up.

The waits are those of Standard Webhooks after the first seconds; after a day it is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WAITS = (1.0, 2.0, 4.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0)
"""Seconds before the second try, the third, and so on; one more is made when the day is over."""
LONG = 300.0
"""From here on waits vary, so that a receiver that comes back is not called by all at once."""
A_DAY = timedelta(days=1)
TRANSIENT = frozenset({408, 425, 429})
"""Refusals of the 4xx class that a later try may not meet."""
SAYS_WHEN = frozenset({429, 503})
"""Answers of which a `Retry-After` counts."""


class Sending(StrEnum):
    """Where a message is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try went: the status of the answer, or in words why there was none."""

    at: datetime
    """When it began."""
    milliseconds: int
    """How long it took."""
    status: int | None = None
    error: str | None = None
    again: bool = True
    """Whether a later try may go better, where there was no answer."""
    retry_after: float | None = None
    """Seconds that the receiver asks to be left alone for."""


@dataclass(frozen=True, slots=True)
class Next:
    """What is done now; `due_at` is when it is tried again."""

    state: Sending
    due_at: datetime | None = None


def what_next(
    outcome: Outcome, tried: int, begun_at: datetime, now: datetime, jitter: float
) -> Next:
    """Decide about a message after a try.

    Args:
        outcome: How the try went.
        tried: How often it was tried by now, this try included.
        begun_at: When the first of these tries was due.
        now: The time.
        jitter: From 0 up to 1: where a long wait lies between 0.9 and 1.1 of itself.
    """
    if outcome.status is not None and 200 <= outcome.status < 300:  # noqa: PLR2004 - success
        return Next(Sending.DELIVERED)
    end = begun_at + A_DAY
    if not _may_pass(outcome) or now >= end:
        return Next(Sending.FAILED)
    return Next(Sending.WAITING, min(now + _wait(outcome, tried, jitter), end))


def _may_pass(outcome: Outcome) -> bool:
    """Whether trying again makes sense. A redirect is a failure: it is not followed."""
    if outcome.status is None:
        return outcome.again
    return outcome.status in TRANSIENT or not 400 <= outcome.status < 500  # noqa: PLR2004 - its class


def _wait(outcome: Outcome, tried: int, jitter: float) -> timedelta:
    if tried > len(WAITS):
        return A_DAY
    wait = WAITS[tried - 1]
    if wait >= LONG:
        wait *= 0.9 + 0.2 * jitter
    if outcome.status in SAYS_WHEN and outcome.retry_after is not None:
        wait = max(wait, min(outcome.retry_after, A_DAY.total_seconds()))
    return timedelta(seconds=wait)
