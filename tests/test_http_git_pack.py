"""Packs: how they may be sent, how large they may be, and how little of them is held."""

from __future__ import annotations

import asyncio
import gzip
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from inline_snapshot import snapshot

from bot.http.git_body import GateLimits
from bot.http.pktline import FLUSH, encode
from tests.http_git_parts import REF, TASK, Scene, git, scene

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MEGABYTE = 1 << 20
ROOT = Path(__file__).parent.parent


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as set_up:
        yield set_up


def first_push(gate: Scene) -> bytes:
    command = f"{'0' * 40} {gate.head()} {REF}\0report-status"
    return encode(command.encode()) + FLUSH + gate.pack()


async def send(gate: Scene, body: object, **headers: str) -> bytes:
    async with (
        gate.client() as session,
        session.post(f"{gate.url}/git-receive-pack", data=body, headers=headers) as answer,
    ):
        return await answer.read()


async def test_a_large_pack_comes_in_chunks_after_a_question(gate: Scene) -> None:
    (gate.work / "large.bin").write_bytes(os.urandom(200_000))
    gate.commit("large")
    git(gate.work, "config", "http.postBuffer", "65536")
    assert (await gate.push()).code == 0
    assert gate.refs()[REF] == gate.head()


async def test_a_compressed_body_is_read(gate: Scene) -> None:
    report = await send(gate, gzip.compress(first_push(gate)), **{"Content-Encoding": "gzip"})
    assert b"ok refs/heads" in report
    assert gate.refs()[REF] == gate.head()


async def test_a_body_that_is_not_compressed_as_it_says_changes_nothing(gate: Scene) -> None:
    await send(gate, first_push(gate), **{"Content-Encoding": "gzip"})
    assert gate.refs() == gate.at_first
    assert gate.desk.notes == []


async def test_a_client_that_waits_for_leave_gets_it(gate: Scene) -> None:
    assert b"ok refs/heads" in await send(gate, first_push(gate), Expect="100-continue")


async def test_a_body_in_the_smallest_pieces_is_read(gate: Scene) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in first_push(gate):
            yield bytes([byte])

    assert b"ok refs/heads" in await send(gate, pieces())
    assert gate.refs()[REF] == gate.head()


async def test_a_push_beyond_the_limit_is_refused_in_gits_words(tmp_path: Path) -> None:
    async with scene(tmp_path, GateLimits(pack_bytes=MEGABYTE)) as gate:
        (gate.work / "large.bin").write_bytes(os.urandom(MEGABYTE + MEGABYTE // 2))
        gate.commit("large")
        done = await gate.push()
        assert (done.code, done.lines) == snapshot(
            (
                1,
                [
                    " ! [remote rejected] HEAD -> bellhop/7-brave-otter (the push is larger",
                    "than 1048576 bytes; leave large files out and push again)",
                ],
            )
        )
        assert gate.refs() == gate.at_first


async def test_a_refused_push_is_read_to_its_end(gate: Scene) -> None:
    (gate.work / "large.bin").write_bytes(os.urandom(5 * MEGABYTE))
    gate.commit("large")
    done = await gate.push("HEAD:refs/heads/main")
    assert done.lines == snapshot(
        [
            " ! [remote rejected] HEAD -> main (this task may push only to its own",
            "branch, bellhop/7-brave-otter)",
        ]
    )


def peak_memory(process: asyncio.subprocess.Process) -> int:
    """The most bytes of memory that a process has held, as Linux counts them."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) * 1024


@asynccontextmanager
async def gate_alone(gate: Scene) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A gate in a process of its own, so that its memory is nobody else's."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.http_git_parts", gate.desk.upstream, str(gate.bare)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield (await process.stdout.readline()).decode().strip(), process
    finally:
        process.stdin.close()
        await process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
async def test_a_push_of_200_megabytes_passes_through_little_memory(gate: Scene) -> None:
    head = first_push(gate)
    noise = os.urandom(MEGABYTE)
    arrived = 0

    async def take(request: web.Request) -> web.StreamResponse:
        nonlocal arrived
        async for chunk in request.content.iter_any():
            arrived += len(chunk)
        report = encode(b"unpack ok\n") + encode(f"ok {REF}\n".encode()) + FLUSH
        return web.Response(body=report)

    async def body() -> AsyncIterator[bytes]:
        yield head
        for _ in range(200):
            yield noise

    gate.origin.fault = take
    async with gate_alone(gate) as (url, process), gate.client() as session:
        before = peak_memory(process)
        async with session.post(f"{url}/api/git/{TASK}/git-receive-pack", data=body()) as answer:
            assert b"ok refs/heads" in await answer.read()
        assert arrived > 200 * MEGABYTE
        assert peak_memory(process) - before < 64 * MEGABYTE
