"""A million tasks: how long does a page of a list, a search, a count, a status take?

    python -m bench.lists [TASKS]

The database is made once, in some minutes, and kept in `.bench-lists/`; remove the folder to have
it made anew. What is measured is what a route waits for: a call of the store, with its way to a
reading thread and back, of an idle Bellhop, pages of 50. Ends with 1 when an aim is missed.
"""

from __future__ import annotations

import gc
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles

import uvloop
from sqlite_utils import Database

from bench import lists_bulk
from bench import lists_data as data
from handlers.decision import Rules
from handlers.task import Status, saying
from storage import Store, migrations, tasks
from storage.lists import Query, Scope
from storage.sqlite import Engine
from storage.times import from_micros

FOLDER = Path(".bench-lists")
AIM = 0.005
"""Seconds at the 99th percentile."""
PAGE = 50
ROUNDS = 400

Ask = Callable[[random.Random], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks; `owner` is whose tasks they look for, unless everybody's."""

    name: str
    scope: Scope
    owner: int | None


def callers() -> tuple[Caller, ...]:
    """People with one repository and with a hundred, with few tasks, many, and all."""
    anns, bens = frozenset(data.ANNS), frozenset(data.BENS)
    bigs, writers = frozenset(data.BIGS), frozenset(data.WRITERS)
    reader, busiest = Scope(data.BIG, readable=bigs | bens), frozenset(data.BIGS[:1])
    return (
        Caller(
            "1,000 own in 1 repository", Scope(data.ANN, readable=anns, writable=anns), data.ANN
        ),
        Caller("1,000 own in 100 repositories", Scope(data.BEN, readable=bens), data.BEN),
        Caller("100,000 own in 50 repositories", reader, data.BIG),
        Caller("own in the busiest repository", Scope(data.READER, readable=busiest), None),
        Caller("own in the 50 busiest repositories", Scope(data.READER, readable=bigs), None),
        Caller("all in 1 repository", Scope(data.ANN, readable=anns, writable=anns), None),
        Caller(
            "all in 100 repositories", Scope(data.WRITER, readable=writers, writable=writers), None
        ),
        Caller(
            "all in 100, own in 50 more",
            Scope(data.BIG, readable=bigs | writers, writable=writers),
            None,
        ),
        Caller("operator, all", Scope(data.OPERATOR, everything=True), None),
        Caller("operator, of one owner", Scope(data.OPERATOR, everything=True), data.BIG),
    )


def narrowed(caller: Caller) -> Iterator[tuple[str, Query]]:
    """The ways to narrow a list."""
    query = Query(caller.owner)
    one = min(caller.scope.readable, default=data.BIGS[7])
    ended = frozenset({Status.FAILED, Status.CANCELLED})
    yield "all", query
    yield "status", replace(query, statuses=frozenset({Status.FAILED}))
    yield "two statuses", replace(query, statuses=ended)
    yield "running", replace(query, statuses=frozenset({Status.RUNNING}))
    yield "repository", replace(query, repository_id=one)
    yield "agent", replace(query, agent="opencode")
    yield "agent and status", replace(query, agent="codex", statuses=frozenset({Status.FAILED}))


def searched(caller: Caller) -> Iterator[tuple[str, Query]]:
    """Searches for words that are in most texts, in some, in few and in none."""
    query = Query(caller.owner)
    often, seldom = data.WORDS[2], data.WORDS[-5]
    failed = frozenset({Status.FAILED})
    yield "a frequent word", replace(query, words=(often,))
    yield "a seldom word", replace(query, words=(seldom,))
    yield "a rare word", replace(query, words=("zugzwang",))
    yield "an absent word", replace(query, words=("nowhere",))
    yield "two words", replace(query, words=(often, data.WORDS[30]))
    yield "a phrase", replace(query, words=("zugzwang again",))
    yield "a word and status", replace(query, words=(data.WORDS[30],), statuses=failed)
    yield "a word and running", replace(query, words=(often,), statuses=frozenset({Status.RUNNING}))


def asks(store: Store, caller: Caller, total: int) -> Iterator[tuple[str, Ask]]:
    """Everything that a caller can ask, by what it is called."""
    lists, scope = store.lists, caller.scope
    for name, query in (*narrowed(caller), *searched(caller)):
        yield f"{name}: first page", lambda _, q=query: lists.page(scope, q, PAGE)
        yield (
            f"{name}: a page inside",
            lambda chance, q=query: lists.page(scope, q, PAGE, chance.randrange(1, total)),
        )
        yield f"{name}: count", lambda _, q=query: lists.count(scope, q)
    for name, query in narrowed(caller):
        if name == "running":
            continue
        yield f"history, {name}: first page", lambda _, q=query: lists.history(scope, q, PAGE)
        yield (
            f"history, {name}: a page inside",
            lambda chance, q=query: lists.history(
                scope,
                q,
                PAGE,
                (data.START + chance.randrange(1, total) * data.EVERY, chance.randrange(total)),
            ),
        )
    last = (data.START + total * data.EVERY).date()
    yield (
        "totals of 30 days",
        lambda _: lists.totals(scope, Query(caller.owner), last - timedelta(days=29)),
    )
    yield "places", lambda _: lists.places(caller.owner)


@dataclass(frozen=True, slots=True)
class Series:
    """How long one way to ask took, in seconds."""

    caller: str
    name: str
    times: list[float]
    worked: list[float]
    """The processor's time of this process meanwhile, which others on the machine lengthen less."""

    @property
    def tail(self) -> float:
        return _tail(self.times)

    @property
    def met(self) -> bool:
        return self.tail < AIM or self.name.startswith(NO_AIM)


NO_AIM = ("totals", "places")
"""What is no page of a list."""


async def measure(path: Path, total: int, rounds: int) -> list[Series]:
    """Ask everything some times."""
    found: list[Series] = []
    gc.collect()
    gc.freeze()  # as `bellhop serve` does
    async with opened(path) as store:
        chance = random.Random(1)
        for caller in callers():
            for name, ask in asks(store, caller, total):
                found.append(await _series(caller.name, name, ask, chance, rounds))
        status = lambda one: store.task(data.id_of(one.randrange(1, total + 1)))  # noqa: E731
        found.append(await _series("anybody", "status of a task", status, chance, rounds))
    return found


async def _series(caller: str, name: str, ask: Ask, chance: random.Random, rounds: int) -> Series:
    series = Series(caller, name, [], [])
    for _ in range(rounds):
        began, worked = time.perf_counter(), time.process_time()
        await ask(chance)
        series.worked.append(time.process_time() - worked)
        series.times.append(time.perf_counter() - began)
    return series


def _tail(times: list[float]) -> float:
    return quantiles(times, n=100)[98] if len(times) > 1 else times[0]


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Store]:
    store = await Store.open(path, Rules("bellhop"))
    try:
        yield store
    finally:
        await store.close()


