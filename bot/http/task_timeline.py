"""The states of a task, attempt by attempt, as bands and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from markupsafe import Markup

from bot.http.drawing import Part, band
from bot.http.spans import brief
from handlers.text import plain_line
from storage.attempts import Attempt
from storage.timeline import Happened

MOST = 40
"""Parts of a band: a worker names its states as it likes."""
COLOURS = {
    "queued": "s-waiting",
    "waiting_for_slot": "s-waiting",
    "waiting_for_budget": "s-waiting",
    "awaiting_approval": "s-waiting",
    "starting": "s-starting",
    "running": "s-starting",
    "cloning": "s-cloning",
    "working": "s-working",
    "idle": "s-waiting",
    "pushing": "s-pushing",
    "opening_pull_request": "s-opening",
    "stopping": "s-stopping",
}
OTHER = "s-other"
REST = "much else"


@dataclass(frozen=True, slots=True)
class Stay:
    """How long an attempt was in a state; seconds."""

    name: str
    colour: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt: its picture, and what the picture says."""

    attempt: int
    seconds: float
    picture: Markup
    stays: tuple[Stay, ...]


def rows(
    attempts: Sequence[Attempt], states: Sequence[Happened], now: datetime, *, ended: bool
) -> list[Row]:
    """A row for each attempt, oldest first, all to the same scale."""
    found = [
        (attempt, _stays(attempt, states, now if _goes_on(attempt, attempts, ended) else None))
        for attempt in attempts
    ]
    whole = max((sum(stay.seconds for stay in stays) for _, stays in found), default=0.0)
    return [_row(attempt, stays, whole) for attempt, stays in found]


def _goes_on(attempt: Attempt, attempts: Sequence[Attempt], ended: bool) -> bool:  # noqa: FBT001 - its meaning is in its name
    return attempt is attempts[-1] and not ended


def _row(attempt: Attempt, stays: tuple[Stay, ...], whole: float) -> Row:
    seconds = sum(stay.seconds for stay in stays)
    parts = [
        Part(stay.seconds, stay.colour, f"{stay.name}: {brief(stay.seconds)}") for stay in stays
    ]
    picture = band(parts, whole, f"The states of attempt {attempt.attempt}")
    return Row(attempt.attempt, seconds, picture, stays)


def _stays(attempt: Attempt, states: Sequence[Happened], now: datetime | None) -> tuple[Stay, ...]:
    """The states of an attempt with how long each took; `now` for one that goes on."""
    end = now or attempt.completed_at
    moments = list(_moments(attempt, states))
    if end is None or not moments:
        return ()
    moments.append((end, ""))
    stays = [
        Stay(_said(name), COLOURS.get(name, OTHER), max(0.0, (until - at).total_seconds()))
        for (at, name), (until, _) in pairwise(moments)
    ]
    if len(stays) > MOST:
        rest = sum(stay.seconds for stay in stays[MOST - 1 :])
        stays = [*stays[: MOST - 1], Stay(REST, OTHER, rest)]
    return tuple(stays)


def _moments(attempt: Attempt, states: Sequence[Happened]) -> Iterator[tuple[datetime, str]]:
    """When an attempt came into which state, without its end and what repeats itself."""
    last = None
    for one in states:
        name = str(one.data.get("state") or one.data.get("status"))
        if one.attempt != attempt.attempt or name in {last, *_ENDS}:
            continue
        yield one.timestamp, name
        last = name


_ENDS = frozenset({"completed", "failed", "cancelled", "rejected"})


def _said(name: str) -> str:
    return plain_line(name.replace("_", " "), 60)
