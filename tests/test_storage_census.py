"""What is counted of the database, and of what happens in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.events import WorkerReported
from handlers.missed import Missed
from handlers.task import Status
from storage import census
from storage.census import Owing
from storage.missed import Outcome
from storage.moves import Moved
from storage.timings import Timings
from tests.makers import MINUTE, RULES, SECOND
from tests.storage_support import opened


async def test_an_empty_database_has_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        found = await bench.store.census()
    assert (found.tasks, found.oldest_queued, found.deliveries, found.effects) == ({}, None, 0, {})


async def test_everything_is_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        tasks = [await bench.ask(number=number) for number in range(1, 6)]
        await bench.arrive(0)
        owed = await bench.owed()
        broken = next(one for one in owed if type(one.effect).__name__ == "Launch")
        await bench.store.postpone(broken, bench.now + MINUTE, "it broke")
        found = await bench.store.census()
        places = RULES.max_running_per_repository
        assert found.tasks == {"starting": places, "queued": len(tasks) - places}
        assert found.oldest_queued == tasks[places].queued_at
        assert (found.deliveries, found.missed) == (1, 0)
        assert found.effects["Launch"] == Owing(places, 1)
        assert bench.store.commits.total > 0
        assert sum(bench.store.commits.counts) > len(tasks)


async def test_what_was_missed_is_counted_until_it_is_dealt_with(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        missed = bench.store.missed
        found = [Missed(f"guid-{n}", n, "issue_comment", bench.now) for n in range(4)]
        await missed.note(found, None, bench.now)
        await missed.read("guid-0", b"{}", (bench.now, 1))
        await missed.done("guid-1", Outcome.NOTHING, bench.now)
        assert (await bench.store.census()).missed == 3
        plan = [row[3] for row in await bench.rows(f"EXPLAIN QUERY PLAN {census.MISSED}")]
        steps = [step for step in plan if " missed " in step]
        wanted = ("missed_unread", "missed_next")
        by_index = [f"INDEX {one}" in step for one, step in zip(wanted, steps, strict=True)]
        assert by_index == [True, True], "none is read that is done with"


async def test_moves_are_told_once_they_are_stored(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        told: list[Moved] = []
        bench.store.on_move = told.append
        task = await bench.ask()
        assert [(one.before, one.task.status) for one in told] == [
            (None, Status.QUEUED),
            (Status.QUEUED, Status.STARTING),
        ]
        await bench.claim(task)
        await bench.claim(task)
        await bench.store.apply(WorkerReported(task.id, 1, 1, progress=5), bench.now)
        assert [one.task.status for one in told[2:]] == [Status.RUNNING]
        with pytest.raises(ValueError, match="too bad"):
            await bench.store._write(lambda _: (_ for _ in ()).throw(ValueError("too bad")))
        assert len(told) == 3
        assert told[2].at - told[0].at < SECOND * 5


def test_times_are_counted_by_their_bounds() -> None:
    timings = Timings((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 3.0):
        timings.add(seconds)
    assert timings.counts == [2, 1, 1]
    assert timings.total == pytest.approx(3.65)
