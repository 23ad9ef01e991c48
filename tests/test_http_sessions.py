"""Sessions by the API: listed, ended, signed out of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from bot.http.access import PLAIN_COOKIE
from bot.http.forms import FIELD, HEADER, MEDIA
from simulator import Fault
from tests.http_sign_in import PAGE, Visitor, another, at_the_door, good_pairs
from tests.http_tasks import ABSENT, Reply
from tests.story import until

JSON = {"Accept": "application/json"}
LOGOUT = "/api/auth/logout"
FORM = {"Accept": "text/html", "Content-Type": MEDIA, "Sec-Fetch-Site": "same-origin"}


async def lists(visitor: Visitor) -> list[dict[str, Any]]:
    answer = await visitor.get("/api/sessions", JSON)
    assert answer.status == 200
    return answer.body["sessions"]


async def is_in(visitor: Visitor) -> bool:
    return (await visitor.get("/api/sessions", JSON)).status == 200


async def sign_out(visitor: Visitor, headers: Mapping[str, str] = FORM) -> Reply:
    """Press the button: it is a form with the page's token."""
    token = (await visitor.with_token())[HEADER]
    return await visitor.call("POST", LOGOUT, headers, f"{FIELD}={token}")


async def test_sessions_are_listed_and_ended_one_by_one(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        phone = another(alice)
        await phone.sign_in("alice")
        await alice.sign_in("alice")
        mine, others = await lists(alice)
        assert (mine["current"], others["current"]) == (True, False)
        assert mine.keys() == {
            *("sessionId", "agent", "createdAt", "expiresAt", "lastSeenAt", "current")
        }
        assert mine["createdAt"].endswith("Z")
        path = f"/api/sessions/{others['sessionId']}"
        ended = await alice.call("DELETE", path, await alice.with_token())
        assert (ended.status, ended.body) == (200, {"deletedCount": 1})
        assert not await is_in(phone)
        assert [one["sessionId"] for one in await lists(alice)] == [mine["sessionId"]]
        again = await alice.call("DELETE", path, await alice.with_token())
        assert again.status == 404
        path = f"/api/sessions/{mine['sessionId'].upper()}"
        await alice.call("DELETE", path, await alice.with_token())
        assert PLAIN_COOKIE not in alice.cookies, "its own session, so its cookie"


async def test_nobody_sees_or_ends_another_persons_session(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        bob = another(alice)
        await alice.sign_in("alice")
        await bob.sign_in("bob")
        (hers,) = await lists(alice)
        headers = await bob.with_token()
        foreign = await bob.call("DELETE", f"/api/sessions/{hers['sessionId']}", headers)
        absent = await bob.call("DELETE", f"/api/sessions/{ABSENT}", headers)
        assert (foreign.status, foreign.raw) == (absent.status, absent.raw) == (404, foreign.raw)
        assert await is_in(alice)
        for number in ("1", "x", f"{ABSENT}0", "%00"):
            assert (await bob.call("DELETE", f"/api/sessions/{number}", headers)).status == 400


async def test_strangers_and_keys_have_no_sessions(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as stranger:
        routes = [("GET", "/api/sessions"), ("DELETE", f"/api/sessions/{ABSENT}")]
        for method, path in (*routes, ("POST", LOGOUT)):
            for prefix in ("/api", "/api/v1"):
                answer = await stranger.call(method, path.replace("/api", prefix, 1), JSON)
                assert answer.status == 401, path
        stranger.cookies[PLAIN_COOKIE] = "made-up"
        assert (await stranger.call("POST", LOGOUT, JSON)).status == 401
        page = await stranger.call("POST", LOGOUT, FORM)
        assert (page.status, page.headers["Location"]) == (303, "/sign-in?done=signed-out")
        assert stranger.cookies == {}


async def test_a_form_signs_out(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        await alice.sign_in("alice")
        held = dict(alice.cookies)
        answer = await sign_out(alice)
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?done=signed-out")
        assert alice.cookies == {}
        alice.cookies = held
        assert not await is_in(alice), "the cookie that somebody kept opens nothing"


async def test_a_script_signs_out(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        await alice.sign_in("alice")
        answer = await alice.call("POST", LOGOUT, await alice.with_token())
        assert (answer.status, answer.body) == (200, {"deletedCount": 1})
        assert alice.cookies == {}


FOREIGN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": "null"},
    {},
]


@pytest.mark.parametrize("site", FOREIGN)
async def test_another_site_signs_nobody_out(tmp_path: Path, site: dict[str, str]) -> None:
    async with at_the_door(tmp_path) as alice:
        await alice.sign_in("alice")
        token = (await alice.with_token())[HEADER]
        form = {"Accept": "text/html", "Content-Type": MEDIA} | site
        for headers in (form, form | {HEADER: token}):
            answer = await alice.call("POST", LOGOUT, headers, f"{FIELD}={token}")
            assert (answer.status, answer.body["code"]) == (403, "cross_site")
        assert await is_in(alice)


async def test_a_page_without_the_token_signs_nobody_out(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        bob = another(alice)
        await bob.sign_in("bob")
        await alice.sign_in("alice")
        theirs = (await bob.with_token())[HEADER]
        for headers, data in (
            (FORM, ""),
            (FORM, f"{FIELD}={theirs}"),
            (alice.here, None),
            (alice.here | {HEADER: theirs}, None),
        ):
            answer = await alice.call("POST", LOGOUT, headers, data)
            assert (answer.status, answer.body["code"]) == (403, "form_expired")
        assert await is_in(alice)


async def test_the_last_session_takes_githubs_token_with_it(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        phone = another(alice)
        await phone.sign_in("alice")
        await alice.sign_in("alice")
        people = alice.stage.bot.store.people
        await until(lambda: good_pairs(alice) == 1, "the end of the first sign-in's token")
        assert (await sign_out(phone)).status == 303
        assert good_pairs(alice) == 1
        assert await people.token_of(alice.person("alice").id) is not None
        assert (await sign_out(alice)).status == 303
        assert await people.token_of(alice.person("alice").id) is None
        await until(lambda: good_pairs(alice) == 0, "the revocation")


async def test_a_github_that_is_away_keeps_nobody_signed_in(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        await alice.sign_in("alice")
        path = f"/applications/{alice.stage.sim.app.client_id}/token"
        alice.stage.sim.faults.add(Fault(method="DELETE", path=path, kind="slow", seconds=60))
        answer = await sign_out(alice)
        assert answer.status == 303, "nobody waits for GitHub"
        assert await alice.sessions("alice") == ()
        alice.stage.sim.faults.clear()


async def test_who_revokes_the_app_on_github_is_signed_out_everywhere(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        bob, phone = another(alice), another(alice)
        for one, login in ((alice, "alice"), (phone, "alice"), (bob, "bob")):
            await one.sign_in(login)
        stage = alice.stage
        stage.sim.revoke_authorization("alice")
        await stage.quiet()
        assert not await is_in(alice)
        assert not await is_in(phone)
        assert await is_in(bob)
        people = stage.bot.store.people
        assert await people.token_of(alice.person("alice").id) is None
        assert await people.token_of(alice.person("bob").id) is not None
        (delivery,) = [
            one for one in stage.sim.deliveries if one.event == "github_app_authorization"
        ]
        assert delivery.status_code == 202
        await alice.sign_in("alice")
        stage.sim.redeliver(delivery)
        await stage.quiet()
        assert await is_in(alice), "the same delivery again ends nothing again"


async def test_a_page_knows_who_comes_back(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        answer = await alice.sign_in(
            "alice", str(URL("/api/auth/github").with_query(next="/settings"))
        )
        assert answer.headers["Location"] == "/settings"
        assert (await alice.get("/api/keys", PAGE)).status == 200
