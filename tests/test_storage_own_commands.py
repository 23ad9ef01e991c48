"""The names of repositories' own commands, and what older tasks know of their command."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from handlers.roles import Role
from storage import Store
from tests.makers import RULES
from tests.storage_support import Bench, opened


async def test_names_are_known_again_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "bellhop.db"
    store = await Store.open(path, RULES)
    names = store.own_commands
    assert (names.names, names.of(1)) == (frozenset(), frozenset())
    await names.keep(1, frozenset({"deploy", "explain"}))
    await names.keep(2, frozenset({"explain"}))
    await names.keep(3, frozenset())
    await store.close()
    store = await Store.open(path, RULES)
    names = store.own_commands
    assert names.names == {"deploy", "explain"}
    assert (names.of(1), names.of(2), names.of(3)) == (
        {"deploy", "explain"},
        {"explain"},
        frozenset(),
    )
    await names.keep(1, frozenset({"release"}))
    assert names.names == {"release", "explain"}
    await names.keep(1, frozenset())
    assert names.names == {"explain"}
    await store.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT * FROM own_commands").fetchall() == [(2, "explain")]


async def test_what_did_not_change_is_not_written(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        names = bench.store.own_commands
        await names.keep(1, frozenset({"deploy"}))
        await bench.sql("DROP TABLE own_commands")
        await names.keep(1, frozenset({"deploy"}))
        with pytest.raises(sqlite3.OperationalError):
            await names.keep(1, frozenset({"release"}))
        assert names.of(1) == {"deploy"}, "what could not be stored is not known"


async def test_a_task_of_before_knows_that_it_answers(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        fix, ask = await bench.ask(), await bench.ask("/ask why?")
        await _as_before(bench)
    async with opened(tmp_path) as bench:
        task, question = await bench.store.task(fix.id), await bench.store.task(ask.id)
        assert task is not None
        assert question is not None
        assert (task.wish.role, task.wish.result) == (Role.WRITE, "pull_request")
        assert (question.wish.role, question.wish.answers) == (Role.TRIAGE, True)


async def _as_before(bench: Bench) -> None:
    """Take back what the step made."""
    await bench.sql("UPDATE tasks SET doc = json_remove(doc, '$.wish.role', '$.wish.result')")
    await bench.sql("DROP TABLE own_commands")
    await bench.sql("DELETE FROM _sqlite_migrations WHERE name = 'own_commands'")
