"""What keeps Bellhop going: inbox -> facts -> decide; outbox -> perform; clocks.

One loop, woken by the store after every commit and by the next clock. What waits for GitHub or a
runner does so in tasks of its own, so that nothing holds up anything else; only the deliveries of
one issue are taken one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.effects.perform import Performer
from bot.github.errors import GitHubError
from bot.intake import Intake
from handlers.deliveries import TextWritten
from handlers.events import ClockStruck
from storage import StorageFailed, Store
from storage.inbox import Waiting
from storage.outbox import Owed

_log = structlog.stdlib.get_logger(__name__)

AT_A_TIME = 64
"""How many effects, and how many deliveries, are under way at most."""
LONGEST_SLEEP = timedelta(minutes=1)
TIDY_EVERY = timedelta(hours=1)
AFTER_A_FAILURE = 1.0
"""Seconds of rest after the database failed."""
PARTING = 3.0
"""Seconds that what is under way gets to end when Bellhop is stopped."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long deliveries and log lines are kept."""

    payloads: timedelta = timedelta(days=14)
    logs: timedelta = timedelta(days=30)


@dataclass(slots=True)
class _Patience:
    """When a delivery that GitHub gave no answer about is tried again."""

    tries: int
    until: datetime


@dataclass(slots=True)
class Pump:
    """Run it as one task; cancel that task to stop. Nothing is lost by stopping anywhere."""

    store: Store
    intake: Intake
    performer: Performer
    clock: Callable[[], datetime]
    backoff: Callable[[int], float]
    keep: Keep = field(default_factory=Keep)
    _at_work: dict[Hashable, asyncio.Task[None]] = field(
        default_factory=dict[Hashable, asyncio.Task[None]], init=False
    )
    _patience: dict[str, _Patience] = field(default_factory=dict[str, _Patience], init=False)
    _broken: set[str] = field(default_factory=set[str], init=False)
    _tidied: datetime | None = field(default=None, init=False)

    async def run(self) -> None:
        """Go on until cancelled."""
        try:
            while True:
                self.store.changed.clear()
                now = self.clock()
                try:
                    await self._tick(now)
                    await self._sleep(now)
                except StorageFailed as error:
                    _log.error("the database fails", problem=str(error))
                    await asyncio.sleep(AFTER_A_FAILURE)
        finally:
            await self._leave()

    @property
    def busy(self) -> bool:
        """Whether a delivery or an effect is under way."""
        return bool(self._at_work)

    async def idle(self) -> bool:
        """Whether nothing is under way and nothing is due."""
        now = self.clock()
        return not (
            self._at_work
            or await self.store.owed_kinds()
            or await self.store.inbox.waiting(1)
            or await self.store.due(now)
        )

    async def _tick(self, now: datetime) -> None:
        await self._take_deliveries(now)
        for task_id in await self.store.due(now):
            await self._strike(task_id, now)
        await self.store.offer_again(now)
        await self._take_effects(now)
        await self._tidy(now)

    async def _strike(self, task_id: str, now: datetime) -> None:
        """Tell a task that one of its clocks ran out; a mistake of ours there stops no other."""
        if task_id in self._broken:
            return
        try:
            await self.store.apply(ClockStruck(task_id), now)
        except StorageFailed:
            raise
        except Exception:  # noqa: BLE001 - a mistake of ours, which is logged
            self._broken.add(task_id)
            _log.exception("a clock failed", task=task_id)

    async def _take_deliveries(self, now: datetime) -> None:
        # Those that were put off are the oldest: they take nobody else's place.
        for waiting in await self.store.inbox.waiting(AT_A_TIME + len(self._patience)):
            patience = self._patience.get(waiting.delivery_id)
            lane = ("issue", *_lane(waiting))
            if lane not in self._at_work and (patience is None or patience.until <= now):
                self._begin(lane, self._take(waiting))

    async def _take(self, waiting: Waiting) -> None:
        try:
            await self.intake.take(waiting)
        except GitHubError as error:
            _log.info("delivery put off", delivery=waiting.delivery_id, problem=str(error))
            self._put_off(waiting, error.retry_after)
        except Exception:  # noqa: BLE001 - a mistake of ours, which is logged
            _log.exception("delivery failed", delivery=waiting.delivery_id)
            self._put_off(waiting, None)
        else:
            self._patience.pop(waiting.delivery_id, None)

    def _put_off(self, waiting: Waiting, wait: float | None) -> None:
        before = self._patience.get(waiting.delivery_id)
        tries = before.tries + 1 if before else 1
        until = self.clock() + timedelta(seconds=wait or self.backoff(tries))
        self._patience[waiting.delivery_id] = _Patience(tries, until)

    async def _take_effects(self, now: datetime) -> None:
        busy = {key for key in self._at_work if isinstance(key, int)}
        room = AT_A_TIME - len(busy)
        for owed in await self.store.claim(now, busy, room):
            self._begin(owed.id, self._perform(owed))

    async def _perform(self, owed: Owed) -> None:
        await self.performer.perform(owed)

    def _begin(self, key: Hashable, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._at_work[key] = task
        task.add_done_callback(lambda done: self._end(key, done))

    def _end(self, key: Hashable, done: asyncio.Task[None]) -> None:
        self._at_work.pop(key, None)
        self.store.changed.set()
        if not done.cancelled() and (error := done.exception()) is not None:
            _log.error("work failed", key=str(key), exc_info=error)

    async def _tidy(self, now: datetime) -> None:
        if self._tidied is None or now - self._tidied >= TIDY_EVERY:
            self._tidied = now
            await self.store.forget_old(now, self.keep.payloads, self.keep.logs)

    async def _sleep(self, seen: datetime) -> None:
        """Wait for a commit, or for what was not due yet when the last look was taken.

        What has become due since that look is waited for as well, for no time; what was due then
        is under way, or waits for something whose end is a commit.
        """
        times = [seen + LONGEST_SLEEP]
        times += [one.until for one in self._patience.values() if one.until > seen]
        if (due := await self.store.next_due(seen)) is not None:
            times.append(due)
        seconds = max(0.0, (min(times) - self.clock()).total_seconds())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.store.changed.wait()

    async def _leave(self) -> None:
        """Let what is under way end if it can soon, so that the answer to a write is heard.

        A token that GitHub made but nobody heard of could not be revoked. The rest is stopped, and
        begins anew after a restart.
        """
        tasks = list(self._at_work.values())
        if tasks:
            await asyncio.wait(tasks, timeout=PARTING)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _lane(waiting: Waiting) -> tuple[object, ...]:
    """What must be taken in order: the texts of one issue, and other events of one repository."""
    value = waiting.value
    if isinstance(value, TextWritten):
        return value.repository.id, value.subject.number
    return (waiting.delivery_id,)
