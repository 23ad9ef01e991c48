"""What GitHub says of the App itself, for checking a set-up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import ClientError, ClientTimeout, encode_basic_auth
from pydantic import Field, ValidationError

from bot.github.errors import Refused, Unavailable
from bot.github.shapes import Shape, parse
from bot.github.transport import ACCEPT, API_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import ClientSession

TIMEOUT = 10.0
"""Seconds for one request."""


class AppAbout(Shape):
    """The App: https://docs.github.com/en/rest/apps/apps#get-the-authenticated-app."""

    id: int
    slug: str
    permissions: dict[str, str] = Field(default_factory=dict[str, str])
    events: tuple[str, ...] = ()


class HookAbout(Shape):
    """The App's webhook: https://docs.github.com/en/rest/apps/webhooks."""

    url: str = ""
    content_type: str = "form"


class _Refusal(Shape):
    message: str


@dataclass(frozen=True, slots=True)
class Said:
    """One answer, whatever its status; `date` is GitHub's own time in UTC, where it tells it."""

    status: int
    data: object
    date: datetime | None

    def app(self) -> AppAbout:
        """Read as the App.

        Raises:
            GitHubError: GitHub refused, or its answer is not as documented.
        """
        return parse(AppAbout, self._good())

    def hook(self) -> HookAbout:
        """Read as the App's webhook.

        Raises:
            GitHubError: GitHub refused, or its answer is not as documented.
        """
        return parse(HookAbout, self._good())

    def _good(self) -> object:
        if self.status == HTTPStatus.OK:
            return self.data
        try:
            why = _Refusal.model_validate(self.data).message
        except ValidationError:
            why = "it gave no reason"
        raise Refused(self.status, why)


async def ask(session: ClientSession, api_url: str, path: str, jwt: str) -> Said:
    """Ask once, in the App's own name.

    Raises:
        Unavailable: GitHub cannot be reached.
    """
    return await _ask(session, "GET", f"{api_url}{path}", f"Bearer {jwt}")


async def ask_as_client(
    session: ClientSession, api_url: str, client_id: str, secret: str, token: str
) -> Said:
    """Ask once about a user token, by the App's client id and secret: 401 if they are wrong.

    Raises:
        Unavailable: GitHub cannot be reached.
    """
    url = f"{api_url}/applications/{quote(client_id, safe='')}/token"
    authorization = encode_basic_auth(client_id, secret)
    return await _ask(session, "POST", url, authorization, {"access_token": token})


async def _ask(
    session: ClientSession,
    method: str,
    url: str,
    authorization: str,
    body: Mapping[str, str] | None = None,
) -> Said:
    headers = {
        "Accept": ACCEPT,
        "Authorization": authorization,
        "User-Agent": "bellhop",
        "X-GitHub-Api-Version": API_VERSION,
    }
    try:
        async with session.request(
            method,
            url,
            json=body,
            headers=headers,
            allow_redirects=False,
            timeout=ClientTimeout(total=TIMEOUT),
        ) as answer:
            json = answer.content_type.endswith("json")
            data: object = await answer.json(content_type=None) if json else None
            return Said(answer.status, data, _date(answer.headers.get("Date", "")))
    except (ClientError, TimeoutError, ValueError) as error:
        why = str(error) or type(error).__name__
        raise Unavailable(f"{url} cannot be reached: {why}", maybe_done=False) from error


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None
