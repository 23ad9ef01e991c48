"""The addresses of names that people give, from the system's own look-up.

The system's look-up cannot be stopped: where a name's server never answers, its thread is stuck
until the system gives up. So everybody has few threads of their own, and what somebody's dead
name server holds is never what another waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Generator, Hashable, Sequence
from contextvars import ContextVar
from typing import Any
from weakref import WeakValueDictionary

from aiohttp.abc import AbstractResolver, ResolveResult

OF_ONE = 4
"""Look-ups at a time for one person."""
IN_ALL = 128
"""Look-ups at a time: more people than that many would need have to wait for dead servers."""

LookUp = Callable[[str, int, int], Sequence[ResolveResult]]
"""Finds the addresses of a host, port and family; it may take as long as it likes."""

_asker: ContextVar[Hashable] = ContextVar("asker", default=None)


@contextlib.contextmanager
def on_behalf_of(person_id: int) -> Generator[None]:
    """What is looked up meanwhile is looked up in this person's own places."""
    token = _asker.set(person_id)
    try:
        yield
    finally:
        _asker.reset(token)


def system_look_up(host: str, port: int, family: int) -> list[ResolveResult]:
    """What the system says.

    Raises:
        OSError: it has none, or could not ask.
    """
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return [
        ResolveResult(
            hostname=host, host=str(place[0]), port=port, family=kind, proto=protocol, flags=flags
        )
        for kind, _, protocol, _, place in socket.getaddrinfo(
            host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    ]


class SystemResolver(AbstractResolver):
    """The system's own look-up, in threads that nothing else waits for, not even the exit."""

    def __init__(self, look_up: LookUp = system_look_up) -> None:
        self._look_up = look_up
        self._in_all = asyncio.Semaphore(IN_ALL)
        self._of: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name, as soon as the asker has a place.

        Raises:
            OSError: it has none, or the system could not ask.
        """
        asker = _asker.get()
        mine = self._of.setdefault(asker, asyncio.Semaphore(OF_ONE))
        places = (mine, self._in_all)
        await mine.acquire()
        try:
            await self._in_all.acquire()
        except BaseException:
            mine.release()
            raise
        return list(await _in_thread(lambda: self._look_up(host, port, family), places))

    async def close(self) -> None:
        """Threads that are stuck end with the process."""


def _in_thread(
    work: Callable[[], Sequence[ResolveResult]], places: Sequence[asyncio.Semaphore]
) -> asyncio.Future[Sequence[ResolveResult]]:
    """Do something in a thread of its own; its places are free when the thread is done.

    Whoever gives up waiting does not free them: the thread is stuck all the same.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Sequence[ResolveResult]] = loop.create_future()

    def finish(settle: Callable[[Any], None], value: object) -> None:
        for place in places:
            place.release()
        if not future.done():
            settle(value)

    def run() -> None:
        settle, value = future.set_result, None
        try:
            value = work()
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is waited for
            settle, value = future.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(finish, settle, value)

    threading.Thread(target=run, name="bellhop-look-up", daemon=True).start()
    return future
