"""A thousand commands at once: is any of them lost, and how long until all are admitted?

    python -m bench.burst [COMMANDS]

Five people write on two hundred issues of twenty repositories while Bellhop is away; then all is
delivered at once, over a hundred connections. Workers are not started, and what counts is what is
in the database: a delivery and a candidate for each command, and a task for each candidate. Until
a command is admitted, GitHub is asked what must be known of it, and the offline GitHub that answers
is one process on the same machine: most of the time is its.
Ends with 1 when something is missing.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from aiohttp import web

from bench.house import bellhop, free_port, github
from bench.watch import Watch
from bot import log
from bot.bellhop import Bellhop
from bot.runners.base import Exit, WorkerKey, WorkerSpec

REPOSITORIES = 20
PATIENCE = 120.0
COUNTS = (
    "SELECT (SELECT count(*) FROM deliveries), "
    "(SELECT count(*) FROM candidates), "
    "(SELECT count(*) FROM candidates WHERE state != 'new'), (SELECT count(*) FROM tasks)"
)


class NoWorkers:
    """A runner whose workers never do anything."""

    name = "process"

    async def open(self, on_exit: Callable[[Exit], Awaitable[None]]) -> None:
        pass

    async def start(self, spec: WorkerSpec) -> None:
        pass

    async def stop(self, key: WorkerKey, grace: float) -> None:
        pass

    async def alive(self) -> set[WorkerKey]:
        return set()

    async def forget(self, key: WorkerKey) -> None:
        pass

    async def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Burst:
    """What became of the commands; times in seconds from the first delivery on."""

    answers: dict[str, int]
    answered: float
    admitted: float
    deliveries: int
    candidates: int
    tasks: int
    calls: int

    def lost(self, commands: int) -> int:
        """How many commands left no trace where they should have."""
        return max(
            commands - self.answers.get("202", 0),
            commands - self.deliveries,
            commands - self.candidates,
            commands - self.tasks,
        )


async def measure(commands: int, folder: Path) -> Burst:
    """Write while Bellhop is away, deliver at once, wait until everything is decided."""
    port, watch = free_port(), Watch()

    def prepare(house: Bellhop, app: web.Application) -> None:
        house.runners["process"] = NoWorkers()
        watch.attach(house, app)

    async with github(folder / "github", port, min(REPOSITORIES, commands)) as neighbour:
        await neighbour.tell(f"write {commands}")
        async with bellhop(folder, port, neighbour.facts, prepare) as house:
            delivering = asyncio.create_task(neighbour.tell("deliver"))
            database = house.settings.data / house.settings.database
            row = (0, 0, 0, 0)
            async with asyncio.timeout(PATIENCE):
                while row[2] < commands:
                    await asyncio.sleep(0.05)
                    row = await asyncio.to_thread(_count, database)
            ended, delivered = time.time(), await delivering
            return Burst(
                answers=delivered["statuses"],
                answered=delivered["seconds"],
                admitted=ended - delivered["began"],
                deliveries=row[0],
                candidates=row[1],
                tasks=row[3],
                calls=watch.calls,
            )


def _count(database: Path) -> tuple[int, int, int, int]:
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as found:
        return found.execute(COUNTS).fetchone()


def report(commands: int, burst: Burst) -> bool:
    """Print the table; whether nothing is lost."""
    lost = burst.lost(commands)
    print(f"\n{commands:,} commands at once, {REPOSITORIES} repositories, 5 people")
    print(f"  all answered                  {burst.answered:8.2f} s   {burst.answers}")
    print(
        f"  all admitted                  {burst.admitted:8.2f} s   "
        f"{burst.calls:,} calls to GitHub meanwhile"
    )
    print(
        f"  stored                        {burst.deliveries:,} deliveries, "
        f"{burst.candidates:,} candidates, {burst.tasks:,} tasks"
    )
    print(f"  lost                          {lost:8}     aim 0: {'MISSED' if lost else 'met'}")
    return lost == 0


def main(commands: int = 1_000) -> int:
    log.set_up("error", "console")
    # A folder here, on disk: the system's temporary folder may be memory.
    with TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as name:
        burst = uvloop.run(measure(commands, Path(name)))
    return 0 if report(commands, burst) else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
