"""The list of everything that is sealed, and its change to another key."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path

import pytest

from storage import StorageFailed
from storage.app_rows import SealedApp
from storage.provider_secrets import NewSecret
from storage.sealed import (
    SEALED,
    CannotOpen,
    Change,
    FormerKey,
    SealedColumn,
    change_key,
    key_print,
)
from storage.webhook_secrets import SealedSecret
from tests.makers import HOUR, NOON, id_of, task_in
from tests.storage_support import Bench, opened

OPEN = {
    ("keys", "digest"),
    ("sessions", "digest"),
    ("deliveries", "body"),
    ("missed", "body"),
}
"""Columns of bytes that hold no ciphertext."""
FORMER = FormerKey(b"new:marker", b"new:worker", NOON)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path) as made:
        yield made


async def fill(bench: Bench) -> None:
    """One secret of each kind."""
    store = bench.store
    await store.keep_token(task_in(), b"old:token", NOON + HOUR, NOON)
    secret = SealedSecret(id_of(1), b"old:webhook", "hook", NOON)
    await store.people.keep_webhook_secret(1, secret)
    await store.keep_app(SealedApp(7, "ring", "Iv23", "https://ring.test", NOON, b"old:app"))
    await store.scopes.keep_secrets("user:1", {"openai": NewSecret(b"old:key", "akey")}, NOON)


def change(old: bytes = b"old:", new: bytes = b"new:") -> Change:
    def reseal(sealed: bytes) -> bytes | None:
        return new + sealed.removeprefix(old) if sealed.startswith(old) else None

    return Change(reseal, FORMER, "the new one")


async def contents(bench: Bench) -> set[bytes]:
    found: set[bytes] = set()
    for one in SEALED:
        found |= {row[0] for row in await bench.rows(f"SELECT {one.column} FROM {one.table}")}
    return found - {None}


async def test_no_table_with_ciphertexts_is_forgotten(bench: Bench) -> None:
    columns = await bench.rows(
        "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c "
        "WHERE t.type = 'table' AND c.type = 'BLOB' AND t.name NOT LIKE 'words%'"
    )
    assert set(columns) - OPEN == {(one.table, one.column) for one in SEALED}, (
        "a table that keeps something sealed is named in `storage.sealed`; other bytes in OPEN here"
    )


async def test_everything_is_sealed_anew_or_nothing(bench: Bench, tmp_path: Path) -> None:
    await fill(bench)
    path = tmp_path / "bellhop.db"
    assert key_print(path) is None
    done = await bench.store.change_key(change(), leave_others=False)
    assert (done.done, done.left) == (4, 0)
    assert await contents(bench) == {
        *(b"new:token", b"new:webhook", b"new:key", b"new:app"),
        *(b"new:marker", b"new:worker"),
    }
    assert await bench.store.former_keys() == (FORMER,)
    assert key_print(path) == "the new one"
    with pytest.raises(CannotOpen, match="6 stored secrets"):
        await bench.store.change_key(change(), leave_others=False)
    assert len(await bench.store.former_keys()) == 1


async def test_what_no_key_opens_may_be_left(bench: Bench) -> None:
    await fill(bench)
    await bench.sql("UPDATE tokens SET secret = ?", b"lost:token")
    done = await bench.store.change_key(change(), leave_others=True)
    assert (done.done, done.left) == (3, 1)
    assert {b"lost:token", b"new:webhook", b"new:key"} < await contents(bench)


async def test_former_keys_are_sealed_anew_with_the_rest(bench: Bench) -> None:
    await bench.store.change_key(change(), leave_others=False)
    second = FormerKey(b"newer:2", b"newer:w2", NOON)
    later = Change(change(b"new:", b"newer:").reseal, second, "2")
    await bench.store.change_key(later, leave_others=False)
    assert await bench.store.former_keys() == (
        second,
        FormerKey(b"newer:marker", b"newer:worker", NOON),
    )


async def test_where_a_worker_is_believed_no_more_none_of_a_key_before_is(bench: Bench) -> None:
    await bench.store.change_key(change(), leave_others=False)
    third = FormerKey(b"newer:3", None, NOON)
    await bench.store.change_key(
        Change(change(b"new:", b"newer:").reseal, third, "3"), leave_others=False
    )
    assert await bench.store.former_keys() == (third, FormerKey(b"newer:marker", None, NOON))


async def test_a_failure_in_the_middle_changes_nothing(bench: Bench, tmp_path: Path) -> None:
    await fill(bench)
    before = await contents(bench)
    seen: list[bytes] = []

    def reseal(sealed: bytes) -> bytes | None:
        seen.append(sealed)
        if len(seen) == 2:
            raise OSError
        return b"new"

    with pytest.raises(sqlite3.OperationalError):
        await bench.store.change_key(Change(reseal, FORMER, "x"), leave_others=True)
    assert await contents(bench) == before
    assert await bench.store.former_keys() == ()
    assert key_print(tmp_path / "bellhop.db") is None


async def test_a_sealed_text_stays_a_text(bench: Bench) -> None:
    columns = (SealedColumn("meta", "value", "key = 'app'"),)
    await bench.store.remember("app", "old:app")
    await bench.store.remember("other", "old:other")
    await bench.do(lambda db: change_key(db, change(), leave_others=False, columns=columns))
    assert await bench.store.recall("app") == "new:app"
    assert await bench.store.recall("other") == "old:other"


def test_a_database_that_is_none_tells_no_key(tmp_path: Path) -> None:
    path = tmp_path / "bellhop.db"
    assert key_print(path) is None
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE other (x)")
    assert key_print(path) is None
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageFailed, match="cannot be read"):
        key_print(path)
