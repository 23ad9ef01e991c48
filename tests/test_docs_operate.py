"""What the page about running Bellhop shows is run by real processes; what it names is there."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest
import yaml

from bot.demo.agent import __file__ as agent
from bot.demo.children import started
from docs.generated import HERE
from tests.bot_processes import run_script, yard
from tests.test_docs import logged

PATIENCE = 60.0
OPERATE = (HERE / "operate.md").read_text()
APP = yaml.safe_load((HERE.parent / "app.yml").read_text())


def section(heading: str) -> str:
    """What stands below a heading, up to the next one of its kind or above it."""
    level = heading.partition(" ")[0]
    return re.split(
        rf"^#{{1,{len(level)}}} ", OPERATE.split(f"{heading}\n")[1], flags=re.MULTILINE
    )[0]


def shown(heading: str) -> str:
    """The first block of commands below a heading."""
    return section(heading).split("```\n")[1]


@pytest.mark.timeout(150)
async def test_a_backup_is_made_restored_and_gets_another_key_as_is_shown(tmp_path: Path) -> None:
    for name in ("backups", "elsewhere"):
        (tmp_path / name).mkdir()
    async with yard(tmp_path, f"{sys.executable} -I -S {agent} 0") as place:
        async with place.serving():
            make_key = f'{shown("## Keys for programs")}echo "$KEY"'
            key, _ = await run_script(
                make_key.replace("octocat", place.place.writer), tmp_path, place.settings
            )
            assert key.startswith("bh_")
            backup = shown("### Backup").replace("/backups/", f"{tmp_path}/backups/")
            told, _ = await run_script(backup, tmp_path, place.settings)
            assert "bellhop.db" in told
        key_file = tmp_path / "data" / "secret.key"
        (tmp_path / "elsewhere" / "secret.key").write_bytes(key_file.read_bytes())
        *restore, serve = shown("### Restore").splitlines()
        assert serve == "BELLHOP_DATA=restored bellhop serve"
        (made,) = (tmp_path / "backups").iterdir()
        script = re.sub(r"bellhop-[\d-]+\.tar", str(made), "\n".join(restore))
        await run_script(
            script.replace("/elsewhere", f"{tmp_path}/elsewhere"), tmp_path, place.settings
        )
        settings = place.settings | {"BELLHOP_DATA": "restored"}
        said: list[str] = []
        async with (
            asyncio.timeout(PATIENCE),
            started("Bellhop", "bot", "serve", folder=tmp_path, settings=settings) as bot,
        ):
            while '"ready"' not in (said or [""])[-1]:
                said.append(await bot.line())
        assert any("started from a backup" in line for line in said)
        before = (tmp_path / "restored" / "secret.key").read_bytes()
        told, _ = await run_script(shown("### Another secret key"), tmp_path, settings)
        assert "sealed with a new key" in told
        assert (tmp_path / "restored" / "secret.key").read_bytes() != before


def test_the_permissions_are_those_of_the_app() -> None:
    rows = re.findall(r"^\| `([\w: ]+)` \| (.*?) \|$", section("## The GitHub App"), re.MULTILINE)
    asked = [name for name, why in rows if not why.startswith("not asked for")]
    assert asked == [f"{name}: {level}" for name, level in APP["default_permissions"].items()]


def test_only_metrics_that_are_explained_are_named() -> None:
    explained = set(re.findall(r"bellhop_\w+", section("## Metrics")))
    assert set(re.findall(r"\bbellhop_\w+", OPERATE)) == explained


@pytest.mark.parametrize(
    "trouble",
    [
        "lists no delivery",
        "answered 401",
        "answers Bellhop 401",
        "a program gets 401",
        "a worker gets 401",
        "no worker comes",
        "the queue does not move",
        "a comment or a pull request does not come",
        "the disk is full",
        "`database is locked`",
        "the key is lost",
    ],
)
def test_there_is_a_way_out_of(trouble: str) -> None:
    rows = [
        row.strip("|").split(" | ")
        for row in section("### When something is stuck").splitlines()
        if row.startswith("|")
    ]
    (row,) = [row for row in rows if trouble in row[0]]
    assert len(row) == 3
    assert all(cell.strip() for cell in row)


def test_what_the_log_says_when_something_is_stuck_is_what_it_says() -> None:
    quoted = re.findall(r"`([^`]+)`", section("### When something is stuck"))
    lines = {one for one in quoted if re.fullmatch(r"[a-z][\w' ]* [\w' ]+", one)}
    assert "effect put off" in lines
    commands = {one for one in lines if one.startswith("bellhop ")}
    assert lines - commands - logged() == {"database is locked"}, "which SQLite says"
