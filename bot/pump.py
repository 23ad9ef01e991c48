"""What keeps Bellhop going: inbox -> facts -> decide; outbox -> perform; clocks; webhooks; looks.

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

from bot import trail
from bot.catch_up.look import CatchUp
from bot.effects.perform import Performer
from bot.effects.sending import Courier
from bot.github.errors import GitHubError
from bot.intake import Intake
from bot.line import Line
from bot.losses import tell_if_lost
from handlers.deliveries import IssueGone, IssueLabeled, PullRequestClosed, TextWritten
from handlers.events import ClockStruck
from storage import StorageFailed, Store
from storage.inbox import Waiting
from storage.keeping import Keep
from storage.outbox import Owed

_log = structlog.stdlib.get_logger(__name__)

AT_A_TIME = 64
"""How many effects, and how many deliveries, are under way at most."""
LONGEST_SLEEP = timedelta(minutes=1)
TIDY_EVERY = timedelta(hours=1)
PAGE = 64
"""How many deliveries join the line in one look at the inbox."""
AFTER_A_FAILURE = 1.0
"""Seconds of rest after the database failed, or we did."""
BROKEN_CLOCK = timedelta(minutes=5)
"""How long a clock waits that could not strike by a mistake of ours."""
PARTING = 3.0
"""Seconds that what is under way gets to end when Bellhop is stopped."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """The key of a delivery that is under way; effects have their numbers as keys."""

    number: int


@dataclass(frozen=True, slots=True)
class _Sending:
    """The key of a webhook that is under way."""

    number: int


@dataclass(slots=True)
class Pump:
    """Run it as one task; cancel that task to stop. Nothing is lost by stopping anywhere."""

    store: Store
    intake: Intake
    performer: Performer
    courier: Courier
    catch_up: CatchUp
    clock: Callable[[], datetime]
    backoff: Callable[[int], float]
    keep: Keep = field(default_factory=Keep)
    _at_work: dict[Hashable, asyncio.Task[None]] = field(
        default_factory=dict[Hashable, asyncio.Task[None]], init=False
    )
    _line: Line = field(default_factory=Line, init=False)
    _tries: dict[Hashable, int] = field(default_factory=dict[Hashable, int], init=False)
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
                except Exception:  # noqa: BLE001 - a mistake of ours ends nobody else's work
                    _log.exception("the loop failed")
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
            or await self.store.outbound.any_due(now)
            or await self.store.due(now)
        )

    async def _tick(self, now: datetime) -> None:
        await self._take_deliveries(now)
        for task_id in await self.store.due(now):
            await self._strike(task_id, now)
        await self.store.offer_again(now)
        await self._take_effects(now)
        for message in await self.courier.take(now):
            self._begin(_Sending(message.number), self.courier.send(message))
        if self.catch_up.is_due(now):
            self._begin("catching up", self.catch_up.look())
        self._tidy(now)

    async def _strike(self, task_id: str, now: datetime) -> None:
        """Tell a task that one of its clocks ran out; a mistake of ours there stops no other."""
        with trail.about_task(task_id):
            try:
                tell_if_lost(await self.store.apply(ClockStruck(task_id), now))
            except StorageFailed:
                raise
            except Exception:  # noqa: BLE001 - a mistake of ours, which is logged
                _log.exception("a clock failed")
                await self.store.postpone_clock(task_id, now + BROKEN_CLOCK)

    async def _take_deliveries(self, now: datetime) -> None:
        joining = await self.store.inbox.waiting(PAGE, after=self._line.seen)
        for waiting in joining:
            self._line.add(waiting.number, _lane(waiting))
        if joining:
            self.store.changed.set()  # there may be more
        room = AT_A_TIME - sum(isinstance(key, _Taken) for key in self._at_work)
        for _ in range(room):
            if (turn := self._line.take(now)) is None:
                return
            lane, number = turn
            self._begin(_Taken(number), self._take(lane, number))

    async def _take(self, lane: Hashable, number: int) -> None:
        wait: float | None = None
        try:
            waiting = await self.store.inbox.open(number)
            if waiting is not None:
                trail.of_delivery(waiting.delivery_id)
                await self.intake.take(waiting)
        except (GitHubError, StorageFailed) as error:
            _log.info("delivery put off", number=number, problem=str(error))
            wait = error.retry_after if isinstance(error, GitHubError) else None
        except Exception:  # noqa: BLE001 - a mistake of ours, which is logged
            _log.exception("delivery failed", number=number)
        else:
            self._tries.pop(lane, None)
            self._line.done(lane)
            return
        tries = self._tries[lane] = self._tries.get(lane, 0) + 1
        self._line.put_off(lane, self.clock() + timedelta(seconds=wait or self.backoff(tries)))

    async def _take_effects(self, now: datetime) -> None:
        busy = {key for key in self._at_work if isinstance(key, int)}
        room = AT_A_TIME - len(busy)
        claimed = await self.store.claim(now, busy, room)
        for key in claimed.unreadable:
            _log.error("effect unreadable", effect=key)
        for owed in claimed.owed:
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

    def _tidy(self, now: datetime) -> None:
        if self._tidied is None or now - self._tidied >= TIDY_EVERY:
            self._tidied = now
            work = self.store.forget_old(now, self.keep)
            self._begin("tidying", work)

    async def _sleep(self, seen: datetime) -> None:
        """Wait for a commit, or for what was not due yet when the last look was taken.

        What has become due since that look is waited for as well, for no time; what was due then
        is under way, or waits for something whose end is a commit.
        """
        times = [seen + LONGEST_SLEEP]
        known = (
            self._line.next_due(seen),
            await self.store.next_due(seen),
            self.catch_up.due_at,
        )
        times += [due for due in known if due is not None]
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


def _lane(waiting: Waiting) -> Hashable:
    """What must be taken in order: all of one issue or pull request; other events by themselves."""
    value = waiting.value
    match value:
        case TextWritten() | IssueLabeled():
            return value.repository.id, value.subject.number
        case IssueGone() | PullRequestClosed():
            return value.repository.id, value.number
        case _:
            return waiting.number
