"""The model as GitHub's JSON: plain dictionaries with the fields of API version 2026-03-10."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from simulator.model import AppIdentity, User

Json = dict[str, Any]


@dataclass(slots=True)
class Site:
    """What every shape needs to know about the place: where it is reached, and its one App.

    The App is another one once somebody has made it from a manifest.
    """

    web: str
    api: str
    app: AppIdentity
    app_owner: User


def stamp(time: datetime | None) -> str | None:
    """Write a time as GitHub does: RFC 3339, UTC, whole seconds."""
    return None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(kind: str, number: int | str) -> str:
    """Make an opaque node id."""
    return f"{kind}_{base64.urlsafe_b64encode(str(number).encode()).decode().rstrip('=')}"
