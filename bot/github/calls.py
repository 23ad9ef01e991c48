"""Calls in the name of an installation: the token, the pace, the repeats."""

from __future__ import annotations

from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote

from cachetools import LRUCache

from bot.github.app import AppIdentity, AppTokens
from bot.github.clock import Clock, SystemClock
from bot.github.errors import Limited, Refused
from bot.github.heard import ASKING, Heard
from bot.github.oauth import OAuth
from bot.github.pace import Pace, Priority
from bot.github.retry import patiently
from bot.github.transport import Answer, Api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from aiohttp import ClientSession
    from gidgethub.abc import CACHE_TYPE

    from bot.github.oauth import OAuthClient
    from bot.github.values import RepoRef

# What each kind of call may do; a token is narrowed to one of these.
READ: Mapping[str, str] = MappingProxyType(
    {"metadata": "read", "contents": "read", "issues": "read", "pull_requests": "read"}
)
TALK: Mapping[str, str] = MappingProxyType({"issues": "write", "pull_requests": "write"})
OPEN_PULLS: Mapping[str, str] = MappingProxyType({"contents": "read", "pull_requests": "write"})
MOVE_REFS: Mapping[str, str] = MappingProxyType({"contents": "write"})

CACHED_REPOSITORIES = 500
CACHED_FILES = 4


class Calls:
    """What reading and writing share.

    Args:
        session: Has no cookies, and headers only of its own making; the caller closes it.
        identity: Who we are.
        api_url: Where the REST API begins, `https://HOST/api/v3` on GitHub Enterprise Server.
        requester: Our name in `User-Agent`, which GitHub requires.
        clock: Where times come from.
        pace: How fast we may write, GitHub's own limits by default.
        timeout: Seconds for one request, its answer included.

    Raises:
        ValueError: The private key is not an RSA key in PEM form.
    """

    def __init__(
        self,
        session: ClientSession,
        identity: AppIdentity,
        *,
        api_url: str = "https://api.github.com",
        requester: str = "bellhop",
        clock: Clock | None = None,
        pace: Pace | None = None,
        timeout: float = 10.0,
    ) -> None:
        self.clock = clock or SystemClock()
        self.pace = pace or Pace(self.clock)
        self.heard = Heard()
        self._session = session
        self._api_url = api_url
        self._requester = requester
        self._timeout = timeout
        self._api = self.new_api()
        self.tokens = AppTokens(self._api, identity, self.clock)
        self._caching: LRUCache[tuple[int, int], Api] = LRUCache(CACHED_REPOSITORIES)

    def new_api(self, cache: CACHE_TYPE | None = None) -> Api:
        """One that sends single requests, with a cache of its own or none."""
        return Api(
            self._session,
            base_url=self._api_url,
            requester=self._requester,
            clock=self.clock,
            timeout=self._timeout,
            cache=cache,
            heard=self.heard,
        )

    def oauth(self, client: OAuthClient, web_url: str) -> OAuth:
        """Sign-in for people at this GitHub, whose pages are at `web_url`."""
        return OAuth(
            self._session,
            client,
            web_url,
            self._api_url,
            self._requester,
            self.clock,
            self.heard,
        )

    def _caching_api(self, repo: RepoRef) -> Api:
        """The one that remembers this repository's answers by ETag, for this installation."""
        key = (repo.installation_id, repo.repository_id)
        if key not in self._caching:
            self._caching[key] = self.new_api(LRUCache(CACHED_FILES))
        return self._caching[key]

    async def _read(self, repo: RepoRef, url: str, *, remembered: bool = False) -> Answer:
        api = self._caching_api(repo) if remembered else self._api

        async def ask() -> Answer:
            return await self._call(repo, READ, lambda token: api.call("GET", url, bearer=token))

        return await patiently(self.clock, ask)

    async def _pages(self, repo: RepoRef, url: str) -> AsyncIterator[object]:
        """The pages of a list, from the one at `url` on."""
        next_url: str | None = url
        while next_url is not None:
            answer = await self._read(repo, next_url)
            yield answer.data
            next_url = answer.next_url

    async def _write(
        self,
        repo: RepoRef,
        permissions: Mapping[str, str],
        method: str,
        url: str,
        data: object = b"",
        *,
        priority: Priority | None = None,
    ) -> Answer:
        """Send a write once. One with a priority creates something and counts for the pace.

        An edit does not wait for its turn: by then there may be something newer to say.
        """
        if priority is Priority.EDIT:
            if wait := self.pace.try_spend(repo.installation_id, priority):
                raise Limited(wait)
        elif priority is not None:
            await self.pace.spend(repo.installation_id, priority)
        return await self._call(
            repo,
            permissions,
            lambda token: self._api.call(method, url, bearer=token, data=data),
        )

    async def _call(
        self,
        repo: RepoRef,
        permissions: Mapping[str, str],
        send: Callable[[str], Awaitable[Answer]],
    ) -> Answer:
        """Send one request, a second time if its remembered token turns out to be dead."""
        self.pace.check(repo.installation_id)
        try:
            token = await self._token(repo, permissions)
            try:
                return await _in_name_of(repo.installation_id, send(token))
            except Refused as error:
                if error.status != HTTPStatus.UNAUTHORIZED:
                    raise
            self.tokens.forget(token)
            token = await self._token(repo, permissions)
            return await _in_name_of(repo.installation_id, send(token))
        except Limited as error:
            self.pace.rest(repo.installation_id, error.retry_after)
            raise

    async def _token(self, repo: RepoRef, permissions: Mapping[str, str]) -> str:
        return await self.tokens.token(repo.installation_id, repo.repository_id, permissions)

    def forget_installation(self, installation_id: int) -> None:
        """Drop what is remembered of an installation that is gone or suspended."""
        self.tokens.drop_installation(installation_id)
        for key in [key for key in self._caching if key[0] == installation_id]:
            self._caching.pop(key, None)


async def _in_name_of(installation_id: int, call: Awaitable[Answer]) -> Answer:
    """Make a call that counts for an installation's limit; making its token does not."""
    before = ASKING.set(installation_id)
    try:
        return await call
    finally:
        ASKING.reset(before)


def segments(name: str) -> str:
    """A path, branch or ref as part of an address.

    Raises:
        Refused: It would lead elsewhere, and Git allows no such name.
    """
    if not {"", ".", ".."}.isdisjoint(name.split("/")):
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name!r} is not a name that Git allows")
    return quote(name, safe="/")
