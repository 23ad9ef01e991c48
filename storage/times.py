"""Times as the database keeps them: RFC 3339 in UTC with microseconds, so that text sorts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def to_text(time: datetime) -> str:
    """A time as text; it must know its zone."""
    # Not strftime, which writes early years with fewer than four digits.
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_text(text: str) -> datetime:
    """The time of a text that `to_text` made."""
    return datetime.fromisoformat(text)


def maybe_text(time: datetime | None) -> str | None:
    """A time as text, if there is one."""
    return None if time is None else to_text(time)


def to_micros(time: datetime) -> int:
    """A time as microseconds since 1970, where numbers take less room than text."""
    return (time - _EPOCH) // _MICRO


def from_micros(micros: int) -> datetime:
    """The time of a number that `to_micros` made."""
    return _EPOCH + micros * _MICRO
