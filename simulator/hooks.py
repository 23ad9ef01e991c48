"""The App's webhook: deliveries in order, signed, with a time limit, logged, never tried again."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from simulator.model import AppIdentity
    from simulator.shapes import Json, Site

# GitHub lets a delivery be looked at and repeated for three days.
KEPT = timedelta(days=3)
TIME_LIMIT = 10.0
MIB = 1024 * 1024


@dataclass(slots=True, eq=False, kw_only=True)
class Delivery:
    """One attempt to deliver one event; `status` is empty until the attempt has ended.

    `status_code` is 0 where no answer came. A redelivery has its own `id` and the same `guid`.
    """

    id: int
    guid: str
    event: str
    action: str | None
    body: bytes = field(repr=False)
    delivered_at: datetime
    installation_id: int | None
    repository_id: int | None
    redelivery: bool = False
    status: str = ""
    status_code: int = 0
    duration: float = 0.0
    request_headers: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    response_headers: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    response_body: str | None = field(default=None, repr=False)

    @property
    def payload(self) -> Json:
        """The event as it was sent."""
        return json.loads(self.body)


class Hooks:
    """Sends deliveries one after another from a task of its own.

    Args:
        site: knows the App whose webhook this is, with the secret that signs.
        now: the clock.
        time_limit: seconds a receiver has to answer.
    """

    def __init__(self, site: Site, now: Callable[[], datetime], time_limit: float) -> None:
        self.url: str | None = None
        self.log: list[Delivery] = []
        self._site = site
        self._now = now
        self._time_limit = time_limit
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._next_id = 1_000_000_001

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._send_all())

    async def aclose(self) -> None:
        """Stop; what has not been sent is never sent."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def settled(self) -> None:
        """Wait until every delivery so far has been answered or has failed."""
        await self._queue.join()

    def emit(self, event: str, payload: Json, *, repository_id: int | None = None) -> None:
        """Queue an event; without a webhook address nothing is sent and nothing logged."""
        if self.url is None:
            return
        installation: Json = payload.get("installation") or {}
        self._enqueue(
            Delivery(
                id=self._new_id(),
                guid=str(uuid.uuid4()),
                event=event,
                action=payload.get("action"),
                body=json.dumps(payload).encode(),
                delivered_at=self._now(),
                installation_id=installation.get("id"),
                repository_id=repository_id,
            )
        )

    def redeliver(self, old: Delivery) -> Delivery:
        """Queue the same event again, under the same GUID."""
        again = Delivery(
            id=self._new_id(),
            guid=old.guid,
            event=old.event,
            action=old.action,
            body=old.body,
            delivered_at=self._now(),
            installation_id=old.installation_id,
            repository_id=old.repository_id,
            redelivery=True,
        )
        self._enqueue(again)
        return again

    def recent(self) -> list[Delivery]:
        """Return the finished deliveries that GitHub would still show, newest first."""
        oldest = self._now() - KEPT
        return [one for one in reversed(self.log) if one.status and one.delivered_at > oldest]

    def is_too_old(self, delivery_id: int) -> bool:
        """Tell whether an attempt of this id was made, longer ago than GitHub keeps it."""
        oldest = self._now() - KEPT
        return any(one.id == delivery_id and one.delivered_at <= oldest for one in self.log)

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def _enqueue(self, delivery: Delivery) -> None:
        self.log.append(delivery)
        self._queue.put_nowait(delivery)

    async def _send_all(self) -> None:
        limit = aiohttp.ClientTimeout(total=self._time_limit)
        async with aiohttp.ClientSession(timeout=limit) as session:
            while True:
                delivery = await self._queue.get()
                try:
                    await self._send(session, delivery)
                finally:
                    self._queue.task_done()

    async def _send(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        delivery.request_headers = headers(self._site.app, delivery)
        delivery.delivered_at = self._now()
        started = time.monotonic()
        try:
            async with session.post(
                self.url or "",
                data=delivery.body,
                headers=delivery.request_headers,
                allow_redirects=False,
            ) as answer:
                text = (await answer.content.read(MIB)).decode(errors="replace")
                delivery.response_headers = dict(answer.headers)
                delivery.response_body = text
                delivery.status_code = answer.status
                delivery.status = "OK" if answer.ok else f"Invalid HTTP Response: {answer.status}"
        except TimeoutError:
            delivery.status = "timed out"
        except (aiohttp.ClientError, OSError, ValueError):
            delivery.status = "failed to connect"
        delivery.duration = round(time.monotonic() - started, 2)


def headers(app: AppIdentity, delivery: Delivery) -> dict[str, str]:
    """Return the headers of a delivery, with both signatures over the exact body."""
    secret = app.webhook_secret.encode()
    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/0000001",
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": str(app.app_id + 1),
        "X-GitHub-Hook-Installation-Target-ID": str(app.app_id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-Hub-Signature": f"sha1={hmac.new(secret, delivery.body, hashlib.sha1).hexdigest()}",
        "X-Hub-Signature-256": f"sha256={hmac.new(secret, delivery.body, 'sha256').hexdigest()}",
    }
