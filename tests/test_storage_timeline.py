"""The timeline: in order, with its data, page by page."""

from __future__ import annotations

from pathlib import Path

from handlers.decision import Entry
from storage import timeline
from storage.numbers import Numbers
from storage.timeline import Happened
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
