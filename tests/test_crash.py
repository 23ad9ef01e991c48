"""Bellhop is killed where it hurts, or at any time: nothing is lost and nothing doubled."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.crash_stage import a_moment, scene, until

pytestmark = pytest.mark.timeout(300)

# Git tells of a moved ref before it answers the push; the killed one is in the file beside.
KILL_WHEN_MOVED = """#!/bin/sh
[ "$1" = committed ] || exit 0
grep -q ' refs/heads/bellhop/' || exit 0
[ -e {folder}/killed ] && exit 0
touch {folder}/killed
kill -9 "$(cat {folder}/pid)"
"""
FULL = 64 * 1024
"""Bytes that a file may have on a "full disk": less than the database's log has by then."""
WAITING_AGENT = "touch {folder}/begun; while [ ! -e {folder}/go ]; do sleep 0.02; done; "
MENDING = "echo fixed >> fix.txt; echo 'Added the missing line.'"


async def test_github_took_the_push_but_bellhop_did_not_live_to_hear_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        hook = stage.repositories[0].git.folder / "hooks" / "reference-transaction"
        hook.write_text(KILL_WHEN_MOVED.format(folder=tmp_path))
        hook.chmod(0o755)
        (tmp_path / "pid").write_text(str(stage.bot.pid))
        await stage.asks(stage.issues[0])
        assert await stage.ends() == []
        assert (tmp_path / "killed").exists()
        assert stage.broken() == []
    assert stage.bot.endings == [-9, 0]


async def test_killed_again_and_again_while_the_agent_works(tmp_path: Path) -> None:
    agent = WAITING_AGENT.format(folder=tmp_path) + MENDING
    async with scene(tmp_path, agent_command=agent) as stage:
        await stage.asks(stage.issues[0])
        await until((tmp_path / "begun").exists)
        for _ in range(5):
            await stage.bot.dies()
        (tmp_path / "go").touch()
        assert await stage.ends() == []
        assert stage.broken() == []
    assert stage.bot.endings == [-9] * 5 + [0]


async def test_a_full_disk_costs_nothing_but_time(tmp_path: Path) -> None:
    agent = WAITING_AGENT.format(folder=tmp_path) + MENDING
    async with scene(tmp_path, agent_command=agent) as stage:
        await stage.asks(stage.issues[0])
        await until((tmp_path / "begun").exists)
        pid = stage.bot.pid
        assert pid is not None
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (FULL, resource.RLIM_INFINITY))
        stage.sim.comment(stage.issues[0], author="alice", body="/fix it again")
        await stage.sim.settled()
        refused = stage.sim.deliveries[-1]
        assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        await until(lambda: "the database fails" in stage.bot.output())
        resource.prlimit(
            pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )
        (tmp_path / "go").touch()
        stage.sim.redeliver(refused)
        stage.asked.append(stage.issues[0].comments[-1])
        assert await stage.ends() == []
        wrong = [one for one in stage.broken() if not one.startswith("mistakes")]
        assert wrong == []
    assert stage.bot.endings == [0]


def test_a_log_that_cannot_be_written_ends_nothing() -> None:
    code = "from bot import log; import structlog; log.set_up('info', 'json'); "
    code += "structlog.get_logger().error('a line'); print('it went on')"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=full, check=False
        )
    assert done.stdout == b"it went on\n"


async def test_killed_at_random_while_six_tasks_run(tmp_path: Path) -> None:
    # pytest-randomly seeds `random` and prints with which seed.
    async with scene(tmp_path, repositories=2) as stage:
        for number in range(6):
            await stage.asks(stage.issues[number % 2], f"/fix number {number}")
        for _ in range(random.randint(5, 8)):
            await a_moment(random.uniform(0.05, 0.8))
            await stage.bot.dies()
        assert await stage.ends() == []
        assert stage.broken() == []
    assert stage.bot.endings[-1] == 0
