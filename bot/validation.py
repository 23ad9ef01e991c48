"""Asks a provider whether it takes a key.

What it answers is read, never kept: neither the key nor the answer is logged or shown. Only what
clearly means so counts as *invalid*; limits, faults and silence say nothing about the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

import aiohttp
from pydantic import SecretStr
from yarl import URL

from bot.providers import Check, Provider

MOST_READ = 16 * 1024
"""Bytes of an answer that are looked at."""
PATIENCE = 8.0
"""Seconds for the whole of it."""

_NO_APP = "the app is another one, or the token is not for it"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a provider says of a secret; `detail` is a sentence for a person."""

    result: Literal["valid", "invalid", "unknown"]
    detail: str


@dataclass(frozen=True, slots=True)
class Validator:
    """Asks; `bases` are other addresses of providers, by the address that they stand for."""

    session: aiohttp.ClientSession
    bases: Mapping[str, str] = field(default_factory=dict[str, str])
    patience: float = PATIENCE

    async def check(self, provider: Provider, secret: SecretStr) -> Checked:
        """What a provider says of a key."""
        try:
            status, text = await self._ask(provider.check, secret)
        except (aiohttp.ClientError, TimeoutError, OSError):
            told = f"{provider.title} does not answer. Try again later: this says nothing about it."
            return Checked("unknown", told)
        return _read(provider, status, text)

    async def _ask(self, check: Check, secret: SecretStr) -> tuple[int, str]:
        """The status of the answer and how it begins. No redirect is followed: it has the key."""
        url = URL(self.bases.get(check.base, check.base) + check.path, encoded=True)
        headers = {**check.headers, check.header: f"{check.prefix}{secret.get_secret_value()}"}
        timeout = aiohttp.ClientTimeout(total=self.patience)
        async with self.session.get(
            url, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            begins = b""
            while chunk := await answer.content.read(MOST_READ - len(begins)):
                begins += chunk
            return answer.status, begins.decode(errors="replace")


def _read(provider: Provider, status: int, text: str) -> Checked:
    check, title = provider.check, provider.title
    if status == HTTPStatus.OK:
        return Checked("valid", f"{title} takes it.")
    if status in check.limited:
        told = f"{title} knows it, but it is restricted: it may not list models ({status})."
        return Checked("valid", f"{told} An agent may need more than it allows.")
    if _means_invalid(check, status, text):
        told = check.because.get(status, "it is wrong, has ended or was revoked")
        remedy = f"Make another one at {provider.keys_url}."
        return Checked("invalid", f"{title} does not take it ({status}): {told}. {remedy}")
    return Checked("unknown", f"{title} {_silence(status)} This says nothing about it.")


def _means_invalid(check: Check, status: int, text: str) -> bool:
    if status not in check.invalid:
        return False
    if (unless := check.not_if.get(status)) is not None and unless in text:
        return False
    needed = check.only_if.get(status)
    return needed is None or needed in text


def _silence(status: int) -> str:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return f"lets nobody ask more for now ({status}). Try again in some minutes."
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"has a fault ({status}). Try again later."
    return f"answered {status}, which it does not do otherwise. Try again later."


def fly(app: str) -> Provider:
    """Fly, which is asked about an app: a token may be for one alone."""
    check = Check(
        "https://api.machines.dev",
        f"/v1/apps/{app}",
        invalid=frozenset({401, 403, 404}),
        because={404: _NO_APP},
    )
    return Provider("fly", "Fly", (), "https://fly.io/dashboard/personal/tokens", check)
