"""The demonstration: start everything, ask for a fix, tell what happens, clear up."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import typer

from bot.demo.children import Child, ChildEnded
from bot.demo.commits import GitFailed
from bot.demo.stage import Stage, last_lines, staged
from bot.demo.steps import END_MARKS, missing, steps
from bot.demo.world import Observer, World
from bot.terminal import complain, say
from handlers.task import Status

ASK = "/fix the number of pages, please"
THINKING = 3.0
"""Seconds that the agent takes where people look on, so that there is something to see and stop."""
TIME_LIMIT = 120.0
"""Seconds from the start to the pull request's link, at most."""
BETWEEN_LOOKS = 0.1
BETWEEN_LATER_LOOKS = 0.5
"""Seconds, where nobody waits for the end of it."""
INTERRUPTED = 130
"""Exit code of what Ctrl-C ended, as shells have it."""


class DemoFailed(Exception):  # noqa: N818 - says what happened
    """The demonstration did not show what it should."""


@dataclass(slots=True)
class Teller:
    """Prints each step once, with the seconds since the start."""

    bot_url: str = ""
    """Where the pages of tasks are."""
    began: float = field(default_factory=time.monotonic)
    _told: set[object] = field(default_factory=set[object], init=False)

    def tell(self, mark: str, text: str, *details: str) -> None:
        """Print one step."""
        say(f"{time.monotonic() - self.began:7.2f} s  {mark} {text}")
        for line in details:
            say(f"{'':15}{line}", colour=typer.colors.BRIGHT_BLACK)

    def tell_news(self, world: World) -> None:
        """Print what was not there at the last look."""
        for seen in world.tasks:
            if ("page", seen.task.id) not in self._told:
                self._told.add(("page", seen.task.id))
                self.tell(
                    "👁️ ", f"{seen.task.name}: watch it at {self.bot_url}/tasks/{seen.task.id}"
                )
        for step in steps(world):
            if step.key not in self._told:
                self._told.add(step.key)
                self.tell(step.mark, step.text, *step.details)


async def demo(*, once: bool) -> int:
    """Show the loop; the exit code.

    Args:
        once: End after the first pull request, and check that everything is as it should be;
            otherwise go on until Ctrl-C.

    Raises:
        DemoFailed: something is not as it should be; the processes' last lines are printed.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    showing = asyncio.create_task(_show_in_a_folder(once=once))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({showing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if showing.done():
        await showing
        return 0
    say("\nStopping; the folder of the demonstration is removed.")
    showing.cancel()
    await asyncio.gather(showing, return_exceptions=True)
    return INTERRUPTED if once else 0


async def _show_in_a_folder(*, once: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="bellhop-demo-", ignore_cleanup_errors=True) as folder:
        children: list[Child] = []
        try:
            await _show(Path(folder), children, once=once)
        except (DemoFailed, ChildEnded, GitFailed, aiohttp.ClientError) as error:
            for child in children:
                complain(last_lines(child))
            raise DemoFailed(str(error)) from error


async def _show(folder: Path, children: list[Child], *, once: bool) -> None:
    teller = Teller()
    async with staged(folder, children, 0.0 if once else THINKING) as stage:
        _introduce(stage, teller)
        observer = Observer(stage.github, stage.place, stage.database)
        try:
            async with asyncio.timeout(TIME_LIMIT):
                asked = await stage.github.comment(ASK)
                world = await _follow(observer, children, teller, _all_said)
        except TimeoutError:
            raise DemoFailed(f"It was not done within {TIME_LIMIT:.0f} seconds.") from None
        if once:
            _judge(world, asked, teller)
        else:
            _invite(world, stage.bot_url)
            await _follow(observer, children, teller, lambda _: False, BETWEEN_LATER_LOOKS)


async def _follow(
    observer: Observer,
    children: list[Child],
    teller: Teller,
    enough: Callable[[World], bool],
    pause: float = BETWEEN_LOOKS,
) -> World:
    """Tell what happens until it is enough."""
    while True:
        for child in children:
            if not child.running:
                raise ChildEnded(f"{child.name} ended by itself.")
        world = await observer.look()
        teller.tell_news(world)
        if enough(world):
            return world
        await asyncio.sleep(pause)


def _all_said(world: World) -> bool:
    """Whether the first task has ended and its status comment says so."""
    if not world.tasks or not world.tasks[0].task.ended:
        return False
    said = world.ours(world.issue)
    ended = all(one.body.startswith(END_MARKS) for one in said if one.is_status)
    return ended and any(not one.is_status for one in said)


def _judge(world: World, asked: int, teller: Teller) -> None:
    """Check what is there in the end.

    Raises:
        DemoFailed: something is not there.
    """
    task = world.tasks[0].task
    if task.status is not Status.COMPLETED:
        why = f"{task.error.title}. {task.error.detail}" if task.error else "no reason is given"
        raise DemoFailed(f"The task ended {task.status.value}: {why}")
    if lacking := missing(world, asked):
        raise DemoFailed(f"On GitHub there should be, and is not: {'; '.join(lacking)}.")
    pull = world.repository.pulls[0]
    teller.tell("🛎️ ", f"Everything is there. The pull request: {pull.url}")


def _introduce(stage: Stage, teller: Teller) -> None:
    teller.tell("🐙", f"An offline GitHub runs at {stage.place.url}")
    teller.bot_url = stage.bot_url
    teller.tell("🛎️ ", f"Bellhop listens at {stage.bot_url}")
    teller.tell("🐛", f"There is an issue: {stage.place.issue_url}")


def _invite(world: World, bot_url: str) -> None:
    say()
    say("Now you:", bold=True)
    say(f"  tasks         {bot_url}/ (sign in as {world.place.writer}, whose they are)")
    say(f"  issue         {world.issue.url}")
    for pull in world.repository.pulls:
        say(f"  pull request  {pull.url}")
    say(
        "\nWrite `/fix`, `/ask why is a page missing?`, `/tell in green`, `/status`, "
        "`/stop`, `/retry` or `/help` in the comment box there.\n"
        "What happens is told here. Ctrl-C ends it all.\n"
    )
