"""Somebody who was let in."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.values import Person


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was let in. With a key, `scopes` are the key's; a session has all."""

    person: Person
    operator: bool
    scopes: frozenset[str]
    key_id: str | None = None
    session_id: str | None = None
