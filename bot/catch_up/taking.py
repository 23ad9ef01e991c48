"""What was missed is had: one after the other, as people wrote it.

GitHub is asked to deliver each again, and the next has its turn when that one is stored: so all
come in order, GitHub's log shows them as delivered, and a copy of this Bellhop that is restored
later does not find them missing. What does not come is stored from its payload.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from dataclasses import dataclass, field

import structlog

from bot.catch_up.tools import OF_ONE, Tools
from bot.github.errors import GitHubError, Refused
from storage.candidates import Candidate
from storage.missed import Outcome, Turn

_log = structlog.stdlib.get_logger(__name__)

SPACING = 1.0
"""Seconds between two redeliveries: what GitHub advises for writes."""
MOST_ASKED = 100
"""Redeliveries in one look. Of a thousand the last would come after hours, since GitHub allows some
500 writes an hour: the others are taken from their payloads at once."""
MOST_ASKS = 2
"""How often GitHub is asked to deliver one again: a look may have been cut off in between."""


@dataclass(slots=True)
class Taking:
    """Takes what waits in one look; `rest` is how many seconds GitHub asks to be left alone."""

    tools: Tools
    rest: float = 0.0
    _asked: int = field(default=0, init=False)
    _asking: bool = field(default=True, init=False)
    """Whether deliveries come when they are asked for."""

    async def take_all(self) -> None:
        """Take all whose payload is read.

        Raises:
            GitHubError: one that has no payload cannot be delivered again now.
            StorageFailed: nothing can be stored.
        """
        while (turn := await self.tools.store.missed.next()) is not None:
            await self._take(turn)

    async def _take(self, turn: Turn) -> None:
        tools, missed, arrival = self.tools, turn.missed, None
        if turn.body is not None:
            found = tools.understood(missed, turn.body)
            if isinstance(found, Outcome):
                await tools.done(missed, found)
                return
            arrival = found.arrival
        candidates = arrival.candidates if arrival else ()
        if await tools.store.missed.is_stored(missed.guid, candidates):
            await tools.done(missed, Outcome.REDELIVERED if turn.asks else Outcome.KNOWN)
        elif await self._comes(turn, candidates):
            await tools.done(missed, Outcome.REDELIVERED)
        elif arrival is None:
            await tools.done(missed, Outcome.LOST)
        else:
            now = tools.clock()
            outcome = await tools.store.missed.take(arrival._replace(received_at=now))
            tools.store.changed.set()
            tools.tell(missed, outcome)

    async def _comes(self, turn: Turn, candidates: Collection[Candidate]) -> bool:
        """Ask GitHub to deliver it again, if that makes sense, and wait until it is stored."""
        if not self._may_ask(turn):
            return False
        if self._asked:
            await self.tools.github.clock.sleep(SPACING)
        self._asked += 1
        await self.tools.store.missed.asked(turn.missed.guid)
        try:
            await self.tools.github.redeliver(turn.missed.attempt_id)
        except GitHubError as error:
            self._heed(turn, error)
            return False
        self._asking = await self._stored(turn.missed.guid, candidates)
        if not self._asking:
            _log.info("a redelivery did not come", delivery=turn.missed.guid)
        return self._asking

    def _may_ask(self, turn: Turn) -> bool:
        if turn.asks >= MOST_ASKS:
            return False
        return turn.body is None or (self._asking and self._asked < MOST_ASKED)

    def _heed(self, turn: Turn, error: GitHubError) -> None:
        """Take the payload instead of what GitHub does not deliver, and ask no more if so it says.

        Raises:
            GitHubError: there is no payload, and a later try may go better.
        """
        _log.info("not delivered again", delivery=turn.missed.guid, problem=str(error))
        if isinstance(error, Refused) and error.status in OF_ONE:
            return
        self._asking = False
        self.rest = error.retry_after or 0.0
        if turn.body is None:
            raise error

    async def _stored(self, guid: str, candidates: Collection[Candidate]) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.tools.patience):
                while True:
                    self.tools.stored.clear()
                    if await self.tools.store.missed.is_stored(guid, candidates):
                        return True
                    await self.tools.stored.wait()
        return False
