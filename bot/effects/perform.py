"""One effect is done, put off, skipped or given up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

import structlog

from bot import trail
from bot.effects.hands import Hands, Later
from bot.effects.pulling import open_pull_request
from bot.effects.removing import delete_task
from bot.effects.saying import Voice
from bot.effects.sending import post
from bot.effects.working import Workshop
from bot.github.errors import GitHubError, Limited, Refused
from handlers import effects
from handlers.events import Event, LaunchFailed, PullRequestFailed
from storage import StorageFailed
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
        with trail.about_effect(owed.effect.key):
            try:
                await self._try(owed)
            except StorageFailed as error:  # it stays owed, and no more can be said about it now
                _log.error("the database fails", problem=str(error))

    async def _try(self, owed: Owed) -> None:
        log = _log.bind(tries=owed.tries)
        try:
            await self._done(owed, await self._do(owed))
        except Later as later:
            await self._put_off(owed, later.seconds, None, tried=False)
        except Limited as limited:
            log.debug("effect waits for GitHub's limit", seconds=limited.retry_after)
            await self._put_off(owed, limited.retry_after, str(limited), tried=False)
        except GitHubError as error:
            if isinstance(error, Refused) and error.status in PERMANENT:
                log.warning("effect refused", problem=str(error))
                await self._end_as(owed, "skipped", str(error))
            else:
                log.info("effect put off", problem=str(error))
                await self._put_off(owed, self._hands.backoff(owed.tries), str(error))
        except StorageFailed as error:
            log.error("the database fails", problem=str(error))  # noqa: TRY400 - no mistake of ours
            await self._put_off(owed, self._hands.backoff(owed.tries), str(error))
        except Exception as error:
            log.exception("effect failed")
            await self._put_off(owed, self._hands.backoff(owed.tries), repr(error))

    async def _do(self, owed: Owed) -> Event | None:  # noqa: C901 - one row an effect
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
            case effects.SendWebhook() as effect:
                return await post(self._hands.store, effect, self._now())
            case effects.DeleteTask() as effect:
                return await delete_task(self._hands, effect)
            case effects.OpenPullRequest() as effect:
                return await open_pull_request(self._hands, owed, effect)
            case _:
                assert_never(owed.effect)

    async def _done(self, owed: Owed, event: Event | None) -> None:
        if event is None:
            await self._hands.store.mark(owed, "done", self._now())
        else:
            await self._hands.store.settle(owed, event, self._now())
        self._count(owed, "done")
        _log.debug("effect done", kind=type(owed.effect).__name__)

    async def _put_off(
        self, owed: Owed, seconds: float, problem: str | None, *, tried: bool = True
    ) -> None:
        now = self._now()
        final = isinstance(owed.effect, effects.Comment) and owed.effect.final
        if problem and now - owed.created_at > (GIVE_UP_FINAL if final else GIVE_UP):
            _log.error("effect given up", problem=problem)
            await self._end_as(owed, "failed", problem)
            return
        until = now + timedelta(seconds=seconds)
        self._count(owed, "put_off")
        await self._hands.store.postpone(owed, until, problem, tried=tried)

    async def _end_as(self, owed: Owed, state: str, problem: str) -> None:
        """Nothing more is tried: whoever waits for the outcome hears of it."""
        self._count(owed, state)
        if (event := _failure_of(owed.effect, problem)) is not None:
            try:
                await self._hands.store.settle(owed, event, self._now())
            except StorageFailed:
                raise
            except Exception:  # noqa: BLE001 - a mistake of ours, which is logged
                _log.exception("effect failed")
            else:
                return
        await self._hands.store.mark(owed, state, self._now(), problem)

    def _count(self, owed: Owed, outcome: str) -> None:
        self._hands.meters.effects[type(owed.effect).__name__, outcome] += 1

    def _now(self) -> datetime:
        return self._hands.clock()


def _failure_of(effect: effects.Effect, problem: str) -> Event | None:
    """What a task hears of an effect that it waits for and that is given up."""
    match effect:
        case effects.Launch(task_id=task_id, attempt=attempt, launch=launch):
            return LaunchFailed(task_id, attempt, launch, problem, retryable=False)
        case effects.OpenPullRequest(task_id=task_id, attempt=attempt):
            return PullRequestFailed(task_id, attempt, problem)
        case _:
            return None
