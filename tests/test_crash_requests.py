"""Bellhop is killed at each request to GitHub, before it is done and after: same end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from simulator import Record
from tests.crash_stage import KillAt, Scene, scene, until

pytestmark = pytest.mark.timeout(300)

AT_ONCE = 12
"""Cases that go on side by side; most of their time they wait for an edit's turn."""
FEWEST = 20
"""A loop from a comment to a pull request takes more requests than this."""


async def nothing_wrong(cases: Iterable[Coroutine[Any, Any, list[str]]]) -> None:
    """Play cases, some at a time; each says what was wrong in the end."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def play(case: Coroutine[Any, Any, list[str]]) -> list[str]:
        async with turn:
            return await case

    told = await asyncio.gather(*map(play, cases))
    wrong = "\n".join(chain.from_iterable(told))
    assert wrong == ""


async def fixed(folder: Path, **how: Any) -> list[str]:
    """A task during which Bellhop is killed once."""
    async with scene(folder) as stage:
        killer = KillAt(stage, **how)
        await stage.asks(stage.issues[0])
        wrong = [*await stage.ends(), *stage.broken()]
    return [f"{killer}: {one}" for one in [*wrong, *_endings(stage, killer)]]


def _endings(stage: Scene, killer: KillAt) -> list[str]:
    code = 0 if killer.how is signal.SIGTERM else -killer.how
    wanted = [*([code] if killer.struck else []), 0]
    return [] if stage.bot.endings == wanted else [f"it ended with {stage.bot.endings}"]


async def undisturbed(folder: Path) -> list[Record]:
    """The requests of a task during which nothing goes wrong."""
    async with scene(folder) as stage:
        await stage.asks(stage.issues[0])
        assert await stage.ends() == []
        assert stage.broken() == []
        assert len(stage.sim.requests) > FEWEST
        return list(stage.sim.requests)


async def test_killed_before_each_request(tmp_path: Path) -> None:
    requests = await undisturbed(tmp_path / "whole")
    numbers = range(1, len(requests) + 1)
    await nothing_wrong(fixed(tmp_path / str(number), number=number) for number in numbers)


async def test_killed_after_each_write_that_it_does_not_hear_of(tmp_path: Path) -> None:
    requests = await undisturbed(tmp_path / "whole")
    numbers = [number for number, one in enumerate(requests, 1) if one.method != "GET"]
    await nothing_wrong(
        fixed(tmp_path / str(number), number=number, done=True) for number in numbers
    )


async def test_one_that_is_asked_to_end_is_over_once_it_is_there_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.asks(stage.issues[0])
        assert await stage.ends() == []
        stage.bot.signal(signal.SIGTERM)  # all is done, and stays so
        assert await stage.ends() == []
        assert stage.bot.endings == [0]
    assert stage.bot.endings == [0, 0]


WRITES = (".*/reactions", ".*/comments", ".*/git-receive-pack", ".*/pulls", "/installation/token")


async def test_asked_to_end_in_the_middle_of_a_write(tmp_path: Path) -> None:
    await nothing_wrong(
        fixed(
            tmp_path / f"{number}-{done}",
            method="DELETE" if "token" in path else "POST",
            path=f"{path}$",
            done=done,
            how=signal.SIGTERM,
        )
        for number, path in enumerate(WRITES)
        for done in (False, True)
    )


async def pushed_to_pull(folder: Path, **how: Any) -> list[str]:
    """A second task on the pull request of a first one; its commit goes by a ref of its own."""
    async with scene(folder) as stage:
        await stage.asks(stage.issues[0])
        wrong = await stage.ends()
        killer = KillAt(stage, **how)
        await stage.asks(stage.repositories[0].pulls[0], "/fix some more")
        wrong += [*await stage.ends(), *stage.broken()]
    if killer.struck is None:
        wrong.append("it lived on")
    return [f"{killer}: {one}" for one in [*wrong, *_endings(stage, killer)]]


async def test_killed_while_a_push_moves_a_branch(tmp_path: Path) -> None:
    requests = (
        ("POST", ".*/git-receive-pack"),
        ("PATCH", ".*/git/refs"),
        ("DELETE", ".*/git/refs"),
    )
    await nothing_wrong(
        pushed_to_pull(tmp_path / f"{method}-{done}", method=method, path=path, done=done)
        for method, path in requests
        for done in (False, True)
    )


async def stopped(folder: Path, **how: Any) -> list[str]:
    """A task that is stopped while its agent works."""
    agent = f"touch {folder}/begun; sleep 120"
    async with scene(folder, agent_command=agent) as stage:
        await stage.asks(stage.issues[0])
        await until((folder / "begun").exists)
        killer = KillAt(stage, **how)
        stage.sim.comment(stage.issues[0], author="alice", body="/stop")
        wrong = [*await stage.ends(), *stage.left_over()]
        said = stage.said(stage.issues[0])
        finals = [text for text in said if "was stopped by alice" in text]
        if (len(said), len(finals), stage.repositories[0].pulls) != (2, 1, []):
            wrong.append(f"it said {said}")
        if {row[0] for row in stage.rows()} != {"cancelled"}:
            wrong.append(f"{stage.rows()}")
    return [f"{killer}: {one}" for one in [*wrong, *_endings(stage, killer)]]


async def test_killed_while_a_task_is_stopped(tmp_path: Path) -> None:
    await nothing_wrong(stopped(tmp_path / str(n), number=n, done=n > 2) for n in range(1, 7))


async def told_more(folder: Path, **how: Any) -> list[str]:
    """A task that has ended and is told something more."""
    async with scene(folder) as stage:
        await stage.asks(stage.issues[0])
        wrong = await stage.ends()
        killer = KillAt(stage, **how)
        comment = await stage.asks(stage.issues[0], "/tell and in green")
        stage.asked.remove(comment)  # it makes no task
        again = "SELECT 1 FROM tasks WHERE doc ->> '$.attempt' = 2"
        await until(lambda: bool(stage.rows(again)))
        wrong += [*await stage.ends(), *stage.left_over()]
        said = stage.said(stage.issues[0])
        finals = [text for text in said if text.startswith("🛎️ Done: ")]
        if (len(said), len(finals), len(stage.repositories[0].pulls)) != (3, 2, 1):
            wrong.append(f"it said {said}")
        if [one.content for one in comment.reactions] != ["eyes"]:
            wrong.append(f"reactions {comment.reactions}")
        attempts = stage.rows("SELECT status, doc ->> '$.attempt' FROM tasks")
        told = stage.rows("SELECT message FROM timeline WHERE type = 'message'")
        if (attempts, told) != ([("completed", 2)], [("and in green",)]):
            wrong.append(f"{attempts} {told}")
    return [f"{killer}: {one}" for one in [*wrong, *_endings(stage, killer)]]


async def test_killed_while_a_task_is_told_more(tmp_path: Path) -> None:
    await nothing_wrong(
        told_more(tmp_path / f"{number}-{done}", number=number, done=done)
        for number in range(1, 13)
        for done in (False, True)
    )