async def saving(path: Path, total: int, rounds: int) -> dict[str, float]:
    """How long the writer takes to save a task, in seconds: a heartbeat, and a new status."""
    engine = await Engine.open(path, migrations=migrations.migrations)
    chance, spent = random.Random(3), dict[str, list[float]]()
    try:
        for _ in range(rounds):
            for name, status in (("a heartbeat", None), ("another status", Status.CANCELLED)):
                task_id = data.id_of(chance.randrange(1, total + 1))
                took = await engine.write(lambda db, i=task_id, s=status: _save(db, i, s))
                spent.setdefault(name, []).append(took)
    finally:
        await engine.close()
    return {name: median(times) for name, times in spent.items()}


def _save(db: Database, task_id: str, status: Status | None) -> float:
    """Save a task, and take everything back."""
    task = tasks.load(db, task_id)
    assert task is not None
    now = from_micros(0)
    changed = saying(task, "working", "on it", now)
    if status is not None:
        changed = replace(changed, status=status, completed_at=now)
    db.conn.execute("SAVEPOINT bench")
    began = time.perf_counter()
    tasks.save(db, changed, None)
    took = time.perf_counter() - began
    db.conn.execute("ROLLBACK TO bench")
    return took


def report(found: list[Series], saves: dict[str, float], total: int) -> bool:
    """Print the table; whether every aim is met."""
    print(f"\n{total:,} tasks, {total * lists_bulk.ENTRIES:,} lines of their timelines")
    print(f"  in ms {'':58}{'p50':>8}{'p99':>8}{'cpu 50':>8}{'cpu 99':>8}   p99 < {AIM * 1e3:.0f}")
    for caller in dict.fromkeys(one.caller for one in found):
        print(f"  {caller}")
        for one in found:
            if one.caller == caller:
                aim = "" if one.name.startswith(NO_AIM) else "met" if one.met else "MISSED"
                times = (median(one.times), one.tail, median(one.worked), _tail(one.worked))
                cells = "".join(f"{took * 1e3:8.2f}" for took in times)
                print(f"    {one.name:60}{cells}   {aim}")
    for name, took in saves.items():
        print(f"  saving {name:55}{took * 1e3:8.2f}")
    busy = os.getloadavg()[0]
    if busy > os.cpu_count() / 2:  # pyright: ignore[reportOptionalOperand]
        print(f"  Others work on this machine, load {busy:.1f}: alone it takes less, see `cpu 99`.")
    missed = [one for one in found if not one.met]
    print(f"  {len(found) - len(missed)} of {len(found)} under {AIM * 1e3:.0f} ms")
    alone = sum(_tail(one.worked) < AIM for one in found)
    print(f"  {alone} of {len(found)} by the processor's time")
    return not missed


async def prepare(folder: Path, total: int) -> Path:
    """The database, made if it is not there."""
    path = folder / f"{total}.db"
    if not path.exists():
        half = _cleared(folder, f"half-{total}")
        async with opened(half):
            pass
        lists_bulk.build(half, total)
        half.rename(path)
    return path


def _cleared(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    for old in folder.glob(f"{name}*"):
        old.unlink()
    return folder / f"{name}.db"


def main(total: int = 1_000_000, rounds: int = ROUNDS, folder: Path = FOLDER) -> int:
    path = uvloop.run(prepare(folder, total))
    found = uvloop.run(measure(path, total, rounds))
    saves = uvloop.run(saving(path, total, rounds))
    return 0 if report(found, saves, total) else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
