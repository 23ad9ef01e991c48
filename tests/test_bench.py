"""The benches run; how fast is for `make bench` to say."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench import burst, latency, lists, streams
from bench import lists_data as data
from bench.watch import Span, covered
from storage.lists import Query


async def test_latencies_are_in_order_and_own_shares_are_a_part_of_them(tmp_path: Path) -> None:
    began = time.monotonic()
    measured = await latency.measure(latency.CHEAPEST, 2, tmp_path)
    took = time.monotonic() - began
    for series in (measured.started, measured.told):
        assert len(series.total) == len(series.own) == 2
        assert all(0 < own <= total for own, total in zip(series.own, series.total, strict=True))
        assert max(series.total) < took, "its beginning was seen"
    assert measured.started.own < measured.started.total, "GitHub and the runner take time"


async def test_a_burst_loses_nothing(tmp_path: Path) -> None:
    found = await burst.measure(30, tmp_path)
    assert found.answers == {"202": 30}
    assert (found.deliveries, found.candidates, found.tasks) == (30, 30, 30)
    assert found.lost(30) == 0


async def test_every_stream_gets_every_event(tmp_path: Path) -> None:
    found = await streams.measure(6, 3, tmp_path)
    assert found.complete
    assert len(found.delays) == 3
    assert all(delay > 0 for delay in found.delays)
    assert 0 < found.before < 2**30
    assert 0 < found.after < 2**30


@pytest.mark.parametrize(
    ("slowest", "memory", "in_order", "met"),
    [
        (0.1, 10**8, 9, True),
        (0.3, 10**8, 9, False),
        (0.1, 2 * 10**8, 9, False),
        (0.1, 10**8, 8, False),
    ],
)
def test_an_aim_of_the_streams_that_is_missed_is_said(
    slowest: float, memory: int, in_order: int, *, met: bool
) -> None:
    found = streams.Measured(9, 2, [0.05, slowest], 5 * 10**7, memory, in_order)
    assert streams.report(found) is met


def test_a_missing_command_is_lost() -> None:
    found = burst.Burst({"202": 9}, 0.1, 0.2, deliveries=9, candidates=9, tasks=8, calls=1)
    assert found.lost(9) == 1
    assert not burst.report(9, found)


@pytest.mark.parametrize(
    ("own", "met"), [([0.01, 0.02, 0.9], True), ([0.01, 0.06, 0.07], False), ([0.05], False)]
)
def test_the_median_is_what_counts(own: list[float], *, met: bool) -> None:
    assert latency.told("anything", latency.Series(own, own)) is met


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 0),
        ([(2, 3), (5, 6)], 2),
        ([(2, 4), (3, 5)], 3),
        ([(2, 6), (3, 4)], 4),
        ([(-5, 1), (9, 20)], 2),
        ([(-5, -1), (11, 20)], 0),
    ],
)
def test_waits_that_overlap_count_once(spans: list[tuple[int, int]], seconds: int) -> None:
    assert covered([Span(*one) for one in spans], 0, 10) == seconds


async def test_lists_are_measured_on_real_tables(tmp_path: Path) -> None:
    path = await lists.prepare(tmp_path, 300)
    assert await lists.prepare(tmp_path, 300) == path, "what is there is taken again"
    found = await lists.measure(path, 300, 2)
    assert all(len(one.times) == 2 for one in found)
    async with lists.opened(path) as store:
        for caller in lists.callers():
            count, exact = await store.lists.count(caller.scope, Query(caller.owner))
            assert exact
            page = await store.lists.page(caller.scope, Query(caller.owner), 100)
            assert len(page.tasks) == min(100, count) > 0
            assert all(
                data.id_of(int(one.name.rpartition("-")[2], 16)) == one.id for one in page.tasks
            )
    saves = await lists.saving(path, 300, 2)
    assert set(saves) == {"a heartbeat", "another status"}
    slow = lists.Series("somebody", "all: first page", [1.0], [1.0])
    fast, other = replace(slow, times=[0.001]), replace(slow, name="places")
    assert lists.report([fast, other], saves, 300)
    assert not lists.report([fast, slow], saves, 300)
