"""Calls to URLs that people give: only to public addresses, and to the address that was checked.

A name is looked up when its URL is given, for a clear error, and again for each connection. What
counts is the address that is connected to: the socket for it is made here, also where the URL
names an address and nothing is looked up.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.addresses import read_address
from bot.look_ups import on_behalf_of
from bot.outbound_url import NOT_ALLOWED, NOT_FOUND, UNKNOWN, BadUrl, UrlRules, read_url

__all__ = ["BadUrl", "LookUpFailed", "Policy", "check_url", "guarded_session", "why_not_called"]

TO_RESOLVE = 5.0
"""Seconds that a name has to resolve in, waiting for its turn included."""
TO_CONNECT = 5.0
NO_SUCH_NAME = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY})
"""What the system says of a name that has no address; all else says only that it does not know."""


class Forbidden(OSError):  # noqa: N818 - the name says what is wrong
    """The address is not one that may be connected to."""

    def __init__(self) -> None:
        super().__init__(NOT_ALLOWED)


class LookUpFailed(OSError):  # noqa: N818 - the name says what is wrong
    """Nobody said in time whether a name has addresses: that is no answer about it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be called, and how names are looked up, in how many seconds."""

    rules: UrlRules
    resolver: AbstractResolver
    to_resolve: float = TO_RESOLVE


async def check_url(url: str, policy: Policy) -> None:
    """Refuse what would not be called, before it is stored.

    What has a private address and what has none are told in the same words: nobody learns from
    them which names there are inside.

    Raises:
        BadUrl: why, for whoever gave it.
        LookUpFailed: its host could not be looked up.
    """
    host = read_url(url, policy.rules).raw_host or ""
    if read_address(host) is not None:
        return  # it was judged with the URL
    try:
        await GuardedResolver(policy).resolve(host)
    except LookUpFailed:
        raise
    except OSError:
        raise BadUrl(NOT_FOUND) from None


async def why_not_called(url: str, person_id: int, *, policy: Policy) -> str | None:
    """A sentence for the person who gave a URL that is not called; None for one that is.

    Raises:
        LookUpFailed: its host could not be looked up.
    """
    try:
        with on_behalf_of(person_id):
            await check_url(url, policy)
    except BadUrl as error:
        return f"This URL is not called: {error}."
    return None


@contextlib.asynccontextmanager
async def guarded_session(
    policy: Policy, trust: ssl.SSLContext | None = None
) -> AsyncGenerator[aiohttp.ClientSession]:
    """A session that connects to nothing else; redirects are for the caller to refuse.

    `trust` says whose certificates count, those that the system trusts if not given; a server must
    have one of the name in the URL, whatever address that was looked up as.
    There are no proxies, which would be connected to instead, no cookies and no kept connections.
    """

    def guarded(info: Any) -> socket.socket:  # noqa: ANN401 - what is in it depends on the family
        family, kind, protocol, _, place = info
        address = read_address(place[0])
        if address is None or not policy.rules.may_connect(address):
            raise Forbidden
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        socket_factory=guarded,
        resolver=GuardedResolver(policy),
        ssl=trust or True,
        use_dns_cache=False,
        force_close=True,
        limit=0,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
    ) as session:
        yield session


class GuardedResolver(AbstractResolver):
    """Tells only addresses that may be connected to, and none where one of them may not."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name.

        Raises:
            Forbidden: one of them may not be connected to.
            LookUpFailed: nobody said in time.
            OSError: it has none.
        """
        found = await self._found(host, port, family)
        if not found:
            raise OSError(NOT_FOUND)
        for one in found:
            address = read_address(one["host"])
            if address is None or not self._policy.rules.admits(host, address):
                raise Forbidden
        return found

    async def _found(
        self, host: str, port: int, family: socket.AddressFamily
    ) -> list[ResolveResult]:
        try:
            async with asyncio.timeout(self._policy.to_resolve):
                return await self._policy.resolver.resolve(host, port, family)
        except UnicodeError as error:  # the system does not look for what is no name
            raise OSError(NOT_FOUND) from error
        except OSError as error:  # too late, for one
            if isinstance(error, socket.gaierror) and error.errno in NO_SUCH_NAME:
                raise
            raise LookUpFailed(UNKNOWN) from error

    async def close(self) -> None:
        """The resolver below is its maker's to close."""
