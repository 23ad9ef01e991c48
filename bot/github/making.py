"""Making a GitHub App from a manifest: the last of its three steps.

See GitHub's "Registering a GitHub App from a manifest".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import SecretStr

from bot.github.clock import SystemClock
from bot.github.shapes import Shape, parse
from bot.github.transport import Api

if TYPE_CHECKING:
    from aiohttp import ClientSession

TIMEOUT = 20.0
"""Seconds that GitHub may take to make the App's keys."""


@dataclass(frozen=True, slots=True)
class NewApp:
    """An App that was just made, with all that only its owner knows."""

    app_id: int
    slug: str
    client_id: str
    page: str
    """Where its owner looks at it."""
    client_secret: SecretStr = field(repr=False)
    webhook_secret: SecretStr = field(repr=False)
    private_key: SecretStr = field(repr=False)


class _Converted(Shape):
    id: int
    slug: str
    client_id: str
    html_url: str
    client_secret: SecretStr
    webhook_secret: SecretStr
    pem: SecretStr


async def convert(session: ClientSession, api_url: str, code: str) -> NewApp:
    """Get what GitHub made for the code that it gave: an hour long, and once.

    Raises:
        Refused: GitHub does not know the code, or no longer.
        Unavailable: GitHub could not be reached, or did not answer as documented.
        Limited: it was asked too often.
    """
    clock = SystemClock()
    api = Api(session, base_url=api_url, requester="bellhop", clock=clock, timeout=TIMEOUT)
    path = f"/app-manifests/{quote(code, safe='')}/conversions"
    answer = await api.call("POST", path, bearer=None)
    made = parse(_Converted, answer.data, maybe_done=True)
    return NewApp(
        made.id,
        made.slug,
        made.client_id,
        made.html_url,
        made.client_secret,
        made.webhook_secret,
        made.pem,
    )
