"""GitHub's log of the App's own deliveries: read, and asked to deliver again.

All three calls are made as the App itself, with its JWT; see GitHub's "REST API endpoints for
GitHub App webhooks".
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from bot.github.calls import Calls
from bot.github.retry import patiently
from bot.github.shapes import Shape, parse, parse_list
from handlers.missed import Attempt

if TYPE_CHECKING:
    from bot.github.transport import Answer

LOG = "/app/hook/deliveries"
PAGE = 100


class _Item(Shape):
    """An attempt in the list; `status` is `OK` or GitHub's words for what went wrong."""

    id: int
    guid: str
    delivered_at: datetime
    status: str
    event: str
    action: str | None = None
    installation_id: int | None = None

    def attempt(self) -> Attempt:
        """As a value."""
        return Attempt(
            id=self.id,
            guid=self.guid,
            sent_at=self.delivered_at.astimezone(UTC),
            status=self.status,
            event=self.event,
            action=self.action,
            installation_id=self.installation_id,
        )


class _Sent(Shape):
    """An attempt with what was sent."""

    class Request(Shape):
        """What was sent; GitHub promises no payload."""

        payload: dict[str, Any] | None = None

    request: Request


_ITEMS = TypeAdapter(list[_Item])


class HookLog(Calls):
    """The log of deliveries. Each call raises `GitHubError` where it gets no answer."""

    async def attempts(self, page: str | None = None) -> tuple[list[Attempt], str | None]:
        """A page of the log, newest first, and the address of the one before it in time.

        GitHub keeps three days. An attempt comes into the log when it has ended.
        """
        answer = await self._asked(page or f"{LOG}?per_page={PAGE}")
        return [one.attempt() for one in parse_list(_ITEMS, answer.data)], answer.next_url

    async def payload(self, attempt_id: int) -> bytes | None:
        """What was sent in an attempt, as JSON; None where the log does not have it."""
        answer = await self._asked(f"{LOG}/{attempt_id}")
        payload = parse(_Sent, answer.data).request.payload
        # Compact, in GitHub's own order: as a delivery comes.
        return None if payload is None else json.dumps(payload, separators=(",", ":")).encode()

    async def redeliver(self, attempt_id: int) -> None:
        """Have a delivery sent again, under the same GUID; sent once, as every write."""
        await self._api.call("POST", f"{LOG}/{attempt_id}/attempts", bearer=self.tokens.jwt())

    async def _asked(self, url: str) -> Answer:
        async def ask() -> Answer:
            return await self._api.call("GET", url, bearer=self.tokens.jwt())

        return await patiently(self.clock, ask)
