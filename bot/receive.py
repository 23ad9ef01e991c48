"""`bellhop receive`: sign a recorded delivery and send it to a running bot, as GitHub would."""

from __future__ import annotations

import hmac
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bot.settings import Settings

TIMEOUT = 10.0
"""Seconds after which GitHub, too, gives a delivery up."""


class NotSent(Exception):  # noqa: N818 - says what happened
    """The delivery did not get an answer; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A delivery as it was recorded: the exact bytes of its body, and the event's name."""

    body: bytes
    event: str
    delivery: str = field(default_factory=lambda: str(uuid.uuid4()))

    def headers(self, secret: bytes) -> dict[str, str]:
        """The headers that GitHub sends, see its "Webhook events and payloads"."""
        signature = hmac.digest(secret, self.body, "sha256").hex()
        return {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/bellhop-receive",
            "X-GitHub-Delivery": self.delivery,
            "X-GitHub-Event": self.event,
            "X-Hub-Signature-256": f"sha256={signature}",
        }


@dataclass(frozen=True, slots=True)
class Answered:
    """What the bot said."""

    status: int
    text: str

    @property
    def good(self) -> bool:
        """Whether GitHub would count the delivery as successful."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own numbers


def read(payload: Path, event: str, delivery: str | None) -> Recorded:
    """Read a recorded payload.

    Raises:
        NotSent: it cannot be read.
    """
    try:
        body = payload.read_bytes()
    except OSError as error:
        raise NotSent(f"{payload} cannot be read: {error.strerror}. Give a file of JSON.") from None
    return Recorded(body, event, delivery) if delivery else Recorded(body, event)


async def send(recorded: Recorded, settings: Settings, url: str | None) -> Answered:
    """Send it to the webhook of a bot, by default of the one that these settings start.

    Raises:
        NotSent: there is no secret to sign with, or nobody answers.
    """
    if settings.webhook_secret is None:
        raise NotSent("Set BELLHOP_WEBHOOK_SECRET to the secret that the running bot knows.")
    target = url or f"{settings.public_url}/api/webhooks/github"
    headers = recorded.headers(settings.webhook_secret.get_secret_value().encode())
    limit = aiohttp.ClientTimeout(total=TIMEOUT)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.post(target, data=recorded.body, headers=headers) as answer,
        ):
            return Answered(answer.status, await answer.text(errors="replace"))
    except aiohttp.InvalidURL:
        raise NotSent(f"{target} is no URL. Give --url one like http://127.0.0.1:8080/…") from None
    except (aiohttp.ClientError, TimeoutError) as error:
        why = str(error) or "it took too long"
        raise NotSent(
            f"Nobody answers at {target}: {why}. Start `bellhop serve`, or give --url."
        ) from None
