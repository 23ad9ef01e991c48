"""Log lines: capped with a note, forgotten in time."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from storage.logs import AT_ONCE, MOST_BYTES, MOST_LINES, LogLine, Report
from tests.makers import NOON, SECOND
from tests.storage_support import Bench, opened

HOUR = timedelta(hours=1)
NOTE = "The log is full (50000 lines or 10 MB): cut here."


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path) as made:
        yield made


async def messages(bench: Bench, task: str = "x") -> list[str]:
    """The messages of a task's log."""
    lines: list[str] = []
    after = 0
    while page := await bench.store.logs.of_task(task, after, 10_000):
        lines += [line.message for _, line in page]
        after = page[-1][0]
    return lines


def say(*words: str) -> list[LogLine]:
    return [LogLine("info", word, NOON) for word in words]


async def test_lines_are_read_as_they_were_written(bench: Bench) -> None:
    lines = [LogLine("error", "é\n\t", NOON + SECOND), LogLine("command", "", NOON)]
    await bench.store.logs.append("x", 1, lines)
    await bench.store.logs.append("y", 1, say("other"))
    await bench.store.logs.append("x", 2, [])
    assert [line for _, line in await bench.store.logs.of_task("x")] == lines
    assert [line for _, line in await bench.store.logs.of_task("x", limit=1)] == lines[:1]
    assert [line for _, line in await bench.store.logs.newest_of_task("x", 1)] == lines[-1:]
    assert await bench.store.logs.newest_of_task("x", 10) == await bench.store.logs.of_task("x")


async def test_too_many_lines_are_cut_with_a_note(bench: Bench) -> None:
    for _ in range(MOST_LINES // 10_000):
        await bench.store.logs.append("x", 1, say(*["line"] * 10_000))
    assert NOTE not in await messages(bench)
    await bench.store.logs.append("x", 1, say("one too many"))
    await bench.store.logs.append("x", 1, say("another"))
    said = await messages(bench)
    assert len(said) == MOST_LINES + 1
    assert said[-1] == NOTE
    await bench.store.logs.append("y", 1, say("another task has its own share"))
    assert await messages(bench, "y") == ["another task has its own share"]


async def test_too_many_bytes_are_cut_with_a_note(bench: Bench) -> None:
    wide = "é" * (MOST_BYTES // 4)
    await bench.store.logs.append("x", 1, say(wide, wide[:-1], "1", "22", "3"))
    assert await messages(bench) == [wide, wide[:-1], "1", NOTE]
    await bench.store.logs.append("x", 1, say("4"))
    assert (await messages(bench))[-1] == NOTE, "what is cut stays cut"


async def test_exactly_what_is_allowed_is_kept(bench: Bench) -> None:
    halves = ["a" * (MOST_BYTES // 2)] * 2
    await bench.store.logs.append("x", 1, say(*halves))
    assert await messages(bench) == halves


async def test_old_lines_are_forgotten_and_their_share_is_free_again(bench: Bench) -> None:
    await bench.store.logs.append("x", 1, say("a" * MOST_BYTES, "b"))
    new = LogLine("info", "new", NOON + 2 * HOUR)
    await bench.store.logs.append("y", 1, [*say("old"), new])
    for age, left in ((HOUR, ["old", "new"]), (HOUR + SECOND, ["new"])):
        await bench.store.logs.forget(NOON + age, HOUR)
        assert await messages(bench, "y") == left
    assert await messages(bench) == []
    await bench.store.logs.append("x", 2, say("again"))
    assert await messages(bench) == ["again"]


async def test_more_is_forgotten_than_one_transaction_takes(bench: Bench) -> None:
    await bench.store.logs.append("x", 1, say(*["a"] * (AT_ONCE + 1)))
    await bench.store.logs.append("y", 1, say("b"))
    await bench.store.logs.forget(NOON + HOUR + SECOND, HOUR)
    assert await messages(bench) == await messages(bench, "y") == []


async def test_numbers_of_lines_are_never_given_twice(bench: Bench) -> None:
    for task in itertools.islice(itertools.cycle("xy"), 10):
        await bench.store.logs.append(task, 1, say("a", "b"))
    numbers = [
        number for task in "xy" for number, _ in await bench.store.logs.of_task(task, limit=100)
    ]
    assert sorted(numbers) == list(range(1, 21))


async def test_a_report_that_comes_twice_is_there_once(bench: Bench) -> None:
    for attempt, instance, number, word in (
        (1, "one", 1, "a"),
        (1, "one", 1, "a again"),
        (1, "one", 3, "b"),
        (1, "one", 2, "late"),
        (1, "other", 1, "c"),
        (2, "one", 1, "d"),
    ):
        await bench.store.logs.append("x", attempt, say(word), Report(instance, number))
    await bench.store.logs.append("x", 1, say("e"))
    await bench.store.logs.append("y", 1, say("y"), Report("one", 1))
    assert await messages(bench) == ["a", "b", "c", "d", "e"]
    assert await messages(bench, "y") == ["y"]
    await bench.store.logs.forget(NOON + HOUR + SECOND, HOUR)
    await bench.store.logs.append("x", 1, say("a"), Report("one", 1))
    assert await messages(bench) == ["a"]
