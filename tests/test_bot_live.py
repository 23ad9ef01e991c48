"""The hub of live events: who follows, who is dropped, and what if nothing can be read."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.files import ENOUGH, allow_many_files
from bot.live import MOST, Follower, Hub, Over, Piece
from storage.feed import Fed
from storage.logs import LogLine
from tests.makers import ID, NOON
from tests.storage_support import Bench, opened


def raw(fed: Fed) -> bytes:
    return fed.message.encode()


def drop() -> None:
    raise AssertionError("nobody is slow here")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path) as made:
        yield made


def piece(number: int) -> Piece:
    return Piece(Fed(number, ID, 1, NOON, "info", "", {}, 1, 1), b"")


async def test_what_was_handed_over_is_taken_once(bench: Bench) -> None:
    encoded: list[int] = []

    def encode(fed: Fed) -> bytes:
        encoded.append(fed.id)
        return raw(fed)

    hub = Hub(bench.store.feed, encode, 60.0)
    task = await bench.ask()
    with hub.follow(None, drop) as of_all, hub.follow(task.id, drop) as one:
        hub.begin(of_all)
        hub.begin(one)
        await bench.store.logs.append(task.id, 1, [LogLine("info", "a", NOON)])
        (of_all_got,), (one_got,) = await of_all.take(), await one.take()
        assert of_all_got is one_got
        assert (one_got.raw, encoded) == (b"a", [3])
        assert not one.waiting


async def test_nothing_is_read_while_nobody_follows(bench: Bench) -> None:
    read: list[int] = []
    hub = Hub(bench.store.feed, lambda fed: read.append(fed.id) or b"", 60.0)
    task = await bench.ask()
    with hub.follow(task.id, drop):
        await bench.ask()  # it has not begun
    with hub.follow(task.id, drop) as follower:
        hub.begin(follower)
    await bench.ask()
    assert read == []


async def test_who_falls_behind_is_dropped() -> None:
    dropped: list[str] = []
    follower = Follower(None, lambda: dropped.append("once"))
    follower.push([piece(number) for number in range(MOST)])
    assert follower.over is None
    follower.push([piece(MOST)])
    follower.push([piece(MOST + 1)])
    assert (follower.over, follower.waiting, dropped) == (Over.SLOW, False, ["once"])
    assert await follower.take() == []


async def test_a_beat_wakes_everybody(bench: Bench) -> None:
    hub = Hub(bench.store.feed, raw, 0.01)
    with hub.follow(None, drop) as first, hub.follow(ID, drop) as second:
        hub.begin(first)
        hub.begin(second)
        async with asyncio.timeout(10):
            assert await asyncio.gather(first.take(), second.take()) == [[], []]


async def test_followers_end_when_events_cannot_be_read_and_may_come_again(bench: Bench) -> None:
    fails = True

    def encode(fed: Fed) -> bytes:
        if fails:
            raise OSError("the disk is gone")
        return raw(fed)

    hub = Hub(bench.store.feed, encode, 60.0)
    with hub.follow(None, drop) as follower:
        hub.begin(follower)
        await bench.ask()
        assert await follower.take() == []
        assert follower.over is Over.STOPPED
        fails = False
        with hub.follow(None, drop) as again:
            hub.begin(again)
            await bench.ask()
            assert [one.fed.message for one in await again.take()] != []


async def test_nobody_follows_a_hub_that_has_stopped(bench: Bench) -> None:
    hub = Hub(bench.store.feed, raw, 60.0)
    await hub.stop()
    with hub.follow(None, drop) as follower:
        assert follower.over is Over.STOPPED


async def test_who_does_not_leave_when_bellhop_stops_is_cut(bench: Bench) -> None:
    dropped: list[str] = []
    hub = Hub(bench.store.feed, raw, 60.0)
    with hub.follow(None, lambda: dropped.append("cut")) as follower:
        await hub.stop()
        assert (follower.over, dropped) == (Over.STOPPED, ["cut"])


def test_as_many_files_as_the_system_allows() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (700, before[1]))
        allow_many_files()
        now, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert now == (ENOUGH if before[1] == resource.RLIM_INFINITY else min(before[1], ENOUGH))
        allow_many_files()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
