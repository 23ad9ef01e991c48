"""Lists against a plain model: pages, counts, searches, history, places; and their plans."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from handlers.task import ENDED, Status, Task
from handlers.values import Person
from storage import Store, tasks, words
from storage.listing import WORKED
from storage.lists import Finished, Listed, Place, Query, Scope
from storage.words import FEW, MANY, MOST_MARKS, RARE
from tests.makers import HERE, NOON, RULES, SECOND, id_of, task_in
from tests.storage_support import Bench, opened

OWNERS, REPOSITORIES, AGENTS = (1, 2, 3), (100, 200, 300), ("codex", "claude.x-1")
WORDS = ("oil", "door", "red", "it")
ALL = Scope(9, everything=True)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path, replace(RULES, max_running=0)) as made:
        yield made


@dataclass
class House:
    """A store, and what a list of Python says that it holds."""

    bench: Bench
    held: dict[int, Task] = field(default_factory=dict)
    """Tasks by their numbers."""
    made: int = 0

    @property
    def store(self) -> Store:
        return self.bench.store

    async def make(self, owner: int, repository: int, agent: str, *words: str) -> Task:
        self.made += 1
        where = replace(
            HERE, repository_id=repository, repository=f"acme/r{repository}", title="a squeak"
        )
        usual = task_in(owner=Person(owner, f"p{owner}"), id=id_of(self.made), where=where)
        wish = replace(usual.wish, agent=agent, prompt=" ".join(words))
        return await self.save(replace(usual, wish=wish, name=f"n{self.made}", version=0))

    async def save(self, task: Task) -> Task:
        saved = await self.bench.do(lambda db: tasks.save(db, task, None))
        ((seq,),) = await self.bench.rows("SELECT seq FROM tasks WHERE id = ?", task.id)
        self.held[seq] = saved
        return saved

    async def move(self, place: int, status: Status, minutes: int) -> None:
        """A task is in another status."""
        task = self.nth(place)
        if task is None:
            return
        ended = NOON + timedelta(minutes=minutes) if status in ENDED else None
        summary = "it is RED" if status is Status.COMPLETED else None
        attempt = task.attempt + (task.ended and ended is None)
        await self.save(
            replace(task, status=status, completed_at=ended, summary=summary, attempt=attempt)
        )

    async def rename(self, repository: int, name: str) -> None:
        for task in list(self.held.values()):
            if task.where.repository_id == repository:
                await self.save(replace(task, where=replace(task.where, repository=name)))

    async def hide(self, place: int) -> None:
        """A task is to be deleted."""
        if (task := self.nth(place)) is not None:
            await self.save(replace(task, deleting=True))

    async def delete(self, place: int) -> None:
        task = self.nth(place)
        if task is not None and await self.store.delete(task.id, NOON):
            self.held = {seq: one for seq, one in self.held.items() if one.id != task.id}

    def nth(self, place: int) -> Task | None:
        everything = list(self.held.values())
        return everything[place % len(everything)] if everything else None

    def found(self, scope: Scope, query: Query) -> list[tuple[int, Task]]:
        """What a list is to hold, newest first."""
        fits = [one for one in self.held.items() if _fits(one[1], scope, query)]
        return sorted(fits, reverse=True)

    def ended(self, scope: Scope, query: Query) -> list[tuple[datetime, int, Task]]:
        """What the history is to hold, the newest end first."""
        found = [
            (task.completed_at or NOON, seq, task)
            for seq, task in self.found(scope, query)
            if task.status in WORKED
        ]
        return sorted(found, key=lambda one: one[:2], reverse=True)


def _fits(task: Task, scope: Scope, query: Query) -> bool:
    place, owner = task.where.repository_id, task.owner.id
    mine = owner == scope.person_id and place in scope.readable
    return (
        not (task.deleting and task.ended)
        and (scope.everything or mine or place in scope.writable)
        and query.owner_id in {None, owner}
        and query.repository_id in {None, place}
        and (not query.statuses or task.status in query.statuses)
        and query.agent in {None, task.wish.agent}
        and all(_speaks_of(task, word) for word in query.words)
    )


def _speaks_of(task: Task, word: str) -> bool:
    parts = (task.name, task.where.repository, task.where.title, task.wish.prompt, task.summary)
    text = f" {' '.join(_tokens(' '.join(filter(None, parts))))} "
    return f" {' '.join(_tokens(word))} " in text


def _tokens(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


PLACES = st.integers(0, 30)
STEPS = st.one_of(
    st.tuples(
        st.just("make"),
        st.sampled_from(OWNERS),
        st.sampled_from(REPOSITORIES),
        st.sampled_from(AGENTS),
        st.sampled_from(WORDS),
        st.sampled_from(WORDS),
    ),
    st.tuples(st.just("move"), PLACES, st.sampled_from(Status), st.integers(0, 3)),
    st.tuples(st.just("rename"), st.sampled_from(REPOSITORIES), st.sampled_from(["a/oil", "b/x"])),
    st.tuples(st.just("hide"), PLACES),
    st.tuples(st.just("delete"), PLACES),
)
MAKES = st.lists(
    st.tuples(
        st.just("make"),
        st.sampled_from(OWNERS),
        st.sampled_from(REPOSITORIES),
        st.sampled_from(AGENTS),
        st.sampled_from(WORDS),
        st.sampled_from(WORDS),
    ),
    min_size=3,
    max_size=12,
)
SOME = st.frozensets(st.sampled_from(REPOSITORIES))
SCOPES = st.just(ALL) | st.builds(
    lambda person, readable, writable: Scope(
        person, readable=readable | writable, writable=writable
    ),
    st.sampled_from(OWNERS),
    SOME,
    SOME,
)
QUERIES = st.builds(
    Query,
    st.none() | st.sampled_from(OWNERS),
    st.none() | st.sampled_from(REPOSITORIES),
    st.just(frozenset[Status]()) | st.frozensets(st.sampled_from(Status)),
    st.none() | st.sampled_from(AGENTS),
    st.just(())
    | st.lists(st.sampled_from((*WORDS, "oil door", "a-squeak", "n1")), max_size=2).map(tuple),
)
ASKED = st.lists(st.tuples(SCOPES, QUERIES, st.integers(1, 4)), min_size=4, max_size=8)


@given(MAKES, st.lists(STEPS, max_size=15), ASKED)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_lists_are_what_a_plain_model_says(
    makes: list[Any], steps: list[Any], asked: list[tuple[Scope, Query, int]]
) -> None:
    asyncio.run(_compare([*makes, *steps], asked))


async def _compare(steps: Iterable[Any], asked: list[tuple[Scope, Query, int]]) -> None:
    with TemporaryDirectory() as folder:
        async with opened(Path(folder)) as bench:
            house = House(bench)
            for name, *values in steps:
                await getattr(house, name)(*values)
            for scope, query, limit in asked:
                await _compare_one(house, scope, query, limit)
            await _sound(bench)


async def _compare_one(house: House, scope: Scope, query: Query, limit: int) -> None:
    lists = house.store.lists
    found, ended = house.found(scope, query), house.ended(scope, query)
    assert await lists.count(scope, query) == (len(found), True)

    async def page(before: int | None) -> Listed:
        return await house.store.list_tasks(scope, query, limit, before)

    async def meanwhile() -> None:
        await house.make(scope.person_id, 100, AGENTS[0], *WORDS)

    assert await _pages(page, meanwhile, limit) == [task for _, task in found]
    if not query.words:

        async def past(before: tuple[datetime, int] | None) -> Finished:
            return await house.store.history(scope, query, limit, before)

        assert await _pages(past, meanwhile, limit) == [task for _, _, task in ended]


async def _pages(
    page: Callable[[Any], Awaitable[Listed | Finished]],
    meanwhile: Callable[[], Awaitable[None]],
    limit: int,
) -> list[Task]:
    """All pages, with something made between any two."""
    told: list[Task] = []
    before: Any = None
    while True:
        listed = await page(before)
        assert len(listed.tasks) <= limit
        told += listed.tasks
        if listed.next is None:
            return told
        assert len(listed.tasks) == limit
        before = listed.next
        await meanwhile()


async def _sound(bench: Bench) -> None:
    """Shelves hold what they say, and words are where they belong."""
    wrong = await bench.rows(
        "SELECT id, tasks FROM shelves LEFT JOIN shelved ON shelf = id GROUP BY id "
        "HAVING count(seq) != tasks OR tasks = 0"
    )
    assert wrong == []
    assert (
        await bench.rows("SELECT seq FROM shelved WHERE shelf NOT IN (SELECT id FROM shelves)")
        == []
    )
    numbers = await bench.rows("SELECT seq FROM listed ORDER BY seq")
    assert await bench.rows("SELECT rowid FROM words ORDER BY rowid") == numbers
    await bench.do(
        lambda db: db.conn.execute("INSERT INTO words(words) VALUES ('integrity-check')")
    )


async def test_counting_stops_at_a_thousand(bench: Bench) -> None:
    def many(db: Database) -> None:
        for number in range(1_000):
            task = task_in(id=id_of(7_000 + number), name=f"n{number}", version=0)
            tasks.save(db, task, None)

    await bench.do(many)
    lists = bench.store.lists
    worded = Query(words=("door",))
    assert await lists.count(ALL, Query()) == (1_000, True)
    assert await lists.count(ALL, worded) == (1_000, True)
    await bench.ask("/fix the door")
    assert await bench.store.count_tasks(ALL, Query()) == (1_000, False)
    assert await lists.count(ALL, worded) == (1_000, False)


NASTY = (
    '"', '""', "oil OR door", "oil NOT door", "NEAR(oil door)", "oil*", "^oil", "marks:o1", "o1",
    "marks : o1", "-oil", "+oil", "(", ")", "oil)", "{text marks}: o1", "\0", "oil\0door", "\ud800",
    "oil' --", "%", "\\", "é", "x" * 600, ":", "*", "oil + door", "text", "AND", "🦀",
)  # fmt: skip


@pytest.mark.parametrize("word", NASTY)
@pytest.mark.parametrize("scope", [ALL, Scope(2, readable=frozenset({100}))], ids=["all", "one"])
async def test_nothing_in_a_word_is_an_order(bench: Bench, word: str, scope: Scope) -> None:
    house = House(bench)
    mine = await house.make(2, 100, "codex", word.replace("\ud800", "x").replace("\0", " "), "oil")
    await house.make(1, 100, "codex", "nothing")
    found = await bench.store.lists.page(scope, Query(words=(word,)), 9)
    fits = any(char.isalnum() and char != "\ud800" for char in word)
    assert found.tasks == ((mine,) if fits else ())
    again = await bench.store.lists.page(scope, Query(words=("oil", word)), 9)
    assert again == found


@given(st.lists(st.text(max_size=20), min_size=20, max_size=100))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_can_be_looked_for(words: list[str]) -> None:
    async def look() -> None:
        with TemporaryDirectory() as folder:
            async with opened(Path(folder)) as bench:
                mine = await House(bench).make(1, 100, "codex", "oil")
                for word in words:
                    found = await bench.store.lists.page(ALL, Query(words=(word, "oil")), 9)
                    assert found.tasks in [(), (mine,)]

    asyncio.run(look())


async def test_who_sees_very_many_repositories_finds_words_in_them_and_nowhere_else(
    bench: Bench,
) -> None:
    house = House(bench)
    mine = await house.make(2, 100, "codex", "oil")
    await house.make(2, 5_000, "codex", "oil")
    scope = Scope(2, writable=frozenset(range(1, 2 * MOST_MARKS)))
    assert (await bench.store.lists.page(scope, Query(words=("oil",)), 9)).tasks == (mine,)


async def test_words_that_are_in_very_many_tasks_are_found_where_they_may_be_seen(
    bench: Bench,
) -> None:
    def many(db: Database) -> None:
        for number in range(RARE):
            task = task_in(id=id_of(7_000 + number), name=f"n{number}", version=0)
            tasks.save(db, task, None)

    await bench.do(many)
    mine = await House(bench).make(2, 200, "codex", "door")
    scope = Scope(2, writable=frozenset(range(200, 200 + 2 * FEW)))
    found = await bench.store.lists.page(scope, Query(words=("door",)), 9)
    assert found.tasks == (mine,)
    assert await bench.store.lists.count(scope, Query(words=("door",))) == (1, True)
    assert (await bench.store.lists.page(scope, Query(2, words=("door",)), 9)).tasks == (mine,)
    assert await bench.store.lists.count(scope, Query(1, words=("door",))) == (0, True)


async def test_words_are_found_among_what_has_not_ended(bench: Bench) -> None:
    house = House(bench)
    for _ in range(3):
        await house.make(1, 100, "codex", "oil")
    for place, status in enumerate((Status.FAILED, Status.RUNNING, Status.QUEUED)):
        await house.move(place, status, 0)
    for statuses, count in (({Status.RUNNING}, 1), ({Status.RUNNING, Status.FAILED}, 2)):
        query = Query(statuses=frozenset(statuses), words=("oil",))
        assert await bench.store.lists.count(ALL, query) == (count, True)


async def test_of_many_tasks_a_search_looks_only_at_those_of_the_agent(bench: Bench) -> None:
    def many(db: Database) -> None:
        for number in range(MANY + 1):
            task = task_in(id=id_of(7_000 + number), name=f"m{number}", version=0)
            tasks.save(db, task, None)

    await bench.do(many)
    here = HERE.repository_id
    mine = await House(bench).make(2, here, "codex", "door")
    scope = Scope(2, writable=frozenset({here}))
    query = Query(agent="codex", words=("door",))
    match = await bench.do(lambda db: words.match_of(db, scope, query))
    found = "SELECT rowid FROM words WHERE words MATCH ?"
    ((seq,),) = await bench.rows("SELECT seq FROM tasks WHERE id = ?", mine.id)
    assert await bench.rows(found, match) == [(seq,)]
    assert (await bench.store.lists.page(scope, query, 9)).tasks == (mine,)


READS = {
    "a repository": (Scope(2, readable=frozenset({100})), Query(), 1),
    "a repository of two": (Scope(2, readable=frozenset({100, 200})), Query(None, 200), 2),
    "some repositories": (Scope(2, readable=frozenset({100, 200})), Query(), 3),
    "many repositories": (Scope(2, readable=frozenset(range(100, 900))), Query(), 4),
    "none of its own tasks": (Scope(2, readable=frozenset({100, 200})), Query(1), 0),
    "a repository, and writes to one": (
        Scope(2, readable=frozenset({100, 200}), writable=frozenset({200})),
        Query(),
        13,
    ),
    "many, and writes to one": (
        Scope(2, readable=frozenset(range(100, 900)), writable=frozenset({200})),
        Query(),
        14,
    ),
    "what somebody else made where it may write": (
        Scope(2, writable=frozenset(range(100, 102))),
        Query(1),
        10,
    ),
}


@pytest.mark.parametrize("name", READS)
async def test_a_search_looks_only_at_what_may_be_seen(bench: Bench, name: str) -> None:
    scope, query, most = READS[name]
    house = House(bench)
    for number in range(20):
        await house.make(1, (100, 200)[number % 2], "codex", "oil")
    for place in (100, 200, 200, 800):
        await house.make(2, place, "codex", "oil")
    worded = replace(query, words=("oil",))

    def looked_at(db: Database) -> int:
        match = words.match_of(db, scope, worded)
        found = "SELECT count(*) FROM words WHERE words MATCH ?"
        return 0 if match is None else int(db.conn.execute(found, (match,)).fetchone()[0])

    assert await bench.do(looked_at) <= most
    found = await bench.store.lists.page(scope, worded, 99)
    assert list(found.tasks) == [task for _, task in house.found(scope, worded)]


async def test_the_pieces_of_the_index_of_words_become_one(bench: Bench) -> None:
    house = House(bench)
    made = [await house.make(1, 100, "codex", "oil", f"w{number}") for number in range(12)]

    async def pieces() -> int:
        ((count,),) = await bench.rows("SELECT count(DISTINCT segid) FROM words_idx")
        return count

    assert await pieces() > 1
    await bench.store.lists.tidy()
    assert await pieces() == 1
    await bench.store.lists.tidy()
    assert (await bench.store.lists.page(ALL, Query(words=("oil",)), 99)).tasks == (*made[::-1],)
    await _sound(bench)


async def test_the_newest_end_comes_first_and_what_ended_together_by_its_making(
    bench: Bench,
) -> None:
    house = House(bench)
    made = [await house.make(1, place, "codex") for place in (100, 100, 200, 200, 300)]
    for place, minutes in enumerate((5, 2, 2, 9)):
        await house.move(place, Status.FAILED, minutes)
    told: list[str] = []
    before = None
    for following in (True, True, True, False):
        found = await bench.store.history(ALL, Query(), 1, before)
        told += [task.name for task in found.tasks]
        assert (found.next is not None) == following
        before = found.next
    assert told == [made[place].name for place in (3, 0, 2, 1)]


async def test_places_are_where_tasks_are(bench: Bench) -> None:
    house, lists = House(bench), bench.store.lists
    assert await lists.places() == ()
    await house.make(1, 100, "codex")
    await house.make(2, 200, "codex")
    one, two = (Place(place, HERE.installation_id, f"acme/r{place}") for place in (100, 200))
    assert await lists.places() == (one, two)
    assert await lists.places(1) == (one,)
    assert await bench.store.places(None, "ACME/R200") == (two,)
    assert await lists.places(1, "acme/r200") == ()
    await house.rename(200, "acme/gate")
    assert await lists.places(2) == (replace(two, full_name="acme/gate"),)
    assert await lists.places(repository="acme/r200") == ()
    await house.move(0, Status.FAILED, 0)
    await house.delete(0)
    assert await lists.places(1) == await lists.places(None, "acme/r100") == ()


async def test_owners_are_known_by_the_login_that_they_had_last(bench: Bench) -> None:
    house, lists = House(bench), bench.store.lists
    task = await house.make(1, 100, "codex")
    await house.save(replace(task, owner=Person(1, "Ada-L")))
    assert await lists.owner_called("ada-l") == 1
    assert await lists.owner_called("p1") is None


async def test_what_does_not_move_a_task_writes_nothing_of_the_lists(bench: Bench) -> None:
    house = House(bench)
    task = await house.make(1, 100, "codex", "oil")
    for table in ("listed", "places", "shelves", "shelved"):
        for verb in ("INSERT", "UPDATE", "DELETE"):
            await bench.sql(
                f"CREATE TRIGGER no_{table}_{verb} BEFORE {verb} ON {table} "
                "BEGIN SELECT raise(ABORT, 'written'); END"
            )
    await house.save(replace(task, progress=50, updated_at=NOON + SECOND))
    assert (await bench.store.lists.page(ALL, Query(), 9)).tasks[0].progress == 50


STATUSES = frozenset({Status.FAILED, Status.QUEUED})
PLANNED = {
    "all": (ALL, Query()),
    "of a status": (ALL, Query(statuses=STATUSES)),
    "of an owner": (ALL, Query(owner_id=1)),
    "seen": (Scope(1, readable=frozenset({100, 200}), writable=frozenset({200})), Query()),
    "own": (Scope(1, readable=frozenset({100})), Query(1, 100, STATUSES, "codex")),
    "words": (ALL, Query(words=("oil",))),
    "words of one": (Scope(1, readable=frozenset({100})), Query(1, 100, STATUSES, "codex", ("a",))),
}


@pytest.mark.parametrize("name", PLANNED)
async def test_no_list_walks_through_a_table(bench: Bench, name: str) -> None:
    scope, query = PLANNED[name]
    house = House(bench)
    for number in range(50):
        await house.make(number % 3 + 1, (number % 3 + 1) * 100, "codex", "oil")
    await bench.do(lambda db: db.conn.execute("ANALYZE"))
    said: list[str] = []

    def listen(db: Database) -> None:
        db.conn.set_trace_callback(said.append)

    store = bench.store
    for _ in range(20):  # on each of the readers
        await store.lists._engine.read(listen)
    for _ in range(5):
        await store.list_tasks(scope, query, 5, 30)
        await store.count_tasks(scope, query)
        await store.history(scope, replace(query, words=()), 5, (NOON, 3))
        await store.totals(scope, query, date(2026, 1, 1))
        await store.places(query.owner_id, "acme/door")
    asked = {one for one in said if one.lstrip().startswith(("SELECT", "WITH"))}
    assert asked
    for statement in asked:
        rows = await bench.rows(f"EXPLAIN QUERY PLAN {statement}")
        for *_, step in rows:
            walk = re.match(r"SCAN (tasks|listed|n|s|shelved|shelves|totals)\b", step)
            assert walk is None, (step, statement)
