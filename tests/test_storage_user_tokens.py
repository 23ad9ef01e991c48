"""People's tokens and sessions, as rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from handlers.deliveries import ConsentRevoked
from handlers.github_objects import Actor
from storage.keys import MOST_SESSIONS, Session
from storage.user_tokens import SealedUserToken
from tests.makers import ADA, BOB, HOUR, NOON, id_of
from tests.storage_support import opened

TOKEN = SealedUserToken(ADA, b"\x00sealed\xff", NOON + HOUR, NOON + 1000 * HOUR)
SESSION = Session(id_of(9), ADA, "Browser/1", NOON, NOON + HOUR, NOON)


async def test_a_person_has_one_token(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        endless = SealedUserToken(BOB, b"2", None, None)
        await people.keep_token(replace(TOKEN, secret=b"old"))
        await people.keep_token(TOKEN)
        await people.keep_token(endless)
        assert await people.token_of(ADA.id) == TOKEN
        assert await people.token_of(BOB.id) == endless
        assert await people.token_of(77) is None
        assert await people.take_token(ADA.id) == TOKEN
        assert await people.take_token(ADA.id) is None
        assert await people.token_of(BOB.id) == endless


async def test_a_token_is_dropped_unless_there_is_another(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        await people.keep_token(TOKEN)
        await people.drop_token(replace(TOKEN, secret=b"old"))
        assert await people.token_of(ADA.id) == TOKEN
        await people.drop_token(TOKEN)
        assert await people.token_of(ADA.id) is None


async def test_a_token_goes_with_the_last_session(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        await people.keep_token(TOKEN)
        await people.keep_session(SESSION, b"1")
        assert await people.take_unused_token(ADA.id, NOON) is None
        assert await people.take_unused_token(ADA.id, NOON + HOUR) == TOKEN


async def test_tokens_of_those_who_have_no_session_are_removed(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        await people.keep_token(TOKEN)
        await people.keep_token(replace(TOKEN, person=BOB))
        await people.keep_session(SESSION, b"1")
        long = replace(SESSION, id=id_of(10), person=BOB, expires_at=NOON + 2 * HOUR)
        await people.keep_session(long, b"2")
        await people.forget(NOON + HOUR)
        assert await people.token_of(ADA.id) is None
        assert await people.token_of(BOB.id) is not None


async def test_a_persons_sessions_are_listed_newest_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        made = [
            replace(SESSION, id=id_of(1)),
            replace(SESSION, id=id_of(2), expires_at=NOON + 2 * HOUR),
            replace(SESSION, id=id_of(3), person=BOB),
        ]
        for number, one in enumerate(made):
            await people.keep_session(one, bytes([number]))
        assert await people.sessions_of(ADA.id, NOON) == (made[1], made[0])
        assert await people.sessions_of(ADA.id, NOON + HOUR) == (made[1],)
        assert await people.sessions_of(77, NOON) == ()
        assert not await people.drop_session(id_of(1), BOB.id)
        assert await people.drop_session(id_of(1), ADA.id)
        assert await people.sessions_of(ADA.id, NOON) == (made[1],)


async def test_the_oldest_sessions_make_room(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        await people.keep_session(replace(SESSION, id=id_of(500), person=BOB), b"bob")
        for number in range(MOST_SESSIONS + 2):
            await people.keep_session(replace(SESSION, id=id_of(number + 1)), bytes([number]))
        kept = await people.sessions_of(ADA.id, NOON)
        assert [one.id for one in kept] == [id_of(n) for n in range(MOST_SESSIONS + 2, 2, -1)]
        assert len(await people.sessions_of(BOB.id, NOON)) == 1


@pytest.mark.parametrize("again", [False, True])
async def test_who_takes_back_their_consent_is_signed_out_everywhere(
    tmp_path: Path, again: bool
) -> None:
    async with opened(tmp_path) as bench:
        people = bench.store.people
        for number, person in enumerate((ADA, ADA, BOB)):
            one = replace(SESSION, id=id_of(number), person=person)
            await people.keep_session(one, bytes([number]))
            await people.keep_token(replace(TOKEN, person=person))
        sender = Actor(id=ADA.id, login=ADA.login, type="User")
        revoked = ConsentRevoked(action="revoked", sender=sender)
        for _ in range(1 + again):
            await bench.store.apply_delivery("delivery", revoked, NOON)
        assert await people.sessions_of(ADA.id, NOON) == ()
        assert await people.token_of(ADA.id) is None
        assert len(await people.sessions_of(BOB.id, NOON)) == 1
        assert await people.token_of(BOB.id) is not None
