from __future__ import annotations

import asyncio
import json
import os
import shlex
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import aiohttp
import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.runners.process import ProcessRunner
from handlers.task import Status
from tests.bot_processes import PATIENCE, bellhop, clean_environment, pause, yard


async def test_a_stop_leaves_workers_running_and_the_next_start_takes_their_outcome(
    tmp_path: Path,
) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    wait = f"while ! test -e {shlex.quote(str(go))}; do sleep 0.05; done"
    agent = f"touch {shlex.quote(str(begun))}; {wait}; echo fixed > fix.txt"
    async with yard(tmp_path, agent) as place:
        async with place.serving() as bot:
            await place.github.comment("/fix it")
            async with asyncio.timeout(PATIENCE):
                while not begun.exists():
                    await pause()
            bot.process.terminate()
            assert await bot.process.wait() == 0
        assert len(await ProcessRunner(tmp_path / "data" / "workers").alive()) == 1
        go.touch()
        async with place.serving():
            world = await place.until(lambda seen: any(one.task.ended for one in seen.tasks))
            (only,) = world.tasks
            assert only.task.status is Status.COMPLETED
            assert only.task.attempt == 1
            assert [pull.closes for pull in world.repository.pulls] == [(1,)]


async def test_health_is_told_and_a_second_bot_on_the_same_folder_is_refused(
    tmp_path: Path,
) -> None:
    async with yard(tmp_path) as place, place.serving():
        async with aiohttp.ClientSession(f"http://127.0.0.1:{place.port}") as session:
            for path in ("/healthz", "/readyz"):
                async with session.get(path) as answer:
                    assert (answer.status, await answer.json()) == (200, {"status": "ok"})
        code, output, errors = await bellhop(
            tmp_path, "serve", **place.settings | {"BELLHOP_PORT": "0"}
        )
        assert (code, output) == (1, "")
        assert "in use by another Bellhop" in errors
        assert "Stop that one first" in errors
        assert "Traceback" not in errors


async def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with yard(tmp_path) as place:
            code, _, errors = await bellhop(
                tmp_path, "serve", **place.settings | {"BELLHOP_PORT": port}
            )
    assert code == 1
    assert f"127.0.0.1:{port}" in errors
    assert "BELLHOP_PORT" in errors
    assert "Traceback" not in errors


async def test_bad_settings_are_told_all_at_once(tmp_path: Path) -> None:
    wrong = {"BELLHOP_PORT": "many", "BELLHOP_TIME_LIMIT": "1"}
    needed = ("BELLHOP_APP_ID", "BELLHOP_WEBHOOK_SECRET", "BELLHOP_PRIVATE_KEY_FILE")
    none, bad = await asyncio.gather(
        bellhop(tmp_path, "serve", BELLHOP_CLIENT_ID="Iv23"),
        bellhop(tmp_path, "serve", **wrong),
    )
    assert (none[0], bad[0]) == (2, 2)
    assert all(name in none[2] for name in needed)
    assert all(name in bad[2] for name in wrong)
    assert "\x1b" not in none[2] + bad[2]


async def test_the_worker_is_run_with_its_own_options(tmp_path: Path) -> None:
    code, _, errors = await bellhop(tmp_path, "worker", "run", "--heartbeat", "3")
    assert code == 2
    assert "BELLHOP_TOKEN" in errors


def test_the_api_is_printed() -> None:
    result = CliRunner().invoke(app, ["openapi"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["openapi"] == "3.1.0"


def test_help_lists_the_commands() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in ("serve", "backup", "demo", "doctor", "receive", "openapi", "worker"):
        assert f" {command} " in result.stdout


@pytest.mark.parametrize(
    "command", ["serve", "backup", "demo", "doctor", "receive", "openapi", "worker"]
)
def test_each_command_says_what_it_does(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"], prog_name="bellhop")
    assert result.exit_code == 0
    assert f"bellhop {command}" in result.stdout


@pytest.mark.parametrize(
    ("environment", "terminal", "colours"),
    [({}, True, True), ({}, False, False), ({"NO_COLOR": "1"}, True, False)],
)
def test_colours_are_for_terminals_whose_owners_like_them(
    environment: dict[str, str], terminal: bool, colours: bool
) -> None:
    """A terminal is made where one is asked for; `receive` complains in red there."""
    ours, theirs = os.openpty() if terminal else os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-m", "bot", "receive", "absent.json", "--event", "issues"],
        env=clean_environment(**environment),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    assert child.wait() == 1
    said = os.read(ours, 10_000)
    os.close(ours)
    os.close(theirs)
    assert b"absent.json cannot be read" in said
    assert (b"\x1b[" in said) is colours


async def test_it_says_its_version(tmp_path: Path) -> None:
    assert await bellhop(tmp_path, "--version") == (0, f"bellhop {version('bellhop')}\n", "")
