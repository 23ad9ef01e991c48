"""What operators read of workers that were lost; people on GitHub get neither paths nor output."""

from __future__ import annotations

import structlog

from handlers.decision import Decision
from handlers.values import ErrorCode

LAST = 2_000
"""Characters of a worker's own output that are put into the log."""
LOSSES = frozenset({ErrorCode.WORKER_LOST, ErrorCode.LAUNCH_FAILED})
AGAIN = {"status": "queued"}
"""What a warning says of a task that waits for another worker."""

_log = structlog.stdlib.get_logger(__name__)


def tell_if_lost(decision: Decision, *, code: int | None = None, last: str = "") -> None:
    """Log it where a worker's end or silence began a new try, or was one too many.

    Args:
        decision: What was decided about the worker's end, or as the clock struck.
        code: Its exit code, where one is known.
        last: What it wrote last, without the keys that it had; what else looks like a secret is
            taken out as the line is written.
    """
    task = decision.task
    if task is None:
        return
    again = any(one.type == "warning" and one.data == AGAIN for one in decision.timeline)
    if again or (task.error is not None and task.error.code in LOSSES):
        _log.warning("worker lost", task=task.id, name=task.name, code=code, last=last[-LAST:])
