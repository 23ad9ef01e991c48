"""One task can be followed through the log, from its delivery to its final comment."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot import log, trail
from tests.bot_processes import PATIENCE, yard


async def test_a_task_is_followed_from_its_delivery_to_its_final_comment(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = []
    async with yard(tmp_path, "echo fixed > fix.txt") as place:
        place.settings["BELLHOP_LOG_LEVEL"] = "debug"
        async with place.serving() as bot:
            await place.github.comment("/fix it")
            async with asyncio.timeout(PATIENCE):
                while not any(str(one.get("effect", "")).endswith("/1/final") for one in lines):
                    lines.append(json.loads(await bot.line()))

    (door,) = [one for one in lines if one["event"] == "delivery answered" and one["tasks"]]
    delivery, (task,) = door["delivery"], door["tasks"]
    assert door["request_id"]

    mine = [one for one in lines if one.get("task") == task]
    moves = [one for one in mine if one["event"] == "task moved"]
    assert [one["status"] for one in moves] == ["queued", "starting", "running", "completed"]
    assert [one.get("delivery") for one in moves[:2]] == [delivery, delivery]
    claimed = moves[2]
    assert "delivery" not in claimed
    assert claimed["request_id"] not in {None, door["request_id"]}
    done = {one["effect"].partition("/")[2]: one for one in mine if one["event"] == "effect done"}
    assert {"1/1/launch", "1/pull", "1/final"} <= done.keys()
    assert moves[3]["effect"] == f"{task}/1/pull"
    # Nothing that is of no task has one.
    ignored = [one for one in lines if one.get("outcome") == "ignored"]
    assert ignored
    assert all("task" not in one for one in ignored)


def test_lines_of_others_are_of_the_same_kind(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers.clear()
    log.set_up("info", "json")
    try:
        with trail.about_task("t" * 36):
            try:
                int("ghp_" + "a" * 36)
            except ValueError:
                logging.getLogger("elsewhere").exception("the end of %s", "it")
    finally:
        structlog.reset_defaults()
        root.handlers[:] = before
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["logger"], told["level"]) == ("the end of it", "elsewhere", "error")
    assert told["task"] == "t" * 36
    assert "ValueError" in told["exception"]
    assert "ghp_a" not in line


def test_a_request_forgets_the_one_before_it() -> None:
    trail.begin_request("1", "t" * 36)
    trail.of_delivery("d")
    assert structlog.contextvars.get_contextvars() == {
        "request_id": "1",
        "task": "t" * 36,
        "delivery": "d",
    }
    trail.begin_request("2", "no task")
    assert structlog.contextvars.get_contextvars() == {"request_id": "2"}
    structlog.contextvars.clear_contextvars()


def test_an_effect_of_no_task_has_none() -> None:
    with trail.about_effect("comment/55/eyes"):
        assert structlog.contextvars.get_contextvars() == {"effect": "comment/55/eyes"}
