"""Times and money as people read them."""

from __future__ import annotations

from datetime import datetime

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def span(seconds: float) -> str:
    """How long something took, in one or two units."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        rest = f" {whole % MINUTE} s" if whole < 10 * MINUTE and whole % MINUTE else ""
        return f"{whole // MINUTE} min{rest}"
    if whole < 2 * DAY:
        rest = f" {whole % HOUR // MINUTE} min" if whole % HOUR >= MINUTE else ""
        return f"{whole // HOUR} h{rest}"
    return f"{whole // DAY} days"


def brief(seconds: float) -> str:
    """The same, where the part of a second counts."""
    few = 10
    return f"{max(0.0, seconds):.1f} s" if seconds < few else span(seconds)


def ago(then: datetime, now: datetime) -> str:
    """How long ago something was."""
    seconds = (now - then).total_seconds()
    return "just now" if seconds < MINUTE else f"{span(seconds - seconds % MINUTE)} ago"


def when(moment: datetime) -> str:
    """A moment in UTC, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def dollars(amount: float) -> str:
    """An amount of US dollars; a little is not nothing."""
    return "<$0.01" if 0 < amount < 0.01 else f"${amount:,.2f}"  # noqa: PLR2004 - a cent
