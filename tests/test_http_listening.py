"""The end of a server is the end of every connection to it."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest
from aiohttp import web

from bot.http.listening import listening


@pytest.mark.parametrize("turns", range(5))
async def test_a_connection_that_comes_at_the_end_is_ended_too(turns: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with listening(web.Application(), listener, patience=1):
            client = socket.create_connection(listener.getsockname(), timeout=5)
            for _ in range(turns):
                await asyncio.sleep(0)
    with client:
        gc.collect()  # one that was forgotten would be found here, with a warning
        client.setblocking(False)
        async with asyncio.timeout(5):
            assert await _rest(client) == b""


async def _rest(client: socket.socket) -> bytes:
    try:
        return await asyncio.get_running_loop().sock_recv(client, 1)
    except ConnectionResetError:  # it was never taken
        return b""


@pytest.mark.parametrize(
    "sent", [b"\0\1\2 nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"]
)
async def test_who_speaks_no_http_is_told_no_version(sent: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with listening(web.Application(), listener, patience=1):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            writer.write(sent)
            answer = (await reader.read()).decode()
            writer.close()
            await writer.wait_closed()
    assert answer.startswith("HTTP/1.0 400 Bad Request\r\n")
    assert "\r\nServer: bellhop\r\n" in answer
    assert "\r\nX-Request-Id: " in answer
    assert "aiohttp" not in answer
