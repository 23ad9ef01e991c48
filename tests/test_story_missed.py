"""Stories of deliveries that GitHub could not bring: they are found in its log, and done once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from simulator.model import Comment, Issue
from tests.story import Stage, staged, until

LOG = r"/app/hook/deliveries(\?|$)"
ONE = r"/app/hook/deliveries/\d+$"
AGAIN = r"/app/hook/deliveries/\d+/attempts$"


async def asked(stage: Stage, method: str = "POST", path: str = "/attempts") -> int:
    """How often GitHub was asked for a delivery again, or for something else of its log."""
    return sum(
        one.method == method and one.path.startswith("/app/hook") and one.path.endswith(path)
        for one in stage.sim.requests
    )


async def prompts(stage: Stage, issue: Issue | None = None) -> list[str]:
    return [one.prompt for one in await stage.tasks(issue)]


async def vias(stage: Stage) -> list[str]:
    """How the deliveries came, oldest first."""
    return [one.via for one in reversed(await stage.bot.store.arrivals.page(99, None))]


async def looked(stage: Stage, result: str = "done", times: int = 1) -> None:
    await until(
        lambda: stage.bot.meters.looks[result] >= times, f"{times} looks that are {result}"
    )


async def while_down(stage: Stage, *texts: str, issue: Issue | None = None) -> list[Comment]:
    """Comments that GitHub cannot deliver."""
    made = [stage.comments("alice", text, issue) for text in texts]
    await stage.sim.settled()
    return made


async def test_what_was_written_while_bellhop_was_down_is_done_in_order_and_once(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, start=False) as stage:
        other = stage.sim.open_issue(stage.repository, author="alice", title="Elsewhere")
        await while_down(stage, "/ask one", "/ask two")
        await while_down(stage, "/ask elsewhere", issue=other)
        await while_down(stage, "/ask three", "what do you think?")
        await stage.start()
        await stage.ended(3)
        await stage.ended(1, other)
        assert await prompts(stage) == ["one", "two", "three"]
        assert await prompts(stage, other) == ["elsewhere"]
        rows = await stage.bot.store.arrivals.page(9, None)
        everything = [*await stage.tasks(), *await stage.tasks(other)]
        stored = [one.asked[0].task_id for one in reversed(rows)]
        assert [
            next(task.prompt for task in everything if task.id == number) for number in stored
        ] == ["one", "two", "elsewhere", "three"]
        assert await vias(stage) == ["redelivery"] * 4
        assert dict(stage.bot.meters.missed) == {"redelivered": 4, "nothing": 3}
        assert await asked(stage) == 4, "what asks for nothing is not worth a redelivery"
        await stage.stop()
        await stage.start()
        await looked(stage)
        await stage.quiet()
        assert len(await stage.tasks()) == 3
        assert await asked(stage) == 4
