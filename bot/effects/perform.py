"""One effect is done, put off, skipped or given up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

import structlog

from bot.effects.hands import Hands, Later
from bot.effects.pulling import open_pull_request
from bot.effects.saying import Voice
from bot.effects.working import Workshop
from bot.github.errors import GitHubError, Limited, Refused
from handlers import effects
from handlers.events import Event
from storage.outbox import Owed

_log = structlog.stdlib.get_logger(__name__)

GIVE_UP_FINAL = timedelta(days=3)
GIVE_UP = timedelta(days=1)
"""How long an effect is tried; a final comment for longer than anything else."""
PERMANENT = frozenset({403, 404, 410, 422})
"""Refusals that no later try changes; they never block what follows."""


class Performer:
    """Does effects, whatever comes of it."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._voice = Voice(hands)
        self._workshop = Workshop(hands)

    async def perform(self, owed: Owed) -> None:
        """Do one effect and record what became of it."""
        log = _log.bind(effect=owed.effect.key, tries=owed.tries)
        try:
            event = await self._do(owed)
        except Later as later:
            await self._put_off(owed, later.seconds, None, tried=False)
        except Limited as limited:
            log.debug("effect waits for GitHub's limit", seconds=limited.retry_after)
            await self._put_off(owed, limited.retry_after, str(limited), tried=False)
        except GitHubError as error:
            if isinstance(error, Refused) and error.status in PERMANENT:
                log.warning("effect refused", problem=str(error))
                await self._hands.store.mark(owed, "skipped", self._now(), str(error))
            else:
                log.info("effect put off", problem=str(error))
                await self._put_off(owed, self._hands.backoff(owed.tries), str(error))
        except Exception as error:
            log.exception("effect failed")
            await self._put_off(owed, self._hands.backoff(owed.tries), repr(error))
        else:
            await self._done(owed, event)

    async def _do(self, owed: Owed) -> Event | None:
        match owed.effect:
            case effects.React() as effect:
                return await self._voice.react(effect)
            case effects.Comment() as effect:
                return await self._voice.comment(owed, effect)
            case effects.EditStatus() as effect:
                return await self._voice.edit_status(owed, effect)
            case effects.RequestReview() as effect:
                return await self._voice.request_review(effect)
            case effects.Launch() as effect:
                return await self._workshop.launch(effect)
            case effects.StopWorker() as effect:
                return await self._workshop.stop(effect)
            case effects.RevokeTokens() as effect:
                return await self._workshop.revoke(effect)
            case effects.OpenPullRequest() as effect:
                return await open_pull_request(self._hands, owed, effect)
            case _:
                assert_never(owed.effect)

    async def _done(self, owed: Owed, event: Event | None) -> None:
        if event is None:
            await self._hands.store.mark(owed, "done", self._now())
        else:
            await self._hands.store.settle(owed, event, self._now())

    async def _put_off(
        self, owed: Owed, seconds: float, problem: str | None, *, tried: bool = True
    ) -> None:
        now = self._now()
        final = isinstance(owed.effect, effects.Comment) and owed.effect.final
        if problem and now - owed.created_at > (GIVE_UP_FINAL if final else GIVE_UP):
            _log.error("effect given up", effect=owed.effect.key, problem=problem)
            await self._hands.store.mark(owed, "failed", now, problem)
            return
        until = now + timedelta(seconds=seconds)
        await self._hands.store.postpone(owed, until, problem, tried=tried)

    def _now(self) -> datetime:
        return self._hands.clock()
