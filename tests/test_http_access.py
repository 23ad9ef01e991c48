"""Who is let in, with what, and how often."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot.http.access import Needed
from bot.http.caller import Caller
from bot.http.limiting import Limits
from bot.keys import SCOPES, new_key
from storage.keys import ApiKey
from tests.door import COOKIE, HTTPS, LOOPBACK, Door, door
from tests.makers import ADA, BOB, NOON
from tests.story import until


async def used(here: Door) -> tuple[ApiKey, ...]:
    return await here.store.people.keys_of(None)


async def test_a_key_says_who_asks_and_what_they_may(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        key = await here.key("tasks:read")
        assert await here.status("tasks:read", key) == 200
        (caller,) = here.callers
        (kept,) = await used(here)
        assert (caller.person, caller.key_id, caller.session_id) == (ADA, kept.id, None)
        assert (caller.scopes, caller.operator) == (frozenset({"tasks:read"}), False)


@pytest.mark.parametrize(
    ("scopes", "needed", "status"),
    [
        (("tasks:read",), "tasks:read", 200),
        (("tasks:read",), "tasks:write", 403),
        (("tasks:write",), "tasks:read", 403),
        (("tasks:write",), "tasks:write", 200),
        (SCOPES, "tasks:write", 200),
        (SCOPES, "session", 403),
        (SCOPES, "operator", 403),
    ],
)
async def test_a_key_does_what_its_scopes_say(
    tmp_path: Path, scopes: tuple[str, ...], needed: Needed, status: int
) -> None:
    async with door(tmp_path) as here:
        answer = await here.ask(needed, await here.key(*scopes))
        assert answer.status == status


@pytest.mark.parametrize(
    ("needed", "word"),
    [("tasks:write", "scope tasks:write"), ("session", "bellhop keys"), ("operator", "ADMINS")],
)
async def test_a_refusal_says_what_is_missing(tmp_path: Path, needed: Needed, word: str) -> None:
    async with door(tmp_path) as here:
        answer = await here.ask(needed, await here.key("tasks:read"))
        problem = await answer.json()
        assert (answer.status, problem["code"]) == (403, "forbidden")
        assert word in problem["detail"]
        assert "WWW-Authenticate" not in answer.headers


async def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        good = await here.key()
        short = await here.key(expires_at=NOON + timedelta(minutes=1))
        gone = await here.key()
        assert {await here.status(key=one) for one in (good, short, gone)} == {200}
        revoked = await here.store.people.keys_of(None)
        assert await here.store.people.drop_key(revoked[0].id)
        here.passes(minutes=1)
        wrong: list[dict[str, str]] = [
            {},
            *({"Authorization": f"Bearer {key}"} for key in (short, gone, new_key(), good[:-1])),
            *({"Authorization": f"{kind} {good}"} for kind in ("Basic", "Token", "")),
            *({"Authorization": text} for text in ("Bearer", "Bearer ", good, "bh_", "\xff")),
            {"Authorization": f"Bearer {good.swapcase()}"},
            {"Cookie": f"{here.doorman.cookie}={COOKIE}"},
            {"Cookie": f'{here.doorman.cookie}="\xff\\377"'},
        ]
        answers = [await here.ask(headers=headers) for headers in wrong]
        told = {(one.status, await one.text(), one.headers["WWW-Authenticate"]) for one in answers}
        assert [status for status, *_ in told] == [401]
        assert await here.status(key=good) == 200


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER   {} "])
async def test_a_key_may_be_sent_in_any_case_of_the_word(tmp_path: Path, form: str) -> None:
    async with door(tmp_path) as here:
        key = await here.key()
        assert await here.status(headers={"Authorization": form.format(key)}) == 200


async def test_a_key_counts_and_not_the_cookie_beside_it(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        cookie = await here.session()
        assert await here.status("session", headers=cookie) == 200
        assert await here.status("session", await here.key(owner=BOB), headers=cookie) == 403
        assert await here.status("tasks:read", "bh_wrong", headers=cookie) == 401


async def test_a_revoked_key_opens_nothing_from_then_on(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        key = await here.key()
        assert await here.status(key=key) == 200
        (caller,) = here.callers
        assert await here.doorman.still(caller)
        assert caller.key_id is not None
        await here.store.people.drop_key(caller.key_id)
        assert not await here.doorman.still(caller)
        assert await here.status(key=key) == 401


async def test_whoever_came_with_nothing_stays_nobody(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        assert not await here.doorman.still(Caller(ADA, operator=False, scopes=frozenset()))


async def test_an_expired_key_opens_nothing_from_then_on(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        key = await here.key(expires_at=NOON + timedelta(hours=1))
        here.passes(minutes=59, seconds=59)
        assert await here.status(key=key) == 200
        assert await here.doorman.still(here.callers[0])
        here.passes(seconds=1)
        assert not await here.doorman.still(here.callers[0])
        assert await here.status(key=key) == 401


async def test_a_session_may_do_all_that_is_for_people(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        cookie = await here.session()
        for needed in (*SCOPES, "session"):
            assert await here.status(needed, headers=cookie) == 200
        assert await here.status("operator", headers=cookie) == 403
        caller = here.callers[0]
        assert (caller.person, caller.key_id, caller.scopes) == (ADA, None, frozenset(SCOPES))


@pytest.mark.parametrize("how", ["ended", "expired"])
async def test_a_session_that_is_over_opens_nothing(tmp_path: Path, how: str) -> None:
    async with door(tmp_path) as here:
        cookie = await here.session()
        assert await here.status(headers=cookie) == 200
        (caller,) = here.callers
        assert await here.doorman.still(caller)
        if how == "ended":
            assert caller.session_id is not None
            await here.store.people.drop_session(caller.session_id)
        else:
            here.passes(days=1)
        assert not await here.doorman.still(caller)
        assert await here.status(headers=cookie) == 401


@pytest.mark.parametrize(
    ("url", "right", "wrong"),
    [(HTTPS, "__Host-bellhop", "bellhop"), (LOOPBACK, "bellhop", "__Host-bellhop")],
)
async def test_the_cookie_has_one_name(tmp_path: Path, url: str, right: str, wrong: str) -> None:
    async with door(tmp_path, url=url) as here:
        await here.session()
        assert here.doorman.cookie == right
        assert await here.status(headers={"Cookie": f"{right}={COOKIE}"}) == 200
        assert await here.status(headers={"Cookie": f"{wrong}={COOKIE}"}) == 401


ELSEWHERE = "https://evil.test"
SITES = [
    ({"Sec-Fetch-Site": "same-origin", "Origin": HTTPS}, 200),
    ({"Sec-Fetch-Site": "same-origin"}, 200),
    ({"Sec-Fetch-Site": "none"}, 200),
    ({"Origin": HTTPS}, 200),
    ({}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "something"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Origin": HTTPS}, 403),
    ({"Sec-Fetch-Site": "same-origin", "Origin": ELSEWHERE}, 403),
    ({"Origin": ELSEWHERE}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://bellhop.test"}, 403),
    ({"Origin": f"{HTTPS}:444"}, 403),
    ({"Origin": f"{HTTPS}.evil.test"}, 403),
    ({"Origin": ELSEWHERE, "Host": "evil.test"}, 403),
]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_page_of_another_site_changes_nothing_with_a_cookie(
    tmp_path: Path, method: str
) -> None:
    async with door(tmp_path) as here:
        cookie = await here.session()
        for site, status in SITES:
            answer = await here.ask("tasks:write", method=method, headers=cookie | site)
            assert answer.status == status, site
            if status == 403:
                assert (await answer.json())["code"] == "cross_site"
        assert await here.status(headers=cookie | {"Sec-Fetch-Site": "cross-site"}) == 200
        key = await here.key()
        foreign = {"Sec-Fetch-Site": "cross-site", "Origin": ELSEWHERE}
        assert await here.status("tasks:write", key, method=method, headers=foreign) == 200


@pytest.mark.parametrize(
    ("url", "headers", "status"),
    [
        ("https://Bellhop.TEST:443/", {"Origin": HTTPS}, 200),
        ("https://bellhop.test:8443", {"Origin": "https://bellhop.test:8443"}, 200),
        ("https://bellhop.test:8443", {"Origin": HTTPS}, 403),
        (LOOPBACK, {"Origin": LOOPBACK}, 200),
        (LOOPBACK, {"Origin": "http://localhost:8080", "Host": "localhost:8080"}, 200),
        (LOOPBACK, {"Origin": "http://localhost:8081", "Host": "localhost:8080"}, 403),
        (HTTPS, {"Origin": "http://localhost:8080", "Host": "localhost:8080"}, 403),
    ],
)
async def test_our_pages_are_known_by_their_origin(
    tmp_path: Path, url: str, headers: dict[str, str], status: int
) -> None:
    async with door(tmp_path, url=url) as here:
        cookie = await here.session()
        assert await here.status("session", method="POST", headers=cookie | headers) == status


async def test_a_use_is_noted_once_a_minute(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        key = await here.key()

        async def noted_at() -> object:
            (kept,) = await used(here)
            return kept.used_at

        assert await noted_at() is None
        await asyncio.gather(*(here.status(key=key) for _ in range(5)))
        await until(lambda: _is(noted_at, NOON), "the first use")
        here.passes(seconds=59)
        assert await here.status(key=key) == 200
        assert await noted_at() == NOON
        here.passes(seconds=1)
        assert await here.status(key=key) == 200
        await until(lambda: _is(noted_at, here.now), "the second use")


async def test_the_sight_of_a_session_is_noted_once_a_minute(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        cookie = await here.session()
        assert await here.status(headers=cookie) == 200
        (caller,) = here.callers

        async def seen_at() -> object:
            kept = await here.store.people.session_named(caller.session_id or "", here.now)
            assert kept is not None
            return kept.seen_at

        here.passes(seconds=61)
        assert await here.status(headers=cookie) == 200
        await until(lambda: _is(seen_at, here.now), "the sight")


async def _is(look: object, wanted: object) -> bool:
    assert callable(look)
    return bool(await look() == wanted)


async def test_nothing_comes_of_a_use_that_cannot_be_noted(tmp_path: Path) -> None:
    async with door(tmp_path) as here:
        await here.key()
        last_use = here.doorman.last_use
        await here.store.close()
        last_use.of_key("one", None, NOON)
        last_use.of_session("two", NOON - timedelta(minutes=1), NOON)
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


async def test_a_key_may_ask_so_often_in_a_minute(tmp_path: Path) -> None:
    async with door(tmp_path, limits=Limits(key=3)) as here:
        key = await here.key()
        answers = [await here.ask(key=key) for _ in range(4)]
        assert [one.status for one in answers] == [200, 200, 200, 429]
        assert [one.headers["RateLimit-Policy"] for one in answers] == ['"key";q=3;w=60'] * 4
        left = [re.fullmatch(r'"key";r=(\d+);t=(\d+)', one.headers["RateLimit"]) for one in answers]
        assert [one and one[1] for one in left] == ["2", "1", "0", "0"]
        assert all(one and 1 <= int(one[2]) <= 61 for one in left)
        wait = int(answers[-1].headers["Retry-After"])
        assert 1 <= wait <= 61
        problem = await answers[-1].json()
        assert (problem["code"], problem["status"]) == ("too_many", 429)
        assert str(wait) in problem["detail"]
        assert await here.status(key=await here.key()) == 200, "another key has its own"


async def test_all_keys_of_a_person_together_may_ask_so_often(tmp_path: Path) -> None:
    async with door(tmp_path, limits=Limits(person=3)) as here:
        one, two = await here.key(), await here.key()
        cookie = await here.session()
        assert [await here.status(key=key) for key in (one, two)] == [200, 200]
        assert await here.status(headers=cookie) == 200
        refused = await here.ask(key=two)
        assert (refused.status, refused.headers["RateLimit-Policy"]) == (429, '"person";q=3;w=60')
        assert await here.status(key=await here.key(owner=BOB)) == 200


async def test_the_answer_tells_of_the_limit_of_which_least_is_left(tmp_path: Path) -> None:
    async with door(tmp_path, limits=Limits(key=5, person=6)) as here:
        one, two = await here.key(), await here.key()
        told = [
            (await here.ask(key=key)).headers["RateLimit"].split(";")[:2]
            for key in (one, two, two, one, one)
        ]
        assert told == [
            ['"key"', "r=4"],
            ['"key"', "r=4"],
            ['"key"', "r=3"],
            ['"person"', "r=2"],
            ['"person"', "r=1"],
        ]


async def test_what_is_refused_counts_too(tmp_path: Path) -> None:
    async with door(tmp_path, limits=Limits(key=2)) as here:
        key = await here.key("tasks:read")
        assert [await here.status("tasks:write", key) for _ in range(3)] == [403, 403, 429]


async def test_new_work_has_a_limit_of_its_own(tmp_path: Path) -> None:
    async with door(tmp_path, limits=Limits(creations=2)) as here:
        one, two = await here.key(), await here.key()
        asked = [await here.ask("tasks:write", key, method="POST") for key in (one, two, one)]
        assert [answer.status for answer in asked] == [200, 200, 429]
        assert [answer.headers["RateLimit"].split(";")[:2] for answer in asked] == [
            ['"creation"', "r=1"],
            ['"creation"', "r=0"],
            ['"creation"', "r=0"],
        ]
        assert await here.status("tasks:write", one) == 200, "what makes no work goes on"


def test_the_limits_are_what_the_pages_say() -> None:
    limits = Limits()
    assert (limits.key, limits.person, limits.creations, limits.failures) == (300, 600, 60, 60)
    assert limits.sign_ins == 60


async def test_guessing_is_throttled_and_good_keys_are_not(tmp_path: Path) -> None:
    async with door(tmp_path, limits=Limits(failures=2)) as here:
        key = await here.key()
        assert [await here.status() for _ in range(4)] == [401] * 4, "nothing was guessed"
        guesses = [await here.ask(key=new_key()) for _ in range(2)]
        cookie = {"Cookie": f"{here.doorman.cookie}=guessed"}
        guesses.append(await here.ask(headers=cookie))
        assert [one.status for one in guesses] == [401, 401, 429]
        assert int(guesses[-1].headers["Retry-After"]) == 60
        assert "RateLimit" not in guesses[-1].headers
        assert await here.status(key=key) == 200
        assert await here.status() == 401


async def test_operators_are_named_by_their_numbers(tmp_path: Path) -> None:
    async with door(tmp_path, admins=(str(BOB.id),)) as here:
        assert await here.status("operator", await here.key(owner=BOB)) == 200
        assert await here.status("operator", await here.key(owner=ADA)) == 403
        assert [one.operator for one in here.callers] == [True]
