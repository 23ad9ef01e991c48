"""Bellhop is killed where it hurts, or at any time: nothing is lost and nothing doubled."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.crash_stage import a_moment, scene, until

# Git tells of a moved ref before it answers the push; the killed one is in the file beside.
KILL_WHEN_MOVED = """#!/bin/sh
[ "$1" = committed ] || exit 0
grep -q ' refs/heads/bellhop/' || exit 0
[ -e {folder}/killed ] && exit 0
touch {folder}/killed
kill -9 "$(cat {folder}/pid)"
"""
PUSH = r".*\.git/git-receive-pack"
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


@pytest.mark.parametrize("seed", [1, 2])
async def test_killed_at_random_while_six_tasks_run(tmp_path: Path, seed: int) -> None:
    moments = random.Random(seed)
    async with scene(tmp_path, repositories=2) as stage:
        for number in range(6):
            await stage.asks(stage.issues[number % 2], f"/fix number {number}")
        for _ in range(moments.randint(5, 8)):
            await a_moment(moments.uniform(0.05, 0.8))
            await stage.bot.dies()
        assert await stage.ends() == []
        assert stage.broken() == []
    assert stage.bot.endings[-1] == 0
