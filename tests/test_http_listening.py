"""The end of a server is the end of every connection to it."""

from __future__ import annotations

import asyncio
import gc
import json
import socket

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from structlog.testing import capture_logs

from bot.http import problems
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


COOKIE = b"Cookie: bellhop=precious; "
UNREAD = "This is no HTTP request"


@pytest.mark.parametrize(
    "sent",
    [
        b"\0\1\2 nonsense",
        b"GET /?code=precious\1 HTTP/1.1",
        b"GET / HTTP/1.1\r\nCookie : bellhop=precious",
        b"GET / HTTP/1.1\r\n" + COOKIE + b"a=\1",
        b"GET / HTTP/1.1\r\n" + COOKIE + b"a=" + b"a" * 9_000,
        b"GET http://[a]@/?code=precious HTTP/1.1\r\nHost: x",
        b"GET http://x:99999999/?code=precious HTTP/1.1",
    ],
)
async def test_what_cannot_be_read_is_repeated_nowhere(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as told, socket.create_server(("127.0.0.1", 0)) as listener:
        async with listening(web.Application(), listener, patience=1):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            writer.write(sent + b"\r\n\r\n")
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
            writer.close()
            await writer.wait_closed()
    assert head.startswith("HTTP/1.0 400 Bad Request\r\n")
    assert "\r\nServer: bellhop\r\n" in head
    assert "\r\nX-Request-Id: " in head
    assert "\r\nCache-Control: no-store\r\n" in head
    assert "\r\nContent-Type: application/problem+json\r\n" in head
    assert json.loads(body)["detail"].startswith(UNREAD)
    assert "aiohttp" not in head + body
    assert "precious" not in f"{head}{body}{caplog.text}{told}"
    assert [one["event"] for one in told] == ["a request could not be read"]
    assert caplog.records == []


async def test_an_address_with_a_host_that_is_none_is_answered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with listening(web.Application(), listener, patience=1):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            writer.write(b"GET http://xn--/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            async with asyncio.timeout(10):
                answer = await reader.read()
            writer.close()
            await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")


async def reads(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def reads_nothing(_: web.Request) -> web.Response:
    return web.Response(status=401)


@pytest.mark.parametrize(("handler", "status"), [(reads, 400), (reads_nothing, 401)])
async def test_a_body_that_is_not_packed_as_it_says_is_no_fault_of_ours(
    caplog: pytest.LogCaptureFixture, handler: Handler, status: int
) -> None:
    app = web.Application()
    problems.install(app)
    app.router.add_post("/", handler)
    with capture_logs() as told, socket.create_server(("127.0.0.1", 0)) as listener:
        async with listening(app, listener, patience=1):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            head = (
                b"POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n"
            )
            writer.write(head)
            await writer.drain()
            writer.write(b"abc")
            assert (await reader.readline()).startswith(b"HTTP/1.1 %d " % status)
            await reader.read()
            writer.close()
            await writer.wait_closed()
    assert (told, caplog.records) == ([], [])


async def test_who_leaves_in_the_middle_is_no_fault_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def waits(request: web.Request) -> web.Response:
        begun.set()
        try:
            return await reads(request)
        finally:
            ended.set()

    app = web.Application()
    problems.install(app)
    app.router.add_post("/", waits)
    with capture_logs() as told, socket.create_server(("127.0.0.1", 0)) as listener:
        async with listening(app, listener, patience=1), asyncio.timeout(10):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na")
            await begun.wait()
            writer.close()
            await writer.wait_closed()
            await ended.wait()
    assert [(one["log_level"], one["path"]) for one in told] == [("info", "/")]
    assert caplog.records == []


async def test_what_is_ours_to_mend_is_logged() -> None:
    """An error of the application itself is no request that cannot be read."""

    async def fails(_: web.Request) -> web.Response:
        raise LookupError("a mistake of ours")

    app = web.Application()
    app.router.add_get("/", fails)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with (
            listening(app, listener, patience=1),
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{listener.getsockname()[1]}/") as answer,
        ):
            assert (answer.status, answer.headers["Server"]) == (500, "bellhop")
            assert "mistake" not in await answer.text()
