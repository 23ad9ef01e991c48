"""Lists of tasks: who may see which, and what of them is wanted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A repository that has tasks."""

    repository_id: int
    installation_id: int
    full_name: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose tasks somebody may see: their own where they can read, all where they can write.

    `readable` are repositories where the person has at least READ, `writable` at least WRITE.
    """

    person_id: int
    everything: bool = False
    readable: frozenset[int] = frozenset()
    writable: frozenset[int] = frozenset()
