"""The tutorial of the API: every command on the page is run, in its order, by real processes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.demo.agent import __file__ as agent
from docs.generated import HERE
from tests.bot_processes import run_script, yard
from tests.ports import free_port

BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def script(page: str) -> str:
    """The page as one script: shell as it stands, Python into the file that it names."""
    parts: list[str] = []
    for language, text in BLOCK.findall(page):
        if language == "python":
            name = text.removeprefix("# ").split(":", 1)[0]
            text = f"cat > {name} <<'END'\n{text}END\n"  # noqa: PLW2901
        parts.append(text)
    return "\n".join(parts)


@pytest.mark.timeout(150)
async def test_every_command_of_the_tutorial_works(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    async with yard(tmp_path, f"{sys.executable} -I -S {agent} 0") as place:
        settings = {**place.settings, "BELLHOP_ALLOW_LOOPBACK_WEBHOOKS": "1"}
        text = (
            script((HERE / "api.md").read_text())
            .replace("http://127.0.0.1:8080", f"http://127.0.0.1:{place.port}")
            .replace("RECEIVER_PORT=8099", f"RECEIVER_PORT={free_port()}")
            .replace("https://github.com/acme/widgets", place.place.clone_url)
            .replace("acme/widgets", place.place.repository)
            .replace("octo-dev", place.place.writer)
        )
        place.settings.update(settings)
        async with place.serving():
            output, _ = await run_script(text, work, settings)
    assert "pull/" in (work / "heard.txt").read_text()
    assert (work / "heard.txt").read_text().startswith("task.completed ")
    assert "event: end" in (work / "events.txt").read_text()
    assert {"deletedCount": 1} in answers(output)


def answers(output: str) -> list[Any]:
    """The JSON documents among what was printed, which no line need part."""
    found: list[Any] = []
    decoder, at = json.JSONDecoder(), 0
    while (at := output.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(output, at)
        except ValueError:
            at += 1
        else:
            found.append(value)
    return found
