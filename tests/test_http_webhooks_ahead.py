"""Deliveries are answered ahead of the application's router: nobody can tell."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from aiohttp import web
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from bot.http import problems
from bot.http.listening import listening
from bot.http.webhooks import WebhookDoor, add_webhooks
from bot.http.whole_bodies import SlowBodies
from storage.inbox import Inbox
from storage.migrations import migrations
from storage.sqlite import Engine
from tests.first_start import lay_out
from tests.test_http_webhooks import GUID, PATH, SECRET, encode, payload, sign

Answer = tuple[str, dict[str, str], bytes]
BODY = encode(payload("Thanks!"))


class Line:
    """One connection to where deliveries come in, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def write(
        self,
        *more: str,
        start: str = f"POST {PATH} HTTP/1.1",
        body: bytes = BODY,
        sent: bytes | None = None,
    ) -> None:
        """Send a delivery of a body, or what is sent of it."""
        head = (
            start,
            "Host: x",
            "Content-Type: application/json",
            "X-GitHub-Event: issue_comment",
            f"X-GitHub-Delivery: {GUID}",
            f"X-Hub-Signature-256: {sign(body)}",
            f"Content-Length: {len(body)}",
            *more,
        )
        self.add("\r\n".join(head).encode() + b"\r\n\r\n" + (body if sent is None else sent))

    def add(self, more: bytes) -> None:
        self._writer.write(more)

    async def reads(self, expected: bytes) -> bool:
        return await self._reader.readexactly(len(expected)) == expected

    async def answer(self) -> Answer:
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:-2])
        return lines[0], fields, await self._reader.readexactly(int(fields["Content-Length"]))

    async def is_ended(self) -> bool:
        return await self._reader.read() == b""

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


@asynccontextmanager
async def line_to(
    engine: Engine,
    secret: bytes = SECRET,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    slow: SlowBodies | None = None,
) -> AsyncIterator[Line]:
    app = web.Application()
    problems.install(app)
    door = WebhookDoor(
        secret=secret,
        app_id=4711,
        app_name=lambda: "my-bot",
        inbox=Inbox(engine),
        notify=lambda: None,
        clock=clock,
        new_id=lambda: "task",
        slow=slow or SlowBodies(),
    )
    add_webhooks(app, door)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with listening(app, listener, patience=1), asyncio.timeout(10):
            line = Line(*await asyncio.open_connection(*listener.getsockname()))
            try:
                yield line
            finally:
                await line.close()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = await Engine.open(lay_out(tmp_path / "edge.db"), migrations=migrations, readers=1)
    yield engine
    await engine.close()


@pytest.fixture
async def line(engine: Engine) -> AsyncIterator[Line]:
    async with line_to(engine) as line:
        yield line


def is_ignored(answer: Answer) -> bool:
    return json.loads(answer[2]) == {"delivery": GUID, "outcome": "ignored"}


async def test_the_head_is_the_one_that_the_application_writes(line: Line) -> None:
    answers: list[Answer] = []
    for path in (PATH, f"{PATH}?by=the-router"):
        line.write(start=f"POST {path} HTTP/1.1")
        answers.append(await line.answer())
    (first, head, body), (second, other, same) = answers
    assert first == second == "HTTP/1.1 200 OK"
    assert body == same
    assert head.keys() == other.keys()
    assert {name for name in head if head[name] != other[name]} <= {"X-Request-Id", "Date"}
    assert head["X-Request-Id"] != other["X-Request-Id"]
    now = datetime.now(UTC)
    assert abs((now - parsedate_to_datetime(head["Date"])).total_seconds()) < 60
    assert head["Date"].endswith(" GMT")


async def test_deliveries_follow_each_other_on_one_connection(line: Line) -> None:
    line.write()
    line.write()
    assert [is_ignored(await line.answer()) for _ in range(2)] == [True, True]
    line.write()
    assert is_ignored(await line.answer())


@pytest.mark.parametrize(
    ("start", "more", "said"),
    [
        (f"POST {PATH} HTTP/1.1", ("Connection: close",), "close"),
        (f"POST {PATH} HTTP/1.0", (), None),
    ],
)
async def test_a_connection_ends_when_its_client_says_so(
    line: Line, start: str, more: tuple[str, ...], said: str | None
) -> None:
    line.write(*more, start=start)
    answer = await line.answer()
    assert is_ignored(answer)
    assert answer[0].partition(" ")[0] == start.rpartition(" ")[2]
    assert answer[1].get("Connection") == said
    assert "X-Request-Id" in answer[1]
    assert await line.is_ended()


async def test_an_old_client_may_stay_connected(line: Line) -> None:
    for _ in range(2):
        line.write("Connection: keep-alive", start=f"POST {PATH} HTTP/1.0")
        answer = await line.answer()
        assert is_ignored(answer)
        assert answer[1]["Connection"] == "keep-alive"


async def test_who_waits_to_go_on_is_told_to(line: Line) -> None:
    line.write("Expect: 100-continue", sent=b"")
    assert await line.reads(b"HTTP/1.1 100 Continue\r\n\r\n")
    line.add(BODY)
    assert is_ignored(await line.answer())


@pytest.mark.parametrize("secret", [SECRET, b"another", b""])
async def test_what_is_refused_bears_our_name(engine: Engine, secret: bytes) -> None:
    async with line_to(engine, secret) as line:
        line.write("X-Request-Id: theirs", sent=BODY.replace(b"Thanks", b"Tampr!"))
        first, head, body = await line.answer()
    status = 401 if secret else 503
    assert first.split()[1] == str(status)
    assert json.loads(body)["status"] == status
    assert head["Content-Type"] == "application/problem+json"
    assert (head["Server"], head["Cache-Control"]) == ("bellhop", "no-store")
    assert head["X-Request-Id"] != "theirs"


async def test_a_fault_of_ours_is_logged_under_the_number_that_is_told(engine: Engine) -> None:
    def clock() -> datetime:
        raise LookupError("a secret detail")

    with capture_logs(processors=[merge_contextvars]) as told:
        async with line_to(engine, clock=clock) as line:
            line.write(body=encode(payload("/fix it")))
            first, head, body = await line.answer()
    assert first == "HTTP/1.1 500 Internal Server Error"
    number = head["X-Request-Id"]
    assert number in json.loads(body)["detail"]
    assert b"secret" not in body
    assert [(one["event"], one["request_id"]) for one in told] == [("request failed", number)]
    assert told[0]["delivery"] == GUID


class Watched(SlowBodies):
    """Tells when somebody begins to wait for a body."""

    begun: asyncio.Event

    async def read(self, request: web.BaseRequest) -> bytes:
        self.begun.set()
        return await super().read(request)


async def test_who_leaves_is_logged_under_a_number(engine: Engine) -> None:
    slow = Watched()
    slow.begun = asyncio.Event()
    with capture_logs(processors=[merge_contextvars]) as told:
        async with line_to(engine, slow=slow) as line:
            line.write(sent=BODY[:99])
            await slow.begun.wait()
    (left,) = told
    assert left["event"] == "a client left before its request was read"
    assert "request_id" in left
