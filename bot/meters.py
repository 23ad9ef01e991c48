"""What Bellhop counts while it works: plain numbers, read when somebody asks for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from handlers.task import Status
from storage.moves import Moved
from storage.timings import LONG, SHORT, Timings

_log = structlog.stdlib.get_logger(__name__)


def _nobody() -> int:
    return 0


@dataclass(slots=True)
class Meters:
    """Counted since this process began."""

    deliveries: Counter[str] = field(default_factory=Counter[str])
    """Webhook deliveries by what they were answered: see `bot.http.webhooks`."""
    answers: Timings = field(default_factory=lambda: Timings(SHORT))
    """Seconds from a delivery's head to its answer."""
    missed: Counter[str] = field(default_factory=Counter[str])
    """Missed deliveries by what became of them: see `storage.missed`."""
    looks: Counter[str] = field(default_factory=Counter[str])
    """Looks at GitHub's log of deliveries: those that were `done`, and those that `failed`."""
    effects: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """Tries of effects by kind and by what became of them."""
    waits: Timings = field(default_factory=lambda: Timings(LONG))
    """Seconds that attempts waited for a place."""
    attempts: dict[str, Timings] = field(default_factory=dict[str, Timings])
    """Seconds that attempts took from their worker's first call, by how they ended."""
    streams: Callable[[], int] = _nobody
    """How many event streams are open."""

    def moved(self, move: Moved) -> None:
        """A task has moved through its lifecycle."""
        task = move.task
        _log.info("task moved", task=task.id, attempt=task.attempt, status=task.status.value)
        if move.before is Status.QUEUED and task.status is Status.STARTING:
            self.waits.add((move.at - task.queued_at).total_seconds())
        elif task.ended and task.started_at is not None and task.completed_at is not None:
            took = self.attempts.setdefault(task.status.value, Timings(LONG))
            took.add((task.completed_at - task.started_at).total_seconds())
