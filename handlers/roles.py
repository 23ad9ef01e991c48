"""What somebody may do in a repository."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(IntEnum):
    """What somebody may do in a repository, in GitHub's order."""

    NONE = 0
    READ = 1
    TRIAGE = 2
    WRITE = 3
    MAINTAIN = 4
    ADMIN = 5


# The booleans of a user in a repository, the mightiest first.
_PERMISSIONS: Final = (
    ("admin", Role.ADMIN),
    ("maintain", Role.MAINTAIN),
    ("push", Role.WRITE),
    ("triage", Role.TRIAGE),
    ("pull", Role.READ),
)


def role_of(role_name: str, permissions: Mapping[str, bool]) -> Role:
    """Return the role that GitHub's permission answer speaks of.

    Args:
        role_name: The answer's `role_name`; an organisation can have names of its own.
        permissions: The answer's `user.permissions`, which decide for such names.
    """
    known = Role.__members__.get(role_name.upper())
    if known is not None:
        return known
    return next((role for key, role in _PERMISSIONS if permissions.get(key)), Role.NONE)
