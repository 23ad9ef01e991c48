"""Deliveries that GitHub could not bring: which of its log's entries are to be had again.

GitHub tries each delivery once. Its log has an entry for each attempt, by hand or through the API
as well; all attempts of one delivery share its GUID. See
https://docs.github.com/en/webhooks/using-webhooks/automatically-redelivering-failed-deliveries-for-a-github-app-webhook.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from handlers.deliveries import Delivery, TextWritten, listens_to

DELIVERED = "OK"
"""The status of an attempt that was answered with 2xx; GitHub has many words for all others."""

LAST = 2**63 - 1
"""Behind every id that GitHub gives."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An entry of the log; `id` is the attempt's own, `guid` that of the delivery."""

    id: int
    guid: str
    sent_at: datetime
    status: str
    event: str
    action: str | None
    installation_id: int | None


@dataclass(frozen=True, slots=True)
class Missed:
    """A delivery of which no attempt is known to have arrived.

    Attributes:
        guid: Its id, the same in each attempt.
        attempt_id: The latest attempt, by which GitHub is asked for it.
        event: The name of the event.
        sent_at: When GitHub tried first, as far as is known.
    """

    guid: str
    attempt_id: int
    event: str
    sent_at: datetime


@dataclass(slots=True)
class LogReader:
    """Goes through the log, page by page, and remembers what may have been missed."""

    _failed: dict[str, list[Attempt]] = field(default_factory=dict[str, list[Attempt]], init=False)
    _arrived: set[str] = field(default_factory=set[str], init=False)

    def add(self, attempts: Iterable[Attempt]) -> None:
        """Take in a page."""
        for one in attempts:
            if not listens_to(one.event, one.action, one.installation_id):
                continue  # To ask for it would cost more than it could tell.
            if one.status == DELIVERED:
                self._arrived.add(one.guid)
            else:
                self._failed.setdefault(one.guid, []).append(one)

    def missed(self, since: datetime | None = None) -> tuple[Missed, ...]:
        """The deliveries without an attempt that arrived, in the order in which they were sent.

        With `since`, only those that were tried at or after that time: a page may go back behind
        it, to what was dealt with so long ago that it is kept no more.
        """
        found = [
            _joined(some)
            for guid, some in self._failed.items()
            if guid not in self._arrived
            and (since is None or any(one.sent_at >= since for one in some))
        ]
        return tuple(sorted(found, key=lambda one: (one.sent_at, one.attempt_id)))


def place_of(value: Delivery, sent_at: datetime) -> tuple[datetime, int]:
    """Where a delivery stands among those that were missed: by when it was written, then by id.

    What nobody wrote, such as that an issue was closed, stands where it was sent, behind what was
    written in that second: GitHub tells no parts of seconds, and closes an issue with a comment.
    """
    if isinstance(value, TextWritten):
        return value.written_at, value.source_id
    return sent_at, LAST


def _joined(attempts: list[Attempt]) -> Missed:
    in_order = sorted(attempts, key=lambda one: (one.sent_at, one.id))
    first, last = in_order[0], in_order[-1]
    return Missed(first.guid, last.id, first.event, first.sent_at)
