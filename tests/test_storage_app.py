"""The App that the set-up page made, as a row."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from storage import Store, app_rows
from storage.app_rows import SealedApp
from tests.makers import NOON, RULES

APP = SealedApp(7, "ring", "Iv23", "https://bellhop.test", NOON, b"\x00sealed")


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


async def test_there_is_one_app_at_most(tmp_path: Path) -> None:
    path = tmp_path / "bellhop.db"
    store = await Store.open(path, RULES)
    assert await store.app() is None
    assert await store.keep_app(APP) is True
    assert await store.keep_app(replace(APP, app_id=8)) is False
    assert await store.app() == APP
    assert app_rows.look(path) == APP, "beside a Bellhop that has it open"
    await store.close()
    assert app_rows.look(path) == APP
    assert names(tmp_path) == ["bellhop-logs.db", "bellhop.db"]
    assert "sealed" not in repr(APP)


async def test_a_look_finds_nothing_where_nothing_is(tmp_path: Path) -> None:
    path = tmp_path / "bellhop.db"
    assert app_rows.look(path) is None
    assert not path.exists()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE of_an_earlier_version (x)")
    assert app_rows.look(path) is None
    store = await Store.open(tmp_path / "other.db", RULES)
    await store.close()
    assert app_rows.look(tmp_path / "other.db") is None


def test_a_look_at_no_database_fails(tmp_path: Path) -> None:
    path = tmp_path / "bellhop.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(sqlite3.Error):
        app_rows.look(path)
