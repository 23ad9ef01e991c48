"""Which version of the worker's contract a worker speaks, and whether Bellhop does, too."""

from __future__ import annotations

from bot.http.problems import Problem

VERSION = 1
"""What Bellhop speaks best; it takes the one before as well, so that workers outlive an upgrade."""
FIRST = 1
"""The first there was: what a worker speaks that does not say it."""
HEADER = "Bellhop-Contract"


def taken(ours: int = VERSION) -> range:
    """The versions that a Bellhop of a version takes."""
    return range(max(FIRST, ours - 1), ours + 1)


def spoken(told: str | None, ours: int = VERSION) -> int:
    """The version that a worker and this Bellhop have in common.

    Args:
        told: What the worker says of itself, None where it says nothing.
        ours: Bellhop's.

    Raises:
        Problem: there is none.
    """
    known = {str(version): version for version in taken(ours)}
    theirs = str(FIRST) if told is None else told
    if theirs not in known:
        raise Problem(
            400,
            f"This Bellhop speaks the worker's contract in version {' and '.join(known)}, not "
            f"“{theirs[:20]}”: use the worker that belongs to it.",
            code="contract",
        )
    return known[theirs]
