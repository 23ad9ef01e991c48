"""Sign-in to the offline GitHub: the page, the codes, the tokens, and what they open."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
from yarl import URL

from simulator.hosting import utc_now
from simulator.people import ACCESS_LIFE, CODE_LIFE, REFRESH_LIFE, challenge_of
from tests.simulator_support import Answer, Place, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BACK = "http://127.0.0.1:9/back?of=ours"
VERIFIER = "v" * 43


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with running(tmp_path) as made:
        made.sim.callback_urls = [BACK]
        yield made


def wish(place: Place, **changes: str | None) -> dict[str, str]:
    asked: dict[str, str | None] = {
        "client_id": place.sim.app.client_id,
        "redirect_uri": BACK,
        "state": "a&b=c",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: text for name, text in asked.items() if text is not None}


async def show(place: Place, **changes: str | None) -> Answer:
    url = URL(f"{place.sim.url}/login/oauth/authorize").with_query(wish(place, **changes))
    return await place.call("GET", str(url))


async def decide(
    place: Place, form: dict[str, str], headers: dict[str, str] | None = None
) -> Answer:
    async with place.session.post(
        f"{place.sim.url}/login/oauth/authorize", data=form, headers=headers, allow_redirects=False
    ) as answer:
        return Answer(answer.status, answer.headers, await answer.read())


async def code_of(place: Place, login: str = "alice", **changes: str | None) -> str:
    answer = await decide(place, wish(place, **changes) | {"user": login})
    assert answer.status == 302, answer.raw
    return URL(answer.headers["Location"]).query["code"]


async def give(place: Place, **asked: str) -> Any:
    app = place.sim.app
    body = {"client_id": app.client_id, "client_secret": app.client_secret, **asked}
    answer = await place.call(
        "POST",
        f"{place.sim.url}/login/oauth/access_token",
        body=body,
        headers={"Accept": "application/json"},
    )
    assert answer.status == 200
    return answer.json


async def test_the_page_asks_who_signs_in(place: Place) -> None:
    place.sim.add_user("bob")
    answer = await show(place, login="Bob")
    text = answer.raw.decode()
    assert re.findall(r'name="user" value="([^"]+)"', text) == ["bob", "app-owner", "alice"]
    assert 'value="a&amp;b=c"' in text
    assert "acme" not in text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.endswith("form-action 'self' http://127.0.0.1:9")


async def test_the_way_back_has_a_code_and_the_state(place: Place) -> None:
    answer = await decide(place, wish(place) | {"user": "alice"})
    url = URL(answer.headers["Location"])
    assert (url.with_query({}), url.query["of"]) == (URL(BACK).with_query({}), "ours")
    assert url.query["state"] == "a&b=c"
    assert re.fullmatch(r"[0-9a-f]{20}", url.query["code"])
    bare = await decide(place, wish(place, state=None) | {"user": "alice"})
    assert "state" not in URL(bare.headers["Location"]).query


async def test_somebody_may_refuse(place: Place) -> None:
    answer = await decide(place, wish(place) | {"refuse": "1", "user": "alice"})
    query = URL(answer.headers["Location"]).query
    assert (query["error"], query["state"], "code" in query) == ("access_denied", "a&b=c", False)


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "Iv23other"}, 404, ""),
        ({"redirect_uri": BACK + "2"}, 302, "redirect_uri_mismatch"),
        ({"redirect_uri": None}, 302, "redirect_uri_mismatch"),
        ({"code_challenge_method": "plain"}, 302, "invalid_request"),
        ({"code_challenge_method": None}, 302, "invalid_request"),
    ],
)
async def test_what_is_asked_wrongly_is_refused_at_once(
    place: Place, changes: dict[str, str | None], status: int, error: str
) -> None:
    for answer in (
        await show(place, **changes),
        await decide(place, wish(place, **changes) | {"user": "alice"}),
    ):
        assert answer.status == status
        location = URL(answer.headers.get("Location", ""))
        assert location.query.get("error", "") == error
        assert not error or location.host == "127.0.0.1"


async def test_without_a_callback_url_nobody_is_sent_anywhere(place: Place) -> None:
    place.sim.callback_urls = []
    assert (await show(place)).status == 400


async def test_only_people_sign_in_and_only_on_the_page_itself(place: Place) -> None:
    for user in ("", "nobody", "acme", "bellhop[bot]"):
        assert (await decide(place, wish(place) | {"user": user})).status == 400
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert (await decide(place, wish(place) | {"user": "alice"}, foreign)).status == 403


async def test_a_code_is_good_once(place: Place) -> None:
    code = await code_of(place)
    pair = await give(place, code=code, redirect_uri=BACK, code_verifier=VERIFIER)
    assert pair["access_token"].startswith("ghu_")
    assert pair["refresh_token"].startswith("ghr_")
    assert (pair["expires_in"], pair["refresh_token_expires_in"]) == (28800, 15811200)
    assert (pair["token_type"], pair["scope"]) == ("bearer", "")
    again = await give(place, code=code, redirect_uri=BACK, code_verifier=VERIFIER)
    assert again["error"] == "bad_verification_code"
    me = await place.call("GET", "/user", pair["access_token"])
    assert me.json["login"] == "alice"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "0" * 20}, "bad_verification_code"),
        ({"code_verifier": "w" * 43}, "bad_verification_code"),
        ({"code_verifier": ""}, "bad_verification_code"),
        ({"redirect_uri": "http://127.0.0.1:9/other"}, "redirect_uri_mismatch"),
        ({"client_secret": "wrong"}, "incorrect_client_credentials"),
        ({"client_id": "wrong"}, "incorrect_client_credentials"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "bad_refresh_token"),
    ],
)
async def test_refusals_of_codes_have_the_status_200(
    place: Place, changes: dict[str, str], error: str
) -> None:
    asked = {"code": await code_of(place), "redirect_uri": BACK, "code_verifier": VERIFIER}
    told = await give(place, **(asked | changes))
    assert told["error"] == error
    assert told["error_description"]


async def test_a_code_lives_ten_minutes(place: Place) -> None:
    code = await code_of(place)
    place.sim.now = lambda: utc_now() + CODE_LIFE
    told = await give(place, code=code, redirect_uri=BACK, code_verifier=VERIFIER)
    assert told["error"] == "bad_verification_code"


async def test_a_code_may_be_asked_for_without_a_challenge(place: Place) -> None:
    code = await code_of(place, code_challenge=None, code_challenge_method=None)
    assert "access_token" in await give(place, code=code)


async def test_forms_are_taken_and_given_too(place: Place) -> None:
    app, code = place.sim.app, await code_of(place)
    form = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "code": code,
        "code_verifier": VERIFIER,
    }
    url = f"{place.sim.url}/login/oauth/access_token"
    async with place.session.post(url, data=form) as answer:
        assert dict(parse_qsl(await answer.text()))["access_token"].startswith("ghu_")
    for raw in (b"{", b"[]", b'{"code": 1}'):
        headers = {"Content-Type": "application/json"}
        async with place.session.post(url, data=raw, headers=headers) as answer:
            assert dict(parse_qsl(await answer.text()))["error"] == "incorrect_client_credentials"


async def test_a_renewal_kills_both_old_tokens(place: Place) -> None:
    old = place.sim.people.give(place.sim.user("alice"))
    assert old.refresh is not None
    new = await give(place, grant_type="refresh_token", refresh_token=old.refresh)
    assert (await place.call("GET", "/user", old.access)).status == 401
    assert (await place.call("GET", "/user", new["access_token"])).status == 200
    again = await give(place, grant_type="refresh_token", refresh_token=old.refresh)
    assert again["error"] == "bad_refresh_token"
    assert (await place.call("GET", "/user", new["access_token"])).status == 200


async def test_tokens_end(place: Place) -> None:
    pair = place.sim.people.give(place.sim.user("alice"))
    place.sim.now = lambda: utc_now() + ACCESS_LIFE
    assert (await place.call("GET", "/user", pair.access)).status == 401
    place.sim.now = lambda: utc_now() + REFRESH_LIFE
    told = await give(place, grant_type="refresh_token", refresh_token=pair.refresh or "")
    assert told["error"] == "bad_refresh_token"


async def test_an_app_may_have_tokens_that_do_not_end(place: Place) -> None:
    place.sim.people.expiring = False
    told = await give(place, code=await code_of(place), code_verifier=VERIFIER)
    assert told.keys() == {"access_token", "scope", "token_type"}
    place.sim.now = lambda: utc_now() + timedelta(days=3650)
    assert (await place.call("GET", "/user", told["access_token"])).status == 200


async def test_people_see_the_installations_where_they_have_been_given_something(
    place: Place,
) -> None:
    sim = place.sim
    secret = sim.add_repository("secret/plans", private=True)
    sim.install(secret)
    own = sim.install(sim.add_repository("alice/notes"))
    sim.add_user("bob")

    async def seen(login: str) -> list[int]:
        token = sim.people.give(sim.user(login)).access
        answer = await place.call("GET", "/user/installations", token)
        assert answer.json["total_count"] == len(answer.json["installations"])
        return [one["id"] for one in answer.json["installations"]]

    assert await seen("alice") == [place.installation.id, own.id]
    assert await seen("bob") == [], "what everybody may read is nothing that was given"
    sim.add_member("secret", "bob", "admin")
    place.repo.set_role("bob", "none")
    assert len(await seen("bob")) == 1
    sim.uninstall(own)
    assert await seen("alice") == [place.installation.id]


async def test_people_see_repositories_with_what_they_may_do_there(place: Place) -> None:
    sim = place.sim
    sim.install(sim.add_repository("acme/hidden", private=True))
    token = sim.people.give(sim.user("alice")).access
    path = f"/user/installations/{place.installation.id}/repositories"
    answer = await place.call("GET", path, token)
    (shown,) = answer.json["repositories"]
    assert (shown["full_name"], answer.json["total_count"]) == ("acme/widgets", 1)
    assert shown["permissions"] == {
        "pull": True,
        "triage": True,
        "push": True,
        "maintain": False,
        "admin": False,
    }
    sim.add_member("acme", "alice", "admin")
    assert (await place.call("GET", path, token)).json["total_count"] == 2
    sim.add_user("bob")
    stranger = sim.people.give(sim.user("bob")).access
    for number in (place.installation.id, 1):
        url = f"/user/installations/{number}/repositories"
        assert (await place.call("GET", url, stranger)).status == 404


async def test_memberships_are_told_where_the_owner_grants_it(place: Place) -> None:
    sim = place.sim
    token = sim.people.give(sim.user("alice")).access
    sim.add_member("acme", "alice")
    sim.add_member("elsewhere", "alice")
    orgs = await place.call("GET", "/user/orgs", token)
    assert [one["login"] for one in orgs.json] == ["acme"]
    path = "/user/memberships/orgs"
    assert (await place.call("GET", f"{path}/acme", token)).status == 403
    place.installation.permissions["members"] = "read"
    assert (await place.call("GET", f"{path}/acme", token)).json["role"] == "member"
    sim.add_user("bob")
    stranger = sim.people.give(sim.user("bob")).access
    for who, org in ((stranger, "acme"), (token, "elsewhere"), (token, "none")):
        assert (await place.call("GET", f"{path}/{org}", who)).status == 404


async def test_a_person_reads_what_they_and_the_app_may(place: Place) -> None:
    sim = place.sim
    private = sim.add_repository("acme/hidden", private=True)
    outside = sim.add_repository("other/hidden", private=True)
    for repo in (private, outside):
        repo.set_role("alice", "write")
    public = sim.add_repository("other/open")
    sim.install(private)
    for repo in (place.repo, private, outside, public):
        sim.open_issue(repo, author="alice", title="T")
    token = sim.people.give(sim.user("alice")).access
    sim.add_user("bob")
    stranger = sim.people.give(sim.user("bob")).access

    async def status(path: str, who: str = token, method: str = "GET") -> int:
        return (await place.call(method, f"/repos/{path}", who, body=None)).status

    for path in ("acme/widgets", "acme/hidden", "other/open"):
        assert await status(f"{path}/issues/1") == 200
    assert await status("other/hidden/issues/1") == 404
    assert await status("acme/hidden/issues/1", stranger) == 404
    assert await status("acme/widgets/issues/1", stranger) == 200
    assert await status("acme/widgets/issues/1/comments", method="POST") == 403
    del place.installation.permissions["issues"]
    del place.installation.permissions["pull_requests"]
    assert await status("acme/widgets/issues/1") == 403


async def test_only_people_ask_in_their_own_name(place: Place) -> None:
    assert (await place.call("GET", "/user")).status == 401
    assert (await place.call("GET", "/user", "ghu_none")).status == 401
    assert (await place.call("GET", "/user", await place.token())).status == 403
    assert (await place.call("GET", "/user", headers=place.client_headers)).status == 403
    issue = "/repos/acme/widgets/issues/1"
    assert (await place.call("GET", issue, headers=place.client_headers)).status == 403


async def test_the_app_checks_and_ends_its_peoples_tokens(place: Place) -> None:
    sim, headers = place.sim, place.client_headers
    one, two = (sim.people.give(sim.user("alice")) for _ in range(2))
    path = f"/applications/{sim.app.client_id}"

    async def status(method: str, what: str, token: object, sent: Any = headers) -> int:
        body = {"access_token": token}
        return (await place.call(method, f"{path}/{what}", body=body, headers=sent)).status

    assert await status("POST", "token", one.access) == 200
    assert await status("POST", "token", "ghu_none") == 404
    assert await status("POST", "token", 1) == 422
    wrong = {"Authorization": aiohttp.encode_basic_auth(sim.app.client_id, "wrong")}
    for sent in (wrong, {}, {"Authorization": f"Bearer {one.access}"}):
        assert await status("POST", "token", one.access, sent) == 401
    assert await status("DELETE", "token", "ghu_none") == 422
    assert await status("DELETE", "token", one.access) == 204
    assert await status("POST", "token", one.access) == 404
    assert await status("POST", "token", two.access) == 200
    other = await place.call(
        "POST", "/applications/other/token", body={"access_token": "x"}, headers=headers
    )
    assert other.status == 404
    assert await status("DELETE", "grant", two.access) == 204
    assert await status("POST", "token", two.access) == 404


async def test_who_takes_back_their_consent_has_no_token_any_more(place: Place) -> None:
    pair = place.sim.people.give(place.sim.user("alice"))
    place.sim.add_user("bob")
    other = place.sim.people.give(place.sim.user("bob"))
    place.sim.revoke_authorization("alice")
    assert (await place.call("GET", "/user", pair.access)).status == 401
    assert (await place.call("GET", "/user", other.access)).status == 200
