"""Webhooks to programs: signed as Standard Webhooks say, and tried until they are taken.

The effect of a task's end only stores the message. It is sent beside all other effects, in places
of its own, so that a receiver that is slow or down holds up nobody else.
See https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import aiohttp
import structlog
from standardwebhooks import Webhook
from yarl import URL

from bot.look_ups import on_behalf_of
from bot.outbound_call import Answer, Unanswered, call
from bot.outbound_url import BadUrl, UrlRules, read_url
from bot.vault import WrongKey
from handlers.effects import SendWebhook
from handlers.webhook_tries import Outcome, Sending, what_next
from storage import StorageFailed, Store
from storage.outbound_about import About
from storage.outbound_turns import Message, Room

_log = structlog.stdlib.get_logger(__name__)

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds for one try."""
AFTER_A_MISTAKE = 10
"""As many failures are taken for one by a mistake of ours, when it comes to waiting."""
HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "Bellhop-Webhooks",
    "Accept-Encoding": "identity",
}
UNSIGNED = "there is no webhook secret to sign with; make one, then have this sent again"
SEALED = (
    "its owner's webhook secret was sealed with another BELLHOP_SECRET_KEY than the one now set"
)
UNSEEN = "its owner cannot read the repository any more"
UNSAID = "GitHub did not say whether its owner may still read the repository"
OUR_MISTAKE = "a mistake of Bellhop's own; its log tells why"


async def post(store: Store, effect: SendWebhook, now: datetime) -> None:
    """Store a message that is to be sent, once."""
    await store.outbound.keep(effect, URL(effect.url).raw_host or "", now)


def signed(secrets: Sequence[str], message_id: str, at: datetime, body: str) -> dict[str, str]:
    """The headers by which a receiver knows who sent a body and when.

    With every secret that is valid, so that a receiver may know either while one is replaced.
    """
    at = at.astimezone(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(one).sign(message_id, at, body) for one in secrets),
    }


@dataclass(slots=True)
class Courier:
    """Sends what waits.

    `secrets` gives the secrets of a person that are valid now, `whsec_…`; `may_know` says whether
    the owner may still be told, None where nobody says; `backoff` gives the seconds before the
    database is asked again after it failed, from how often it did.
    """

    store: Store
    session: aiohttp.ClientSession
    rules: UrlRules
    secrets: Callable[[int], Awaitable[Sequence[str]]]
    may_know: Callable[[About | None], Awaitable[bool | None]]
    clock: Callable[[], datetime]
    backoff: Callable[[int], float]
    patience: float = PATIENCE
    room: Room = field(default_factory=Room)
    _out: dict[int, Message] = field(default_factory=dict[int, Message], init=False)

    async def take(self, now: datetime) -> tuple[Message, ...]:
        """The messages to send now; each keeps its place until `send` is done with it."""
        taken = await self.store.outbound.due(now, list(self._out.values()), self.room)
        self._out.update((one.number, one) for one in taken)
        return taken

    async def send(self, message: Message) -> None:
        """Try once, and store how it went. Stopped anywhere, it is sent again, by the same id."""
        try:
            outcome = await self._try(message)
            await self._surely(lambda: self._record(message, outcome))
        except Exception:  # noqa: BLE001 - a mistake of ours, which is logged
            _log.exception("effect failed", effect=message.id)
            await asyncio.sleep(self.backoff(AFTER_A_MISTAKE))  # or it would be sent at once
        finally:
            self._out.pop(message.number, None)

    async def _try(self, message: Message) -> Outcome:
        at, begun = self.clock(), time.monotonic()
        answer, why = None, None
        try:
            answer = await self._call(message)
        except Unanswered as error:
            why = error
        except Exception:  # noqa: BLE001 - a mistake of ours, which is logged
            _log.exception("effect failed", effect=message.id)
            why = Unanswered(OUR_MISTAKE)
        return Outcome(
            at=at,
            milliseconds=round(1000 * (time.monotonic() - begun)),
            status=answer.status if answer else None,
            error=str(why) if why else None,
            again=why is None or why.again,
            retry_after=answer.retry_after if answer else None,
        )

    async def _call(self, message: Message) -> Answer:
        may_know = await self.may_know(message.about)
        if not may_know:
            raise Unanswered(UNSEEN, again=False) if may_know is False else Unanswered(UNSAID)
        try:
            secrets = await self._surely(lambda: self.secrets(message.owner_id))
        except WrongKey:
            raise Unanswered(SEALED) from None
        if not secrets:
            raise Unanswered(UNSIGNED, again=False)
        try:
            url = read_url(message.url, self.rules)
        except BadUrl as error:  # the operator allows less than when it was given
            raise Unanswered(str(error), again=False) from None
        body = message.body.encode()
        # The time of the signature is that of the sending: there may have been a wait before.
        headers = HEADERS | signed(secrets, message.id, self.clock(), message.body)
        with on_behalf_of(message.owner_id):
            return await call(
                self.session, url, body, headers, patience=self.patience, now=self.clock()
            )

    async def _record(self, message: Message, outcome: Outcome) -> None:
        now = self.clock()
        then = what_next(outcome, message.tried + 1, message.begun_at, now, random.random())
        await self.store.outbound.tried(message, outcome, then)
        problem = outcome.error or f"it answered {outcome.status}"
        if then.state is Sending.FAILED:
            _log.warning("webhook given up", message=message.id, problem=problem)
        elif then.state is Sending.WAITING:
            _log.info("webhook put off", message=message.id, problem=problem)

    async def _surely(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something with the database as soon as it works; meanwhile nothing is sent twice."""
        failures = 0
        while True:
            try:
                return await work()
            except StorageFailed as error:
                failures += 1
                _log.error("the database fails", problem=str(error))
                await asyncio.sleep(self.backoff(failures))
