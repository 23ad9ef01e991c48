"""Bellhop is killed while it looks for what it missed: nothing is lost and nothing doubled."""

from __future__ import annotations

import resource
from http import HTTPStatus
from pathlib import Path

import pytest

from simulator import Delivery
from tests.crash_stage import KillAt, Scene, scene, until
from tests.test_crash_requests import nothing_wrong

pytestmark = pytest.mark.timeout(300)

LOG = "/app/hook/deliveries"
FULL = 64 * 1024
"""Bytes that a file may have on a "full disk": less than the database's log has by then."""


async def missed(stage: Scene, *texts: str) -> list[Delivery]:
    """Comments that GitHub cannot deliver, since nobody listens there."""
    address, stage.sim.webhook_url = stage.sim.webhook_url, "http://127.0.0.1:1/hook"
    for text in texts:
        comment = stage.sim.comment(stage.issues[0], author="alice", body=text)
        stage.asked.append(comment)
    await stage.sim.settled()
    stage.sim.webhook_url = address
    return stage.sim.deliveries[-len(texts) :]


async def ready(stage: Scene) -> None:
    """Wait until the first look has ended: what comes later is found by the next."""
    query = "SELECT 1 FROM meta WHERE key = 'delivery_log_looked_at'"
    await until(lambda: stage.rows(query) != [])


async def answered(stage: Scene, count: int) -> list[str]:
    """Wait until all is dealt with, and say what is wrong with it."""
    open_ones = (
        "SELECT guid FROM missed WHERE outcome IS NULL",
        "SELECT id FROM deliveries WHERE state = 'open'",
        "SELECT key FROM effects WHERE state = 'waiting'",
    )
    stored = "SELECT source_id FROM deliveries ORDER BY number"
    try:
        await until(
            lambda: (
                stage.bot.settled
                and len(stage.rows(stored)) == count
                and not any(map(stage.rows, open_ones))
            )
        )
    except TimeoutError:
        return ["no end", *stage.bot.output().splitlines()[-20:]]
    in_order = [comment.id for comment in stage.asked]
    found = [row[0] for row in stage.rows(stored)]
    said = len(stage.said(stage.issues[0]))
    return [
        *([f"the order is {found} instead of {in_order}"] if found != in_order else []),
        *([f"{said} answers instead of {count}"] if said != count else []),
    ]


async def killed(folder: Path, method: str, path: str, number: int, *, done: bool) -> list[str]:
    """Three commands are missed, and found by looks of which the first is cut off."""
    async with scene(folder) as stage:
        await ready(stage)
        await missed(stage, *["/bellhop help"] * 3)
        killer = KillAt(stage, number=number, done=done, method=method, path=f"{path}$")
        await stage.bot.dies()
        wrong = await answered(stage, 3)
    if killer.struck is None:
        wrong.append("it lived on")
    elif stage.bot.endings != [-9, -9, 0]:
        wrong.append(f"it ended with {stage.bot.endings}")
    return [f"{killer}: {one}" for one in wrong]


CALLS = (
    ("GET", LOG, (1,)),
    ("GET", rf"{LOG}/\d+", (1, 2, 3)),
    ("POST", rf"{LOG}/\d+/attempts", (1, 2, 3)),
)


async def test_killed_at_each_call_of_a_look(tmp_path: Path) -> None:
    await nothing_wrong(
        killed(tmp_path / f"{place}-{number}-{done}", method, path, number, done=done)
        for place, (method, path, numbers) in enumerate(CALLS)
        for number in numbers
        for done in (False, True)
    )


async def test_who_dies_of_each_redelivery_takes_it_from_the_log(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await ready(stage)
        await missed(stage, "/fix one")
        path = rf"{LOG}/\d+/attempts$"
        killers = [KillAt(stage, number=n, method="POST", path=path) for n in (1, 2)]
        await stage.bot.dies()
        assert await stage.ends() == []
        assert stage.broken() == []
        assert all(one.struck for one in killers)
        assert stage.rows("SELECT outcome, asks FROM missed") == [("log", 2)]
    assert stage.bot.endings == [-9, -9, -9, 0]


async def test_what_came_while_the_disk_was_full_is_found_at_the_next_start(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as stage:
        await ready(stage)
        pid = stage.bot.pid
        assert pid is not None
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (FULL, resource.RLIM_INFINITY))
        stage.asked.append(stage.sim.comment(stage.issues[0], author="alice", body="/fix it"))
        await stage.sim.settled()
        assert stage.sim.deliveries[-1].status_code == HTTPStatus.SERVICE_UNAVAILABLE
        await stage.bot.dies()
        assert await stage.ends() == []
        wrong = [one for one in stage.broken() if not one.startswith("mistakes")]
        assert wrong == []
        assert stage.rows("SELECT outcome FROM missed WHERE asks > 0") == [("redelivered",)]
    assert stage.bot.endings == [-9, 0]
