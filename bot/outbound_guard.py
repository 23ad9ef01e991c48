"""Calls to URLs that people give: only to public addresses, and to the address that was checked.

A name is looked up when its URL is given, for a clear error, and again for each connection. What
counts is the address that is connected to: the socket for it is made here, also where the URL
names an address and nothing is looked up.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.addresses import read_address
from bot.outbound_url import NOT_ALLOWED, NOT_FOUND, BadUrl, UrlRules, read_url

__all__ = ["BadUrl", "Policy", "SystemResolver", "check_url", "guarded_session", "why_not_called"]

TO_RESOLVE = 5.0
"""Seconds that a name has to resolve in."""
LOOK_UPS = 16
"""Look-ups at a time: the system's own cannot be stopped, so they have threads of their own."""
TO_CONNECT = 5.0


class Forbidden(OSError):  # noqa: N818 - the name says what is wrong
    """The address is not one that may be connected to."""

    def __init__(self) -> None:
        super().__init__(NOT_ALLOWED)


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be called, and how names are looked up."""

    rules: UrlRules
    resolver: AbstractResolver


async def check_url(url: str, policy: Policy) -> None:
    """Refuse what would not be called, before it is stored.

    Raises:
        BadUrl: why, for whoever gave it.
    """
    host = read_url(url, policy.rules).raw_host or ""
    if read_address(host) is not None:
        return  # it was judged with the URL
    resolver = GuardedResolver(policy)
    try:
        await resolver.resolve(host)
    except Forbidden:
        raise BadUrl(NOT_ALLOWED) from None
    except OSError:
        raise BadUrl(NOT_FOUND) from None


async def why_not_called(url: str, policy: Policy) -> str | None:
    """A sentence for whoever gave a URL that is not called; None for one that is."""
    try:
        await check_url(url, policy)
    except BadUrl as error:
        return f"This URL is not called: {error}."
    return None


@contextlib.asynccontextmanager
async def guarded_session(policy: Policy) -> AsyncGenerator[aiohttp.ClientSession]:
    """A session that connects to nothing else; redirects are for the caller to refuse.

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
            OSError: it has none.
        """
        try:
            async with asyncio.timeout(TO_RESOLVE):
                found = await self._policy.resolver.resolve(host, port, family)
        except (TimeoutError, UnicodeError) as error:
            raise OSError(NOT_FOUND) from error
        if not found:
            raise OSError(NOT_FOUND)
        for one in found:
            address = read_address(one["host"])
            if address is None or not self._policy.rules.admits(host, address):
                raise Forbidden
        return found

    async def close(self) -> None:
        """The resolver below is its maker's to close."""


class SystemResolver(AbstractResolver):
    """The system's own look-up, in threads that nothing else waits for."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOK_UPS, "bellhop-resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name.

        Raises:
            OSError: it has none.
        """
        loop = asyncio.get_running_loop()
        look_up = partial(_look_up, host, port, family)
        return await loop.run_in_executor(self._threads, look_up)

    async def close(self) -> None:
        """Begin no further look-ups."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: int) -> list[ResolveResult]:
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return [
        ResolveResult(
            hostname=host, host=str(place[0]), port=port, family=kind, proto=protocol, flags=flags
        )
        for kind, _, protocol, _, place in socket.getaddrinfo(
            host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    ]
