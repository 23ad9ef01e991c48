"""Secrets as people paste them: what can be one, and what to do about what cannot."""

from __future__ import annotations

LONGEST_KEY = 512
"""Characters of a provider's key."""
LONGEST_FLY_TOKEN = 8192
"""Characters: an organisation's Fly tokens are long."""
SHORTEST = 8
"""Of fewer, the last four would tell too much, and no provider gives any."""
FLY = "FlyV1 "
"""Fly prints it before its tokens; it is taken with or without."""

_AGAIN = "copy it again, whole and alone: "


def clean(text: str, longest: int) -> str:
    """A secret without the blanks around it.

    Raises:
        ValueError: it cannot be one. The message says what to do and does not quote it.
    """
    text = text.strip().removeprefix(FLY).strip()
    if not text:
        raise ValueError("it is blank; give the key, or null to remove it")
    if not text.isascii() or not text.isprintable():
        raise ValueError(f"{_AGAIN}it has signs that no key has")
    if " " in text:
        raise ValueError(f"{_AGAIN}it has a blank in it")
    if len(text) < SHORTEST:
        raise ValueError(f"{_AGAIN}it has fewer than {SHORTEST} characters")
    if len(text) > longest:
        raise ValueError(f"{_AGAIN}it has more than {longest} characters")
    return text
