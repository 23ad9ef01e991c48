"""From a comment to a worker, and from a completion to the comment that tells it.

    python -m bench.latency [TASKS]

Bellhop and its database run in this process, the offline GitHub in another, workers are processes.
One task at a time, in turns on several repositories, each with an installation of its own, so that
GitHub's pace is never reached. Bellhop's own share of a latency is what is left of it when the
time is taken away in which it waited for GitHub's answers, for the runner, or for the pace.
Ends with 1 when a median of Bellhop's own share is not below the aim.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import aiohttp
import uvloop
from aiohttp import web

from bench.house import bellhop, free_port, github
from bench.neighbour import Neighbour
from bench.watch import Watch, covered
from bot import log
from bot.bellhop import Bellhop
from bot.runners.process import ProcessRunner

AIM = 0.050
TASKS_A_REPOSITORY = 5
LONGEST = 20.0
"""Seconds after which a case ends with the tasks that it has."""
PATIENCE = 20.0
STUB = Path(__file__).with_name("stub_worker.py")


@dataclass(frozen=True, slots=True)
class Case:
    """Who works, and what is asked for."""

    title: str
    command: str
    stub: bool


CHEAPEST = Case("/ask, a worker that only answers", "/ask what is this?", stub=True)
REFERENCE = Case("/fix, the reference worker and a pull request", "/fix mend it", stub=False)


@dataclass(slots=True)
class Series:
    """Latencies in seconds: in all, and Bellhop's own share."""

    total: list[float] = field(default_factory=list[float])
    own: list[float] = field(default_factory=list[float])

    def add(self, watch: Watch, begin: float, end: float) -> None:
        self.total.append(end - begin)
        self.own.append(end - begin - covered(watch.waits, begin, end))


@dataclass(slots=True)
class Measured:
    """Both latencies of a case."""

    started: Series = field(default_factory=Series)
    told: Series = field(default_factory=Series)
    calls: int = 0


async def measure(case: Case, tasks: int, folder: Path) -> Measured:
    """Play the case up to `tasks` times, after once in each repository that does not count."""
    port = free_port()
    repositories = -(-tasks // TASKS_A_REPOSITORY)
    async with github(folder / "github", port, repositories) as neighbour:
        watch = Watch()

        def prepare(house: Bellhop, app: web.Application) -> None:
            if case.stub:
                command = [sys.executable, "-I", "-S", str(STUB)]
                house.runners["process"] = ProcessRunner(folder / "workers", command)
            watch.attach(house, app)

        async with (
            bellhop(folder, port, neighbour.facts, prepare) as house,
            aiohttp.ClientSession() as session,
        ):
            measured, calls, began = Measured(), 0, 0.0
            for number in range(-repositories, tasks):
                if number == 0:
                    calls, began = watch.calls, time.monotonic()
                elif number > 0 and time.monotonic() - began > LONGEST:
                    break
                watch.forget()
                await play(session, neighbour, case, number)
                await until_done(house, watch)
                if number < 0:
                    continue
                measured.started.add(watch, watch.delivered, watch.spawned)
                measured.told.add(watch, watch.completed, watch.commented)
            measured.calls = (watch.calls - calls) // len(measured.told.total)
    return measured


async def play(
    session: aiohttp.ClientSession, neighbour: Neighbour, case: Case, number: int
) -> None:
    """Let somebody write the command."""
    names = neighbour.facts["repositories"]
    where = {"repository": names[number % len(names)], "issue": 1}
    comment = {**where, "author": "alice", "body": case.command}
    url = f"{neighbour.facts['url']}/_simulator/comments"
    async with session.post(url, json=comment) as answer:
        answer.raise_for_status()


async def until_done(house: Bellhop, watch: Watch) -> None:
    """Wait until the final comment was sent and nothing but an edit, which has time, is owed."""
    pump = house.pump
    assert pump is not None
    async with asyncio.timeout(PATIENCE):
        await watch.done.wait()
        while pump.busy or await house.store.owed_kinds() - {"EditStatus"}:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def told(name: str, series: Series, aim: float = AIM) -> bool:
    """Print one line; whether the aim is met."""
    met = median(series.own) < aim
    cells = (*_middle_and_tail(series.total), *_middle_and_tail(series.own))
    numbers = "".join(f"{one * 1e3:9.1f}" for one in cells)
    print(f"  {name:32}{numbers}   {'met' if met else 'MISSED'}")
    return met


def _middle_and_tail(values: Sequence[float]) -> tuple[float, float]:
    tail = quantiles(values, n=20)[-1] if len(values) > 1 else values[0]
    return median(values), tail


def report(case: Case, measured: Measured) -> bool:
    """Print a case; whether both aims are met."""
    tasks = len(measured.told.total)
    print(f"\n{case.title}: {tasks} tasks one after another, {measured.calls} calls to GitHub each")
    print(f"  {'in ms':32}{'median':>9}{'p95':>9}{'own':>9}{'own p95':>9}   own < {AIM * 1e3:.0f}")
    return all(
        [
            told("comment -> worker runs", measured.started),
            told("completion -> comment sent", measured.told),
        ]
    )


def main(tasks: int = 60) -> int:
    log.set_up("error", "console")
    met = True
    for case, count in ((CHEAPEST, tasks), (REFERENCE, max(1, tasks // 3))):
        # A folder here, on disk: the system's temporary folder may be memory.
        with TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as name:
            measured = uvloop.run(measure(case, count, Path(name)))
        met = report(case, measured) and met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
