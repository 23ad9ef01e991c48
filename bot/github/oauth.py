"""Sign-in with GitHub: the App's web flow, and tokens that speak in a person's own name.

See "Generating a user access token for a GitHub App" and "Refreshing user access tokens" in
GitHub's documentation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import SecretStr
from yarl import URL

from bot.github.about import Said, ask_as_client
from bot.github.errors import OAuthRefused, Refused
from bot.github.retry import patiently
from bot.github.shapes import Shape, parse
from bot.github.transport import Api
from handlers.values import Person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import ClientSession

    from bot.github.clock import Clock
    from bot.github.heard import Heard
    from bot.github.transport import Answer

TIMEOUT = 10.0
"""Seconds for one request: somebody waits in front of a browser."""
JSON = "application/json"
DEAD = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY})
"""What GitHub answers where a token that is to be revoked is none any more."""
NO_TOKEN = "gho_nobody-has-this-token"  # noqa: S105 - it opens nothing, which is the point


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """The App's name and password for sign-in; without a password nobody can sign in."""

    client_id: str
    secret: SecretStr | None

    @property
    def is_complete(self) -> bool:
        """Whether anybody can sign in."""
        return bool(self.client_id and self.secret and self.secret.get_secret_value())


@dataclass(frozen=True, slots=True)
class Granted:
    """Tokens of one person, and when they end; None where one does not end or is not there."""

    access: SecretStr
    expires_at: datetime | None = None
    refresh: SecretStr | None = None
    renewable_until: datetime | None = None


class _Token(Shape):
    access_token: str = ""
    expires_in: int | None = None
    refresh_token: str | None = None
    refresh_token_expires_in: int | None = None
    error: str = ""
    error_description: str = ""


class _Account(Shape):
    id: int
    login: str


class _Installation(Shape):
    class Owner(Shape):
        login: str = ""

    id: int
    account: Owner | None = None


class _Installations(Shape):
    installations: tuple[_Installation, ...]


@dataclass(slots=True)
class OAuth:
    """Asks GitHub for people's tokens. `web_url` is where its pages are."""

    session: ClientSession
    client: OAuthClient
    web_url: str
    api_url: str
    requester: str
    clock: Clock
    heard: Heard | None = None
    _web: Api = field(init=False)
    _api: Api = field(init=False)

    def __post_init__(self) -> None:
        """Get ready to ask at both addresses."""
        self._web, self._api = self._at(self.web_url), self._at(self.api_url)

    def _at(self, url: str) -> Api:
        return Api(
            self.session,
            base_url=url,
            requester=self.requester,
            clock=self.clock,
            timeout=TIMEOUT,
            heard=self.heard,
        )

    def address(self, callback: str, state: str, challenge: str) -> str:
        """Where a browser is sent to ask its person; GitHub sends it back to `callback`.

        Args:
            callback: One of the App's callback URLs, exactly.
            state: A word that comes back.
            challenge: SHA-256 of the verifier that `exchange` will show, as RFC 7636 writes it.
        """
        query = {
            "client_id": self.client.client_id,
            "redirect_uri": callback,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return str(URL(f"{self.web_url}/login/oauth/authorize").with_query(query))

    async def exchange(self, code: str, verifier: str, callback: str) -> Granted:
        """The tokens of the person who came back with a code. A code is good once.

        Raises:
            OAuthRefused: GitHub does not take the code.
            GitHubError: GitHub did not answer.
        """
        asked = {"code": code, "code_verifier": verifier, "redirect_uri": callback}
        return await self._grant(asked)

    async def renew(self, refresh: SecretStr) -> Granted:
        """New tokens: with the answer both old ones are dead, so this is asked once.

        Raises:
            OAuthRefused: the token is none any more.
            GitHubError: GitHub did not answer.
        """
        token = refresh.get_secret_value()
        return await self._grant({"grant_type": "refresh_token", "refresh_token": token})

    async def revoke(self, access: SecretStr) -> None:
        """End a token's life; one that has ended already is fine.

        Raises:
            GitHubError: It could not be ended now.
        """

        async def end() -> None:
            await self._api.call(
                "DELETE",
                f"/applications/{quote(self.client.client_id, safe='')}/token",
                bearer=None,
                basic=(self.client.client_id, self._secret),
                data={"access_token": access.get_secret_value()},
                repeatable=True,
            )

        try:
            await patiently(self.clock, end)
        except Refused as error:
            if error.status not in DEAD:
                raise

    async def introduce(self) -> Said:
        """What GitHub says to the client id and secret: 401 if they are wrong; and its time.

        Raises:
            Unavailable: GitHub cannot be reached.
        """
        return await ask_as_client(
            self.session, self.api_url, self.client.client_id, self._secret, NO_TOKEN
        )

    async def person(self, access: SecretStr) -> Person:
        """Whose token this is.

        Raises:
            GitHubError: GitHub did not say; `Refused` with 401 for a token that is none.
        """
        found = parse(_Account, (await self._ask(access, "/user")).data)
        return Person(found.id, found.login)

    async def installations(self, access: SecretStr) -> Mapping[int, str]:
        """The installations of the App that a person can see: id and the account's login.

        Raises:
            GitHubError: GitHub did not say; `Refused` with 401 for a token that is none.
        """
        found: dict[int, str] = {}
        next_url: str | None = "/user/installations?per_page=100"
        while next_url is not None:
            answer = await self._ask(access, next_url)
            for one in parse(_Installations, answer.data).installations:
                found[one.id] = one.account.login if one.account else ""
            next_url = answer.next_url
        return found

    async def _ask(self, access: SecretStr, url: str) -> Answer:
        bearer = access.get_secret_value()
        return await patiently(self.clock, lambda: self._api.call("GET", url, bearer=bearer))

    async def _grant(self, asked: Mapping[str, str]) -> Granted:
        answer = await self._web.call(
            "POST",
            "/login/oauth/access_token",
            bearer=None,
            data={"client_id": self.client.client_id, "client_secret": self._secret, **asked},
            accept=JSON,
        )
        told = parse(_Token, answer.data, maybe_done=True)
        if not told.access_token:
            raise OAuthRefused(
                told.error or "no_token", told.error_description or "no reason given"
            )
        return self._granted(told)

    def _granted(self, told: _Token) -> Granted:
        now = datetime.fromtimestamp(self.clock.time(), UTC)
        refresh = SecretStr(told.refresh_token) if told.refresh_token else None
        return Granted(
            SecretStr(told.access_token),
            _after(now, told.expires_in),
            refresh,
            _after(now, told.refresh_token_expires_in) if refresh else None,
        )

    @property
    def _secret(self) -> str:
        return self.client.secret.get_secret_value() if self.client.secret else ""


def _after(now: datetime, seconds: int | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=seconds)
