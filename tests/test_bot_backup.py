"""`bellhop backup`: a whole file or none, and what its exit codes say."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import tarfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.backup import NotBackedUp, back_up
from bot.settings import Settings
from handlers.task import Status
from storage import StorageFailed
from tests.bot_processes import bellhop, yard
from tests.makers import NOON
from tests.rotating_places import placed
from tests.storage_support import opened


def settings_for(folder: Path, **more: object) -> Settings:
    return Settings.model_validate({"data": folder / "data"} | more)


async def data(folder: Path) -> None:
    """A data folder with a task and a key."""
    (folder / "data").mkdir()
    async with opened(folder / "data") as bench:
        await bench.ask()
    (folder / "data" / "secret.key").write_text("the key\n")


def listed(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


def names(file: Path) -> dict[str, int]:
    with tarfile.open(file) as tar:
        return {member.name: member.mode for member in tar}


async def test_the_key_is_in_it_only_if_it_is_asked_for(tmp_path: Path) -> None:
    await data(tmp_path)
    settings = settings_for(tmp_path)
    without, with_it = tmp_path / "without.tar", tmp_path / "with.tar"
    made = back_up(settings, without, NOON, with_key=False, force=False)
    back_up(settings, with_it, NOON, with_key=True, force=False)
    assert names(without) == {"bellhop-logs.db": 0o600, "bellhop.db": 0o600}
    assert names(with_it) == {**names(without), "secret.key": 0o600}
    assert made.size == without.stat().st_size
    assert b"the key" not in without.read_bytes()
    assert b"the key" in with_it.read_bytes()
    assert listed(tmp_path) == {"data", "with.tar", "without.tar"}


@pytest.mark.parametrize("wrong", ["the key\n", None])
async def test_a_key_that_does_not_open_the_database_is_told(
    tmp_path: Path, wrong: str | None
) -> None:
    """The backup would be found to be of no use on the day that it is needed."""
    place = placed(tmp_path, "data folder")
    await place.fill()
    file, key = tmp_path / "b.tar", place.data / "secret.key"
    former = key.read_text()
    await place.rotate()
    right = key.read_text()
    key.write_text(former if wrong is None else wrong)
    with pytest.raises(NotBackedUp, match="sealed with another key"):
        back_up(place.settings, file, NOON, with_key=True, force=False)
    assert not file.exists()
    key.write_text(right)
    back_up(place.settings, file, NOON, with_key=True, force=False)
    assert "secret.key" in names(file)


@pytest.mark.parametrize(
    "more", [{"secret_key": SecretStr("x" * 40)}, {"secret_key_file": Path("elsewhere")}]
)
async def test_a_key_of_the_settings_is_kept_by_others(
    tmp_path: Path, more: dict[str, object]
) -> None:
    await data(tmp_path)
    with pytest.raises(NotBackedUp, match="BELLHOP_SECRET_KEY"):
        back_up(settings_for(tmp_path, **more), tmp_path / "b", NOON, with_key=True, force=False)
    assert not (tmp_path / "b").exists()


async def test_nothing_is_replaced_unless_it_is_said(tmp_path: Path) -> None:
    await data(tmp_path)
    file = tmp_path / "b.tar"
    file.write_text("precious")
    with pytest.raises(NotBackedUp, match="--force"):
        back_up(settings_for(tmp_path), file, NOON, with_key=False, force=False)
    assert file.read_text() == "precious"
    back_up(settings_for(tmp_path), file, NOON, with_key=False, force=True)
    assert "bellhop.db" in names(file)
    with pytest.raises(NotBackedUp, match="is a folder"):
        back_up(settings_for(tmp_path), tmp_path, NOON, with_key=False, force=True)


async def test_a_backup_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    await data(tmp_path)
    (tmp_path / "data" / "bellhop-logs.db").write_text("no database" * 1000)
    file = tmp_path / "b.tar"
    file.write_text("precious")
    with pytest.raises(StorageFailed, match="bellhop-logs"):
        back_up(settings_for(tmp_path), file, NOON, with_key=False, force=True)
    assert file.read_text() == "precious"
    assert listed(tmp_path) == {"data", "b.tar"}


async def test_log_lines_may_be_missing(tmp_path: Path) -> None:
    await data(tmp_path)
    (tmp_path / "data" / "bellhop-logs.db").unlink()
    back_up(settings_for(tmp_path), tmp_path / "b", NOON, with_key=False, force=False)
    assert list(names(tmp_path / "b")) == ["bellhop.db"]


def test_nothing_to_back_up_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotBackedUp, match="nothing is to be backed up yet"):
        back_up(settings_for(tmp_path), tmp_path / "b", NOON, with_key=False, force=False)


async def test_a_running_bellhop_is_backed_up_by_the_command(tmp_path: Path) -> None:
    async with yard(tmp_path) as place, place.serving():
        await place.github.comment("/ask why?")
        ended = asyncio.create_task(
            place.until(lambda seen: any(one.task.ended for one in seen.tasks))
        )
        code, said, noted = await bellhop(tmp_path, "backup", "b.tar", **place.settings)
        await ended
        again = await bellhop(tmp_path, "backup", "b.tar", **place.settings)
        forced = await bellhop(tmp_path, "backup", "b.tar", "--force", **place.settings)
    assert code == 0
    assert said.startswith("b.tar: bellhop-logs.db, bellhop.db; ")
    assert "The secret key is not in it" in noted
    assert (again[0], forced[0]) == (1, 0)
    assert "--force" in again[2]
    file = tmp_path / "b.tar"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with tarfile.open(file) as tar:
        tar.extractall(tmp_path / "restored", filter="data")
    with closing(sqlite3.connect(tmp_path / "restored" / "bellhop.db")) as db:
        assert db.execute("SELECT status FROM tasks").fetchall() == [(Status.COMPLETED,)]
        ((at,),) = db.execute("SELECT value FROM meta WHERE key = 'restored'").fetchall()
    assert abs(datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds() < 600


async def test_a_backup_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    nothing, unreadable = await asyncio.gather(
        bellhop(tmp_path, "backup", "b.tar"),
        bellhop(tmp_path, "backup", "b.tar", BELLHOP_PORT="many"),
    )
    assert nothing[0] == 1
    assert "nothing is to be backed up yet" in nothing[2]
    assert "Traceback" not in nothing[2]
    assert unreadable[0] == 2
    await data(tmp_path)
    code, _, errors = await bellhop(tmp_path, "backup", "no/such/folder/b.tar")
    assert code == 1
    assert "no/such/folder" in errors
    assert "Traceback" not in errors
