"""Bellhop is killed at each request to GitHub, before it is done and after: same end."""

from __future__ import annotations

import asyncio
from itertools import chain
from pathlib import Path

from tests.crash_stage import KillAt, scene

AT_ONCE = 12
"""Cases that go on side by side; most of their time they wait for an edit's turn."""
FEWEST = 20
"""A loop from a comment to a pull request takes more requests than this."""


async def killed_once(folder: Path, number: int, *, done: bool) -> list[str]:
    """What is wrong after a task during which Bellhop was killed once."""
    async with scene(folder) as stage:
        killer = KillAt(stage, number, done)
        await stage.asks(stage.issues[0])
        wrong = await stage.ends()
        wrong += stage.broken()
    if stage.bot.endings != [*([-9] if killer.struck else []), 0]:
        wrong.append(f"it ended with {stage.bot.endings}")
    what = f"{killer.struck.method} {killer.struck.path}" if killer.struck else "nothing"
    return [f"killed {'after' if done else 'before'} {number}, {what}: {one}" for one in wrong]


async def test_killed_at_each_request_the_end_is_the_same(tmp_path: Path) -> None:
    async with scene(tmp_path / "whole") as stage:
        await stage.asks(stage.issues[0])
        assert await stage.ends() == []
        assert stage.broken() == []
        requests = list(stage.sim.requests)
    assert len(requests) > FEWEST
    writes = {number for number, one in enumerate(requests, 1) if one.method != "GET"}
    cases = [(number, False) for number in range(1, len(requests) + 1)]
    cases += [(number, True) for number in sorted(writes)]
    turn = asyncio.Semaphore(AT_ONCE)

    async def play(number: int, done: bool) -> list[str]:
        async with turn:
            folder = tmp_path / f"{number}-{'done' if done else 'arrived'}"
            return await killed_once(folder, number, done=done)

    told = await asyncio.gather(*(play(*case) for case in cases))
    assert list(chain.from_iterable(told)) == []
