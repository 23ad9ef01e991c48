"""Names whose servers never answer hold up nobody but those who gave them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest
from aiohttp.abc import ResolveResult

from bot.look_ups import IN_ALL, OF_ONE, SystemResolver, on_behalf_of
from bot.outbound_guard import LookUpFailed, Policy, check_url, why_not_called
from bot.outbound_url import UrlRules
from tests.story import until


@dataclass
class Names:
    """The system, of which some name servers never answer, until they are let go."""

    alive: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list[str])

    def look_up(self, host: str, port: int, family: int) -> list[ResolveResult]:
        self.asked.append(host)
        if host.endswith(".dead.test"):
            self.alive.wait()
        if host.startswith("again"):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        found = {"hostname": host, "host": "1.1.1.1", "port": port}
        return [ResolveResult(**found, family=socket.AF_INET, proto=0, flags=0)]

    @property
    def stuck(self) -> int:
        return sum(one.endswith(".dead.test") for one in self.asked)


@contextlib.asynccontextmanager
async def looked_up(to_resolve: float = 30.0) -> AsyncGenerator[tuple[Names, Policy]]:
    names = Names()
    resolver = SystemResolver(names.look_up)
    try:
        yield names, Policy(UrlRules(), resolver, to_resolve)
    finally:
        names.alive.set()
        await resolver.close()


async def ended(asks: list[asyncio.Task[str | None]]) -> None:
    for ask in asks:
        ask.cancel()
    await asyncio.gather(*asks, return_exceptions=True)


def ask(policy: Policy, host: str, person: int) -> asyncio.Task[str | None]:
    return asyncio.create_task(why_not_called(f"https://{host}/", person, policy=policy))


async def test_a_dead_name_server_of_one_holds_up_no_other() -> None:
    async with looked_up() as (names, policy):
        asks = [ask(policy, f"{number}.dead.test", 1) for number in range(2 * IN_ALL)]
        await until(lambda: names.stuck == OF_ONE, "as many as one may have")
        assert await ask(policy, "hook.test", 2) is None
        assert names.stuck == OF_ONE
        await ended(asks)


async def test_whoever_gives_up_leaves_no_thread_to_others() -> None:
    async with looked_up() as (names, policy):
        asks = [ask(policy, f"{number}.dead.test", 1) for number in range(OF_ONE)]
        await until(lambda: names.stuck == OF_ONE, "their threads")
        await ended(asks)
        late = Policy(policy.rules, policy.resolver, to_resolve=0.05)
        with pytest.raises(LookUpFailed):
            await ask(late, "hook.test", 1)
        assert names.asked.count("hook.test") == 0, "their own places are stuck"
        names.alive.set()
        assert await ask(policy, "hook.test", 1) is None


async def test_places_in_all_are_bounded_too() -> None:
    async with looked_up() as (names, policy):
        people = range(IN_ALL // OF_ONE)
        asks = [ask(policy, f"{n}.dead.test", one) for one in people for n in range(OF_ONE)]
        await until(lambda: names.stuck == IN_ALL, "all places")
        late = Policy(policy.rules, policy.resolver, to_resolve=0.05)
        with pytest.raises(LookUpFailed):
            await ask(late, "hook.test", IN_ALL)
        names.alive.set()
        assert await asyncio.gather(*asks) == [None] * IN_ALL
        assert await ask(policy, "hook.test", IN_ALL) is None


async def test_an_answer_that_comes_too_late_is_no_ones() -> None:
    async with looked_up(0.05) as (names, policy):
        with pytest.raises(LookUpFailed):
            await check_url("https://1.dead.test/", policy)
        names.alive.set()
        with on_behalf_of(1):
            await check_url("https://hook.test/", policy)


async def test_a_name_server_that_says_to_come_again_has_said_nothing() -> None:
    async with looked_up() as (_, policy):
        with pytest.raises(LookUpFailed):
            await check_url("https://again.test/", policy)
