"""Lists of tasks: what somebody may see of them."""

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
    """What a person sees: repositories they can read, and those they can push to, by id."""

    person_id: int
    everything: bool = False
    readable: frozenset[int] = frozenset()
    writable: frozenset[int] = frozenset()
