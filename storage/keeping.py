"""How long what is kept is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

EFFECTS = timedelta(days=14)
"""After they were done."""
OUTBOUND = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Keep:
    """How long deliveries, log lines and the tombstones of deleted tasks are kept."""

    payloads: timedelta = timedelta(days=14)
    logs: timedelta = timedelta(days=30)
    tombstones: timedelta = timedelta(days=30)
