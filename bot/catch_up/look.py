"""When GitHub's log of deliveries is looked at: at the start, and every ten minutes."""

from __future__ import annotations

import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from bot.catch_up.finding import read_log, read_payloads
from bot.catch_up.taking import Taking
from bot.catch_up.tools import Tools
from bot.github.errors import GitHubError, Limited
from storage import StorageFailed

_log = structlog.stdlib.get_logger(__name__)

EVERY = timedelta(minutes=10)
AT_ONCE = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class CatchUp:
    """Looks when it is due; `due_at` is None while a look is under way."""

    tools: Tools
    due_at: datetime | None = field(default=AT_ONCE, init=False)
    _failures: int = field(default=0, init=False)

    def is_due(self, now: datetime) -> bool:
        """Whether it is time for a look."""
        return self.due_at is not None and self.due_at <= now

    def look(self) -> Coroutine[object, object, None]:
        """One look, to be run at once: from here on none is due until it has ended."""
        self.due_at = None
        return self._look_once()

    async def _look_once(self) -> None:
        """After a failure the next look comes sooner, or when GitHub says."""
        wait, problem = EVERY, ""
        try:
            wait = max(wait, timedelta(seconds=await self._look()))
            self._failures = 0
        except (GitHubError, StorageFailed) as error:
            self._failures += 1
            wait, problem = self._wait_after(error), str(error)
            _log.warning("the log of deliveries was not read", problem=problem)
        finally:
            self.due_at = self.tools.clock() + wait
        self.tools.meters.looks["failed" if problem else "done"] += 1
        with contextlib.suppress(StorageFailed):
            await self.tools.store.missed.looked(self.tools.clock(), problem)

    async def _look(self) -> float:
        """Find and take what was missed; returns for how many seconds GitHub asks to rest.

        What was written later is not taken before what may still be read, unless that failed before
        already.
        """
        await read_log(self.tools)
        failure = await read_payloads(self.tools)
        if isinstance(failure, Limited):
            raise failure
        taking = Taking(self.tools)
        if failure is None or not await self.tools.store.missed.unread(fresh=True):
            await taking.take_all()
        if failure is not None:
            raise failure
        return taking.rest

    def _wait_after(self, error: GitHubError | StorageFailed) -> timedelta:
        told = error.retry_after if isinstance(error, GitHubError) else None
        wait = self.tools.backoff(self._failures) if told is None else told
        return timedelta(seconds=wait)
