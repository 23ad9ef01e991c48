"""Missed deliveries in the database: noted with how far the log was read, and taken once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from handlers.missed import Missed
from storage.candidates import Candidate
from storage.missed import MissedDeliveries, Outcome, Turn
from storage.missed_told import MissedTold, look, told
from storage.receiving import Arrival
from tests.makers import NOON, SECOND, id_of
from tests.payloads import comment_body
from tests.storage_support import Bench, opened

HOUR = timedelta(hours=1)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path) as made:
        yield made


@pytest.fixture
def book(bench: Bench) -> MissedDeliveries:
    return bench.store.missed


def one(number: int, attempt: int = 0) -> Missed:
    return Missed(f"guid-{number}", attempt or number, "issue_comment", NOON + number * SECOND)


def arrival(number: int, *positions: int) -> Arrival:
    candidates = tuple(
        Candidate(id_of(number * 10 + position), "comment", 900 + number, position)
        for position in positions
    )
    body = comment_body(900 + number)
    return Arrival(f"guid-{number}", "issue_comment", NOON, body, candidates)


async def note(book: MissedDeliveries, *found: Missed) -> int:
    return await book.note(found, NOON, NOON)


async def test_what_was_found_and_how_far_it_was_read_are_noted(book: MissedDeliveries) -> None:
    assert await book.read_to() is None
    assert await book.note([one(2), one(1)], NOON + HOUR, NOON) == 2
    assert await book.read_to() == NOON + HOUR
    assert await book.unread() == (one(1), one(2))
    assert await book.note([], None, NOON) == 0
    assert await book.read_to() == NOON + HOUR


async def test_what_is_noted_or_stored_is_not_found_anew(
    bench: Bench, book: MissedDeliveries
) -> None:
    await bench.store.inbox.receive(arrival(3, 0))
    assert await note(book, one(1), one(2)) == 2
    assert await note(book, one(1, 11), one(3)) == 0
    assert await book.unread() == (one(1, 11), one(2)), "by the latest attempt"
    await book.done("guid-1", Outcome.NOTHING, NOON)
    assert await note(book, one(1, 12)) == 0
    assert await book.unread() == (one(2),)


async def test_what_failed_comes_last(book: MissedDeliveries) -> None:
    await note(book, one(1), one(2))
    assert [await book.failed("guid-1") for _ in range(2)] == [1, 2]
    assert await book.unread() == (one(2), one(1))
    assert await book.unread(fresh=True) == (one(2),)
    await book.failed("guid-2")
    assert await book.unread(fresh=True) == ()


async def test_turns_come_as_it_was_written(bench: Bench, book: MissedDeliveries) -> None:
    await note(book, *(one(number) for number in range(1, 5)))
    assert await book.next() is None
    for number, place in ((1, (NOON + SECOND, 5)), (2, (NOON, 9)), (3, (NOON, 7))):
        await book.read(f"guid-{number}", b"{}", place)
    await book.read("guid-4", None, (NOON + HOUR, 1))
    assert await book.unread() == ()
    assert await book.asked("guid-3") == 1
    assert await book.next() == Turn(one(3), 1, b"{}")
    for number in (3, 2, 1):
        turn = await book.next()
        assert turn is not None
        assert turn.missed == one(number)
        await book.done(turn.missed.guid, Outcome.KNOWN, NOON)
    assert await book.next() == Turn(one(4), 0, None)
    bodies = await bench.rows("SELECT body FROM missed WHERE outcome IS NOT NULL")
    assert bodies == [(None,)] * 3, "a payload goes with its outcome"


async def test_a_payload_is_stored_once_and_told_as_late(
    bench: Bench, book: MissedDeliveries
) -> None:
    await note(book, one(1), one(2))
    for number in (1, 2):
        await book.read(f"guid-{number}", b"{}", (NOON, number))
    await bench.store.inbox.receive(arrival(7, 0))
    assert not await book.is_stored("guid-1")
    assert await book.take(arrival(1, 0)) is Outcome.LOG
    assert await book.is_stored("guid-1")
    (early, late) = await bench.store.inbox.waiting(9)
    assert (early.late, late.late, late.delivery_id) == (False, True, "guid-1")
    again = arrival(1, 0)._replace(delivery_id="guid-2")
    assert await book.is_stored("guid-2", again.candidates)
    assert not await book.is_stored("guid-2", (*again.candidates, *arrival(5, 0).candidates))
    assert await book.take(again) is Outcome.KNOWN
    assert await book.next() is None
    rows = await bench.store.arrivals.page(9, None)
    assert [(row.id, row.via) for row in rows] == [("guid-1", "log"), ("guid-7", "webhook")]


async def test_how_it_came_is_told(bench: Bench, book: MissedDeliveries) -> None:
    await note(book, one(1), one(2))
    await book.asked("guid-1")
    for number in (1, 2):
        await bench.store.inbox.receive(arrival(number, 0))
    rows = await bench.store.arrivals.page(9, None)
    assert [row.via for row in rows] == ["webhook", "redelivery"]


async def test_what_is_dealt_with_is_forgotten_in_the_end(
    bench: Bench, book: MissedDeliveries
) -> None:
    await note(book, one(1), one(2))
    await book.note([one(3)], NOON, NOON + HOUR)
    for number in (1, 3):
        await book.done(f"guid-{number}", Outcome.LOST, NOON + HOUR)
    await book.forget(NOON + SECOND)
    assert await bench.rows("SELECT guid FROM missed ORDER BY guid") == [("guid-2",), ("guid-3",)]


async def test_how_it_goes_is_told(bench: Bench, book: MissedDeliveries, tmp_path: Path) -> None:
    assert await bench.do(lambda db: told(db, NOON)) == MissedTold(None, "", 0, {})
    await note(book, *(one(number) for number in range(1, 5)))
    await book.done("guid-1", Outcome.LOST, NOON)
    await book.done("guid-2", Outcome.LOG, NOON)
    await book.looked(NOON, "")
    await book.looked(NOON + HOUR, "GitHub is away")
    counts = {"lost": 1, "log": 1}
    found = MissedTold(NOON, "GitHub is away", 2, counts)
    assert look(tmp_path / "bellhop.db", NOON) == found
    await book.looked(NOON + HOUR, "")
    late = NOON + SECOND
    assert look(tmp_path / "bellhop.db", late) == MissedTold(NOON + HOUR, "", 0, {})
    assert look(tmp_path / "none.db", NOON) is None
    await bench.sql("ALTER TABLE missed RENAME TO other")
    assert look(tmp_path / "bellhop.db", NOON) is None
