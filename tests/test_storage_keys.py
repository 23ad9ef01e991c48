"""Keys, sessions and webhook secrets, as rows."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.keys import digest, new_key
from storage import StorageFailed, Store
from storage.keeping import Keep
from storage.keys import MOST_KEYS, ApiKey, Session
from storage.migrations import migrations
from storage.webhook_secrets import MOST, SealedSecret
from tests.makers import ADA, BOB, HOUR, NOON, RULES, SECOND, id_of
from tests.storage_support import opened

KEY = ApiKey(id_of(1), ADA, "a script", "bh_abcdef", frozenset({"tasks:read"}), NOON)
SESSION = Session(id_of(9), ADA, "Browser/1", NOON, NOON + HOUR, NOON)


async def test_a_key_is_known_by_its_digest_and_by_its_id(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        full = replace(
            KEY,
            id=id_of(2),
            name="Ünï \N{BELL} 'x'",
            scopes=frozenset({"tasks:read", "tasks:write"}),
            expires_at=NOON + HOUR,
            used_at=NOON + SECOND,
        )
        await people.keep_key(KEY, digest("one"))
        await people.keep_key(full, digest("two"))
        assert await people.key_of(digest("one")) == KEY
        assert await people.key_of(digest("two")) == full
        assert await people.key_of(digest("three")) is None
        assert await people.key_of(b"") is None
        assert await people.key_named(KEY.id) == KEY
        assert await people.key_named(id_of(3)) is None


async def test_the_login_that_somebody_came_with_last_is_known(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        assert await people.login_of(ADA.id) is None
        await people.keep_key(KEY, digest("one"))
        assert await people.login_of(ADA.id) == "ada"
        renamed = replace(ADA, login="countess")
        later = replace(SESSION, person=renamed, created_at=NOON + SECOND)
        await people.keep_session(later, digest("two"))
        assert await people.login_of(ADA.id) == "countess"
        assert await people.login_of(BOB.id) is None


async def test_a_sign_in_brings_a_new_login_to_all_that_somebody_has(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        for owner, number in ((ADA, 1), (BOB, 2)):
            await people.keep_key(replace(KEY, id=id_of(number), owner=owner), digest(owner.login))
            session = replace(SESSION, id=id_of(10 + number), person=owner)
            await people.keep_session(session, digest(f"{owner.login}'s"))
        renamed = replace(ADA, login="countess")
        await people.keep_session(replace(SESSION, id=id_of(20), person=renamed), digest("new"))
        assert {one.person for one in await people.sessions_of(ADA.id, NOON)} == {renamed}
        assert {one.owner for one in await people.keys_of(None)} == {renamed, BOB}
        assert {one.person for one in await people.sessions_of(BOB.id, NOON)} == {BOB}


async def test_a_person_has_only_so_many_keys(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        made = [replace(KEY, id=id_of(n)) for n in range(MOST_KEYS + 1)]
        asks = [people.keep_key(one, digest(one.id)) for one in made]
        assert sorted(await asyncio.gather(*asks)) == [False, *[True] * MOST_KEYS]
        assert len(await people.keys_of(ADA.id)) == MOST_KEYS
        other = replace(KEY, id=id_of(900), owner=BOB)
        assert await people.keep_key(other, digest("bob's"))
        assert await people.drop_key(id_of(1), ADA.id)
        assert await people.keep_key(replace(KEY, id=id_of(901)), digest("another"))


async def test_two_keys_never_share_a_digest(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        await people.keep_key(KEY, digest("one"))
        with pytest.raises(sqlite3.IntegrityError):
            await people.keep_key(replace(KEY, id=id_of(2), owner=BOB), digest("one"))
        assert await people.key_of(digest("one")) == KEY


async def test_keys_are_listed_newest_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        for number, owner in ((1, ADA), (2, BOB), (3, ADA)):
            await people.keep_key(replace(KEY, id=id_of(number), owner=owner), bytes([number]))
        assert [one.id for one in await people.keys_of(ADA.id)] == [id_of(3), id_of(1)]
        assert [one.id for one in await people.keys_of(BOB.id)] == [id_of(2)]
        assert [one.id for one in await people.keys_of(None)] == [id_of(3), id_of(2), id_of(1)]
        assert await people.keys_of(77) == ()


async def test_a_key_is_removed_by_its_owner_or_by_an_operator(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        await people.keep_key(KEY, b"1")
        await people.keep_key(replace(KEY, id=id_of(2)), b"2")
        assert not await people.drop_key(KEY.id, BOB.id)
        assert await people.key_of(b"1") == KEY
        assert await people.drop_key(KEY.id, ADA.id)
        assert not await people.drop_key(KEY.id, ADA.id)
        assert await people.key_of(b"1") is None
        assert await people.drop_key(id_of(2))
        assert await people.keys_of(None) == ()


async def test_the_last_use_is_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        await people.keep_key(KEY, b"1")
        await people.touch_key(KEY.id, NOON + HOUR)
        await people.touch_key(id_of(5), NOON + HOUR)
        assert await people.key_of(b"1") == replace(KEY, used_at=NOON + HOUR)


@pytest.mark.parametrize(
    ("expires_at", "now", "good"),
    [
        (None, NOON + timedelta(days=9999), True),
        (NOON, NOON - SECOND, True),
        (NOON, NOON, False),
        (NOON, NOON + SECOND, False),
        (NOON.astimezone(timezone(timedelta(hours=9))), NOON - SECOND, True),
    ],
)
def test_a_key_is_good_until_it_expires(
    expires_at: datetime | None, now: datetime, good: bool
) -> None:
    assert replace(KEY, expires_at=expires_at).is_good(now) is good


async def test_times_are_kept_in_utc(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        there = NOON.astimezone(timezone(timedelta(hours=-8)))
        await bench.store.people.keep_key(replace(KEY, expires_at=there), b"1")
        kept = await bench.store.people.key_of(b"1")
        assert kept is not None
        assert kept.expires_at == NOON
        assert kept.expires_at.tzinfo == UTC


async def test_a_session_is_known_until_it_ends(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        await people.keep_session(SESSION, digest("cookie"))
        before, after = NOON + HOUR - SECOND, NOON + HOUR
        assert await people.session_of(digest("cookie"), before) == SESSION
        assert await people.session_named(SESSION.id, before) == SESSION
        assert await people.session_of(digest("other"), before) is None
        assert await people.session_named(id_of(8), before) is None
        assert await people.session_of(digest("cookie"), after) is None
        assert await people.session_named(SESSION.id, after) is None


async def test_a_session_is_seen_and_revoked(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        await people.keep_session(SESSION, b"1")
        await people.touch_session(SESSION.id, NOON + SECOND)
        assert await people.session_of(b"1", NOON) == replace(SESSION, seen_at=NOON + SECOND)
        assert not await people.drop_session(id_of(8))
        assert await people.drop_session(SESSION.id)
        assert not await people.drop_session(SESSION.id)
        assert await people.session_of(b"1", NOON) is None


async def test_sessions_that_have_expired_are_removed(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        await people.keep_session(SESSION, b"1")
        await people.keep_session(replace(SESSION, id=id_of(10), expires_at=NOON + 2 * HOUR), b"2")
        await bench.store.forget_old(NOON + HOUR, Keep())
        assert await bench.rows("SELECT id FROM sessions") == [(id_of(10),)]


def secret(number: int) -> SealedSecret:
    return SealedSecret(id_of(number), bytes([number, 0, 255]), f"aa{number:02}", NOON)


async def test_an_owner_has_two_webhook_secrets_at_most(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        assert MOST == 2
        assert await people.keep_webhook_secret(ADA.id, secret(1))
        assert await people.keep_webhook_secret(ADA.id, secret(2))
        assert not await people.keep_webhook_secret(ADA.id, secret(3))
        assert await people.keep_webhook_secret(BOB.id, secret(4))
        assert await people.webhook_secrets_of(ADA.id) == (secret(2), secret(1))
        assert await people.webhook_secrets_of(BOB.id) == (secret(4),)
        assert await people.webhook_secrets_of(77) == ()
        assert await people.drop_webhook_secret(id_of(1), ADA.id)
        assert await people.keep_webhook_secret(ADA.id, secret(3))
        assert await people.webhook_secrets_of(ADA.id) == (secret(3), secret(2))


async def test_secrets_that_are_made_at_once_are_still_two(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        made = await asyncio.gather(
            *(people.keep_webhook_secret(ADA.id, secret(number)) for number in range(1, 9))
        )
        assert sum(made) == MOST
        assert len(await people.webhook_secrets_of(ADA.id)) == MOST


async def test_a_webhook_secret_is_removed_by_its_owner_or_by_an_operator(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        await people.keep_webhook_secret(ADA.id, secret(1))
        assert not await people.drop_webhook_secret(id_of(1), BOB.id)
        assert not await people.drop_webhook_secret(id_of(2), ADA.id)
        assert await people.webhook_secrets_of(ADA.id) == (secret(1),)
        assert await people.drop_webhook_secret(id_of(1))
        assert await people.webhook_secrets_of(ADA.id) == ()


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def test_a_key_is_not_in_the_database(tmp_path: Path) -> None:
    key = new_key()
    async with opened(tmp_path) as bench:
        await bench.store.people.keep_key(replace(KEY, prefix=key[:9]), digest(key))
        await bench.store.people.keep_session(SESSION, digest("the-id-of-a-session"))
    kept = all_bytes(tmp_path)
    assert digest(key) in kept
    assert key.encode() not in kept
    assert b"the-id-of-a-session" not in kept


async def test_a_second_process_may_use_tables_that_are_up_to_date(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        beside = await Store.open(tmp_path / "bellhop.db", RULES, migrate=False)
        await beside.people.keep_key(KEY, b"1")
        assert await bench.store.people.key_of(b"1") == KEY
        await bench.store.people.drop_key(KEY.id)
        assert await beside.people.key_of(b"1") is None
        await beside.close()
        await bench.store.people.keep_key(KEY, b"2")
        assert await bench.store.people.key_of(b"2") == KEY


async def test_a_second_process_leaves_older_tables_alone(tmp_path: Path) -> None:
    path = tmp_path / "bellhop.db"
    with pytest.raises(StorageFailed, match="Start it again with the new version"):
        await Store.open(path, RULES, migrate=False)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert migrations.applied(Database(connection)) == []


async def test_whoever_leaves_waits_for_nobody_who_reads(tmp_path: Path) -> None:
    """An open read of the other process would hold up its writer for seconds."""
    async with opened(tmp_path) as bench:
        await bench.store.people.keep_key(KEY, b"1")
        with contextlib.closing(sqlite3.connect(tmp_path / "bellhop.db")) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM keys").fetchone() == (1,)
            beside = await Store.open(tmp_path / "bellhop.db", RULES, migrate=False)
            await beside.people.touch_key(KEY.id, NOON)
            loop = asyncio.get_running_loop()
            begun = loop.time()
            await beside.close()
            assert loop.time() - begun < 4
            await bench.store.people.keep_key(replace(KEY, id=id_of(2)), b"2")
