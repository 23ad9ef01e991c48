"""What a look at GitHub's log of deliveries is done with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import structlog

from bot.github.client import GitHub
from bot.http.problems import Problem
from bot.meters import Meters
from handlers.deliveries import Unreadable, read_delivery
from handlers.missed import Missed, place_of
from storage import Store
from storage.missed import Outcome
from storage.receiving import Arrival

_log = structlog.stdlib.get_logger(__name__)

OF_ONE = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.GONE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""Refusals that say something of one delivery alone: GitHub keeps it no longer, for example."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What a payload asks for, and where it stands among those that were missed."""

    arrival: Arrival
    place: tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class Tools:
    """What a look needs.

    Attributes:
        read: What is to be stored of a delivery of this GUID and event with this body; None where
            it asks for nothing. Raises `Problem` for what is not such an event.
        stored: Set by whoever has stored a delivery.
        backoff: The seconds before another look, from how many have failed.
        patience: Seconds that a delivery may take to come after GitHub was asked for it again.
    """

    store: Store
    github: GitHub
    read: Callable[[str, str, bytes], Arrival | None]
    stored: asyncio.Event
    clock: Callable[[], datetime]
    backoff: Callable[[int], float]
    patience: float
    meters: Meters

    def understood(self, missed: Missed, body: bytes) -> Understood | Outcome:
        """What a payload means; an outcome where there is nothing to be done about it.

        One that makes us fail is given up as well, or it would hold up all others for good.
        """
        try:
            arrival = self.read(missed.guid, missed.event, body)
            value = read_delivery(missed.event, body)
        except (Problem, Unreadable):
            return Outcome.UNREADABLE
        except Exception:  # noqa: BLE001 - a mistake of ours, which is logged
            _log.exception("a missed delivery failed", delivery=missed.guid)
            return Outcome.UNREADABLE
        if arrival is None or value is None:
            return Outcome.NOTHING
        return Understood(arrival, place_of(value, missed.sent_at))

    async def done(self, missed: Missed, outcome: Outcome) -> None:
        """Note what became of a delivery."""
        await self.store.missed.done(missed.guid, outcome, self.clock())
        self.tell(missed, outcome)

    def tell(self, missed: Missed, outcome: Outcome) -> None:
        """Count it, and say so where somebody may want to know."""
        self.meters.missed[outcome.value] += 1
        about = {"delivery": missed.guid, "event_name": missed.event, "outcome": outcome.value}
        if outcome in {Outcome.UNREADABLE, Outcome.LOST}:
            _log.warning("a missed delivery is given up", **about)
        elif outcome is not Outcome.NOTHING:
            _log.info("a missed delivery is taken", **about)
