"""What the plots show, worked out from the totals: pure functions, numbers in and pictures out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

from bot.http.drawing import Bar, Part, band, bars
from bot.http.spans import dollars, span
from storage.pull_times import LONGER, PullTimes
from storage.totals import DayTotal

OUTCOMES = {
    "completed": "o-completed",
    "failed": "o-failed",
    "cancelled": "o-cancelled",
    "lost": "o-lost",
}
"""What becomes of attempts, from the bottom of a bar to its top, each with its colour."""
MOST_REPOSITORIES = 20
OTHERS = "all others"


@dataclass(frozen=True, slots=True)
class Days:
    """Attempts a day by outcome."""

    picture: Markup
    most: int
    """The height of the picture."""
    rows: tuple[tuple[date, dict[str, int]], ...]
    """The days on which there was something."""
    totals: dict[str, int]


@dataclass(frozen=True, slots=True)
class Times:
    """Pull requests by how long they took."""

    picture: Markup
    most: int
    rows: tuple[tuple[str, int], ...]
    feet: tuple[str, ...]
    """What stands below the bars, short."""
    total: int
    half: tuple[str, str] | None
    """When half of them were there, and the word between that and an event; None: there are none.
    """


@dataclass(frozen=True, slots=True)
class Cost:
    """What a repository cost, with its bar."""

    repository: str
    amount: float
    picture: Markup


def days_of(totals: Sequence[DayTotal], first: date, count: int) -> Days:
    """Every day of some, whether there was something or not."""
    found = {first + timedelta(days=day): dict.fromkeys(OUTCOMES, 0) for day in range(count)}
    for one in totals:
        if one.day in found and one.outcome in OUTCOMES:
            found[one.day][one.outcome] += one.attempts
    columns = [Bar(tuple(_parts(day, amounts))) for day, amounts in found.items()]
    return Days(
        picture=bars(columns, "Attempts a day by outcome; the table has the numbers"),
        most=max((sum(amounts.values()) for amounts in found.values()), default=0),
        rows=tuple((day, amounts) for day, amounts in found.items() if any(amounts.values())),
        totals={one: sum(amounts[one] for amounts in found.values()) for one in OUTCOMES},
    )


def times_of(classes: Sequence[PullTimes]) -> Times:
    """How long pull requests took."""
    rows = tuple((_within(one), one.pulls) for one in classes)
    columns = [Bar((Part(pulls, "o-pull", f"{words}: {pulls}"),)) for words, pulls in rows]
    return Times(
        picture=bars(columns, "Pull requests by the time they took; the table has the numbers"),
        most=max((pulls for _, pulls in rows), default=0),
        rows=rows,
        feet=tuple(_foot(one.within) for one in classes),
        total=sum(pulls for _, pulls in rows),
        half=_half(classes),
    )


def costs_of(totals: Sequence[DayTotal]) -> tuple[Cost, ...]:
    """What repositories cost, the dearest first; the many cheap ones are one."""
    found: dict[str, float] = {}
    for one in totals:
        found[one.repository] = found.get(one.repository, 0.0) + one.cost_usd
    ordered = sorted((item for item in found.items() if item[1] > 0), key=lambda item: -item[1])
    shown = ordered[:MOST_REPOSITORIES]
    if rest := sum(amount for _, amount in ordered[MOST_REPOSITORIES:]):
        shown.append((OTHERS, rest))
    most = max((amount for _, amount in shown), default=0.0)
    return tuple(_cost(name, amount, most) for name, amount in shown)


def _cost(name: str, amount: float, most: float) -> Cost:
    part = Part(amount, "o-cost", dollars(amount))
    return Cost(name, amount, band([part], most, f"{name}: {dollars(amount)}"))


def _parts(day: date, amounts: dict[str, int]) -> Iterator[Part]:
    for outcome, colour in OUTCOMES.items():
        if amounts[outcome]:
            yield Part(amounts[outcome], colour, f"{day}: {amounts[outcome]} {outcome}")


def _within(one: PullTimes) -> str:
    return "longer" if one.within == LONGER else f"within {span(one.within)}"


def _foot(within: int) -> str:
    if within == LONGER:
        return "+"
    for seconds, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if within >= seconds:
            return f"{within // seconds}{unit}"
    return f"{within}s"


def _half(classes: Sequence[PullTimes]) -> tuple[str, str] | None:
    total, seen = sum(one.pulls for one in classes), 0
    for one in classes:
        seen += one.pulls
        if total and 2 * seen >= total:
            if one.within == LONGER:
                return "more than a day", "after"
            return f"within {span(one.within)}", "of"
    return None
