"""The numbers of events: a reader that follows them in their order misses none."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from storage.numbers import UNUSED, Book, Numbers
from storage.sqlite import Engine, StorageFailed

migrations = Migrations("numbered")


@migrations()
def numbered(db: Database) -> None:
    db.executescript("CREATE TABLE numbered (id INTEGER PRIMARY KEY) STRICT;")


class Writers:
    """Two files that share their numbers, as the timeline and the log lines do."""

    def __init__(self, numbers: Numbers, books: list[Book], engines: list[Engine]) -> None:
        self.numbers = numbers
        self.books = books
        self.engines = engines

    async def add(self, which: int, count: int = 1, fails: Exception | None = None) -> int:
        """Take some numbers and write them; the first of them."""
        book = self.books[which]

        def work(db: Database) -> int:
            first = book.take(count)
            for number in range(first, first + count):
                db.conn.execute("INSERT INTO numbered VALUES (?)", (number,))
            if fails is not None:
                raise fails
            return first

        return await self.engines[which].write(work)

    async def written(self, after: int = 0, upto: int = 2**62) -> list[int]:
        """The numbers that readers find."""
        query = "SELECT id FROM numbered WHERE id > ? AND id <= ?"

        def read(db: Database) -> list[int]:
            return [number for (number,) in db.conn.execute(query, (after, upto))]

        found = [number for engine in self.engines for number in await engine.read(read)]
        return sorted(found)

    @contextlib.asynccontextmanager
    async def held(self, which: int, work: Callable[[], object]) -> AsyncGenerator[None]:
        """Stop a writer in the middle of a group, after some work."""
        begun, release = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def hold(_: Database) -> None:
            work()
            loop.call_soon_threadsafe(begun.set)
            assert release.wait(30)

        holding = asyncio.create_task(self.engines[which].write(hold))
        await begun.wait()
        try:
            yield
        finally:
            release.set()
            await holding


@pytest.fixture
async def writers(tmp_path: Path) -> AsyncGenerator[Writers]:
    numbers = Numbers()
    books = [numbers.book(), numbers.book()]
    engines = [
        await Engine.open(
            tmp_path / f"{number}.db", migrations=migrations, readers=1, group_ended=book.close
        )
        for number, book in enumerate(books)
    ]
    yield Writers(numbers, books, engines)
    for engine in engines:
        await engine.close()


async def test_what_was_answered_is_settled(writers: Writers) -> None:
    assert writers.numbers.settled == 0
    for number in range(1, 20):
        assert await writers.add(number % 2) == number
        assert writers.numbers.settled == number


async def test_a_number_holds_back_the_higher_ones_until_its_group_has_ended(
    writers: Writers,
) -> None:
    async with writers.held(0, lambda: writers.books[0].take(2)):
        assert await writers.add(1, count=3) == 3
        assert writers.numbers.settled == 0
        assert await writers.add(1) == 6
        assert writers.numbers.settled == 0
    assert writers.numbers.settled == 6


async def test_a_group_that_takes_none_holds_nothing_back(writers: Writers) -> None:
    async with writers.held(0, lambda: writers.books[0].take(0)):
        await writers.add(1)
        assert writers.numbers.settled == 1


@pytest.mark.parametrize("error", [LookupError("my own mistake"), StorageFailed("disk full")])
async def test_numbers_of_a_write_that_failed_are_settled(
    writers: Writers, error: Exception
) -> None:
    with pytest.raises(type(error)):
        await writers.add(0, count=4, fails=error)
    assert writers.numbers.settled == 4
    assert await writers.written() == []


async def test_somebody_hears_of_groups_that_took_numbers_and_of_no_others(
    writers: Writers,
) -> None:
    heard: list[int] = []
    writers.numbers.on_settled = lambda: heard.append(writers.numbers.settled)
    await writers.engines[0].write(lambda _: None)
    await writers.add(0)
    await writers.add(1, count=5)
    assert heard == [1, 6]


def test_after_a_start_no_number_is_given_that_may_have_been_seen() -> None:
    numbers = Numbers()
    book = numbers.book()
    numbers.go_on_after(0)
    assert book.take() == 1
    numbers.go_on_after(41)
    assert book.take() == 42 + UNUSED


@pytest.mark.parametrize("seed", range(5))
async def test_a_reader_finds_every_committed_number_once_and_in_order(
    writers: Writers, seed: int
) -> None:
    chance = random.Random(seed)
    errors = (LookupError("mine"), StorageFailed("the whole group"))
    asked: list[asyncio.Task[int]] = []
    done = asyncio.Event()

    async def write(which: int) -> None:
        for _ in range(60):
            for _ in range(chance.randrange(1, 8)):
                fails = chance.choice(errors) if chance.random() < 0.1 else None
                adding = writers.add(which, chance.randrange(1, 4), fails)
                asked.append(asyncio.create_task(adding))
            if chance.random() < 0.2:
                await asyncio.sleep(0)
                chance.choice(asked).cancel()
            if chance.random() < 0.7:
                await asyncio.wait({asked[-1]})

    async def read() -> list[int]:
        seen: list[int] = []
        while True:
            last_look = done.is_set()
            upto = writers.numbers.settled
            seen += await writers.written(seen[-1] if seen else 0, upto)
            if last_look:
                return seen

    reading = asyncio.create_task(read())
    await asyncio.gather(write(0), write(1))
    await asyncio.gather(*asked, return_exceptions=True)
    for which in range(2):  # behind all that was cancelled
        await writers.add(which)
    done.set()
    seen = await reading
    assert seen == await writers.written()
    assert len(seen) > 100
    assert len(seen) < writers.numbers.settled
