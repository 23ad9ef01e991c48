"""The timeline: in order, with its data, page by page."""

from __future__ import annotations

from pathlib import Path

from handlers.decision import Entry
from storage import timeline
from storage.numbers import Numbers
from storage.timeline import MOST_STATES, Happened
from tests.makers import ID, NOON, task_in
from tests.storage_support import opened


async def test_entries_keep_their_order_data_and_attempt(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        task = await bench.ask()
        numbers = Numbers(100).book()
        entries = [Entry("info", "é", {"a": [1, None, "x"]}), Entry("usage", "")]
        later = task_in(id=task.id, attempt=2)
        await bench.do(lambda db: timeline.append(db, numbers, later, entries, NOON))
        await bench.do(lambda db: timeline.append(db, numbers, later, [], NOON))
        assert await bench.store.timeline(task.id, after=100) == (
            Happened(101, task.id, 2, NOON, "info", "é", {"a": [1, None, "x"]}),
            Happened(102, task.id, 2, NOON, "usage", "", {}),
        )
        page = await bench.do(lambda db: timeline.of_task(db, task.id, after=100, limit=1))
        assert [one.id for one in page] == [101]
        assert await bench.store.timeline(ID) == ()
        assert numbers.take() == 103


async def test_messages_are_found_with_what_became_of_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        task = await bench.ask()
        entries = [
            Entry("message", "quickly", {"id": "m1", "by": "ada"}),
            Entry("progress", "5 %", {"progress": 5}),
            Entry("info", "dealt with", {"acknowledged": ["m1"]}),
            Entry("status", "again", {"status": "queued", "answers": ["m2"]}),
            Entry("status", "again", {"status": "queued"}),
        ]
        numbers = Numbers(100).book()
        await bench.do(lambda db: timeline.append(db, numbers, task, entries, NOON))
        assert [one.id for one in await bench.store.talk(task.id)] == [101, 103, 104]
        assert await bench.store.talk(ID) == ()


async def test_states_are_the_last_ones_in_their_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        task = await bench.ask()
        entries = [
            *(Entry("status", "", {"state": f"s{number}"}) for number in range(MOST_STATES)),
            Entry("progress", "5 %", {"progress": 5}),
            Entry("warning", "again", {"status": "queued"}),
        ]
        numbers = Numbers(100).book()
        await bench.do(lambda db: timeline.append(db, numbers, task, entries, NOON))
        found = await bench.store.states(task.id)
        assert len(found) == MOST_STATES
        assert [dict(one.data) for one in (found[0], found[-1])] == [
            {"state": "s1"},
            {"status": "queued"},
        ]
        assert await bench.store.states(ID) == ()
