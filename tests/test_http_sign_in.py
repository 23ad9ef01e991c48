"""Sign-in with GitHub, and all that is tried to come in without."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs
from yarl import URL

from bot.http.access import PLAIN_COOKIE
from bot.http.limiting import Limits
from bot.http.own_path import is_own, own_path
from bot.http.sign_in_words import OF_GITHUB, WORDS, word_of
from bot.keys import digest
from simulator import Fault
from simulator.people import challenge_of
from tests.door import HTTPS
from tests.http_sign_in import PAGE, another, at_the_door, good_pairs
from tests.http_tasks import Reply
from tests.signed_in import sign_in
from tests.story import Stage, until

BEGUN = f"{PLAIN_COOKIE}-sign-in"
JSON = {"Accept": "application/json"}
CALLBACK = "/api/auth/github/callback"


def problem_of(answer: Reply) -> str:
    """The word that a person is told on the page."""
    assert answer.status == 303, answer.raw
    location = URL(answer.headers["Location"])
    assert location.path == "/sign-in"
    assert not location.is_absolute()
    return location.query["problem"]


async def test_somebody_signs_in(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        page = await alice.begin()
        assert f"{page.with_query({})}" == f"{alice.stage.sim.url}/login/oauth/authorize"
        assert page.query["redirect_uri"] == f"{alice.url}{CALLBACK}"
        assert page.query["code_challenge_method"] == "S256"
        assert "scope" not in page.query
        assert "secret" not in str(page)
        answer = await alice.get(await alice.agree(page, "alice"))
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        assert (answer.headers["Cache-Control"], answer.raw) == ("no-store", b"")
        assert list(alice.cookies) == [PLAIN_COOKIE]
        (session,) = await alice.sessions("alice")
        assert session.person == alice.person("alice")
        assert session.agent.startswith("Python/")
        keys = await alice.get("/api/keys", JSON)
        assert (keys.status, keys.body) == (200, {"keys": []})


async def test_each_sign_in_has_secrets_of_its_own(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        pages = [await alice.begin() for _ in range(2)]
        states = {page.query["state"] for page in pages}
        challenges = {page.query["code_challenge"] for page in pages}
        assert len(states) == len(challenges) == 2
        assert all(len(one) >= 43 for one in states | challenges)
        held = alice.cookies[BEGUN]
        assert pages[1].query["state"] not in held, "the cookie is encrypted"


async def test_the_cookies_are_for_this_host_and_no_script(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        await alice.sign_in("alice")
        begun, session, ended = alice.set
        kept = {"HttpOnly", "Path=/", "SameSite=Lax"}
        assert set(begun.split("; ")[1:]) == kept | {"Max-Age=600"}
        assert set(session.split("; ")[1:]) == kept | {"Max-Age=2592000"}
        assert ended.startswith(f'{BEGUN}=""')
        assert "Max-Age=0" in ended


async def test_over_https_the_cookies_are_secure(tmp_path: Path) -> None:
    async with at_the_door(tmp_path, base_url=HTTPS) as alice:
        callback = f"{HTTPS}{CALLBACK}"
        alice.stage.sim.callback_urls = [callback]
        page = await alice.begin()
        assert page.query["redirect_uri"] == callback
        code = alice.stage.sim.people.agree(
            alice.stage.sim.user("alice"), callback, page.query["code_challenge"]
        )
        await alice.get(f"{CALLBACK}?code={code}&state={page.query['state']}")
        assert list(alice.cookies) == ["__Host-bellhop"]
        for text in alice.set:
            assert {"HttpOnly", "Secure", "Path=/", "SameSite=Lax"} <= set(text.split("; "))
            assert text.startswith("__Host-bellhop")
            assert "Domain" not in text


async def test_by_plain_http_beyond_this_machine_nobody_signs_in(tmp_path: Path) -> None:
    async with at_the_door(tmp_path, base_url="http://bellhop.test") as alice:
        assert problem_of(await alice.get("/api/auth/github")) == "https"


async def test_a_sign_in_begins_where_it_will_end(tmp_path: Path) -> None:
    """Cookies of `localhost` are not sent to 127.0.0.1, to which GitHub sends people back."""
    async with at_the_door(tmp_path) as alice:
        port = alice.stage.settings.port
        begin = "/api/auth/github?next=/plots%3Fa%3Db"
        for host in (f"localhost:{port}", f"[::1]:{port}", f"127.0.0.2:{port}"):
            answer = await alice.get(begin, PAGE | {"Host": host})
            location = URL(answer.headers["Location"])
            assert str(location.with_query({})) == f"{alice.url}/api/auth/github"
            assert location.query == {"next": "/plots?a=b"}
            assert alice.set == []
        for host in ("localhost:1", "evil.test", "x:y", "[a]@", f"evil.test:{port}"):
            answer = await alice.get(begin, PAGE | {"Host": host})
            assert answer.headers["Location"].startswith(alice.stage.sim.url)


# --- where a sign-in leads


OWN = ["/", "/tasks/new", "/settings/keys?a=b&c=%2F%2Fd", "/a//b", "/%2F%2Fevil", "/a#b", "/...a"]
FOREIGN = [
    *("", "a", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "/a\\b"),
    *("https:evil.test", "https://evil.test", "HTTPS:/evil.test", "javascript:alert(1)"),
    *("/\t/evil.test", "/\n/evil.test", "\t//evil.test", " //evil.test", "/ /evil.test"),
    *("/a\r\nSet-Cookie: a=b", "/\x00", "/\x7f", "/é", "/\u2028", "\ufeff//evil.test"),
    *("/.//evil.test", "/a/..//evil.test", "/%2e//evil.test", "/%2E%2e//x", "/..", "/./"),
    "/" + "a" * 2_000,
]


def test_paths_of_ours_are_told_from_others() -> None:
    assert [own_path(one) for one in OWN] == OWN
    assert [one for one in FOREIGN if is_own(one) or own_path(one) != "/"] == []


async def test_a_sign_in_ends_where_it_was_to_end(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        for path in ("/tasks/new?repository=acme%2Fwidgets&n=1", "/%2F%2Fevil", "/a#b"):
            begin = str(URL("/api/auth/github").with_query(next=path))
            answer = await alice.sign_in("alice", begin)
            assert answer.headers["Location"] == path


async def test_no_sign_in_leads_to_another_site(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        for path in FOREIGN[1:]:
            begin = str(URL("/api/auth/github").with_query(next=path))
            assert problem_of(await alice.get(begin)) == "next", path
            told = await alice.get(begin, JSON)
            assert (told.status, told.body["code"]) == (400, "next")
        assert alice.set == []


async def test_what_the_cookie_says_cannot_be_made_up(tmp_path: Path) -> None:
    """An open redirect or a known state by a cookie of one's own: it is not encrypted by us."""
    async with at_the_door(tmp_path) as alice:
        page = await alice.begin()
        good = alice.cookies[BEGUN]
        made_up = json.dumps({"state": "s", "verifier": "v", "next": "//evil.test"})
        for held in (made_up, good[:-2] + "AA", good[:40], "x" * 5_000, "\xff", "", good.lower()):
            alice.cookies[BEGUN] = held
            answer = await alice.get(f"{CALLBACK}?code={'0' * 20}&state={page.query['state']}")
            assert problem_of(answer) == "expired"
        foreign = alice.stage.bot.vault.seal("no sign-in")
        alice.cookies[BEGUN] = foreign.decode()
        assert problem_of(await alice.get(f"{CALLBACK}?code=c&state=s")) == "expired"


# --- forged, replayed, stolen


async def test_a_forged_state_is_refused(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        page = await alice.begin("/api/auth/github?next=/plots")
        back = URL(await alice.agree(page, "alice"))
        for state in ("", "x", back.query["state"][:-1], back.query["state"] + "x", "\udcff"):
            query = {"code": back.query["code"]} | ({"state": state} if state else {})
            path = f"{CALLBACK}?code={query['code']}&state=" + (
                "%FF" if state == "\udcff" else state
            )
            answer = await alice.get(path)
            assert problem_of(answer) == "state"
            assert URL(answer.headers["Location"]).query["next"] == "/plots"
        assert await alice.sessions("alice") == ()
        answer = await alice.get(str(back))
        assert answer.headers["Location"] == "/plots", "the forgeries have ended nothing"


async def test_nobody_is_signed_in_as_somebody_else(tmp_path: Path) -> None:
    """Somebody sends their own way back to another person, who has begun a sign-in or has not."""
    async with at_the_door(tmp_path) as mallory:
        back = await mallory.agree(await mallory.begin(), "visitor")
        alice = another(mallory)
        assert problem_of(await alice.get(back)) == "expired"
        await alice.begin()
        assert problem_of(await alice.get(back)) == "state"
        assert PLAIN_COOKIE not in alice.cookies
        assert await alice.sessions("visitor") == ()


async def test_a_way_back_works_once(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        back = await alice.agree(await alice.begin(), "alice")
        held = alice.cookies[BEGUN]
        await alice.get(back)
        assert problem_of(await alice.get(back)) == "expired", "the cookie is gone"
        alice.cookies[BEGUN] = held
        assert problem_of(await alice.get(back)) == "used"
        assert len(await alice.sessions("alice")) == 1


async def test_a_way_back_that_comes_twice_at_once_works_once(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        back = await alice.agree(await alice.begin(), "alice")
        answers = await asyncio.gather(*(alice.get(back) for _ in range(4)))
        ends = sorted(one.headers["Location"] for one in answers)
        assert ends == ["/", *["/sign-in?problem=used"] * 3]
        asked = [one for one in alice.stage.sim.requests if one.path.endswith("/access_token")]
        assert len(asked) == 1


async def test_a_code_that_was_used_elsewhere_is_refused(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        first = URL(await alice.agree(await alice.begin(), "alice"))
        await alice.get(str(first))
        page = await alice.begin()
        path = f"{CALLBACK}?code={first.query['code']}&state={page.query['state']}"
        assert problem_of(await alice.get(path)) == "code"


async def test_a_stolen_code_is_of_no_use_without_the_verifier(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        back = URL(await alice.agree(await alice.begin(), "alice"))
        mallory = another(alice)
        page = await mallory.begin()
        path = f"{CALLBACK}?code={back.query['code']}&state={page.query['state']}"
        assert problem_of(await mallory.get(path)) == "code"
        assert await alice.sessions("alice") == ()


async def test_a_session_from_before_the_sign_in_does_not_survive_it(tmp_path: Path) -> None:
    """Somebody plants a cookie of theirs, or one they made up, and waits for a sign-in."""
    async with at_the_door(tmp_path) as alice:
        stage = alice.stage
        theirs = await sign_in(stage.bot.store, alice.person("visitor"), stage.clock)
        planted = theirs["Cookie"].partition("=")[2]
        for value in (planted, "made-up-by-somebody", 'x"\xff'):
            alice.cookies[PLAIN_COOKIE] = value
            await alice.sign_in("alice")
            assert alice.cookies[PLAIN_COOKIE] != value
            thief = another(alice)
            thief.cookies[PLAIN_COOKIE] = value
            assert (await thief.get("/api/keys", JSON)).status == 401
        assert await alice.sessions("visitor") == ()


async def test_a_second_sign_in_in_the_same_browser_ends_the_first_session(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        await alice.sign_in("alice")
        first = alice.cookies[PLAIN_COOKIE]
        await alice.sign_in("alice")
        assert len(await alice.sessions("alice")) == 1
        await another(alice).sign_in("alice")
        assert len(await alice.sessions("alice")) == 2, "other browsers stay signed in"
        thief = another(alice)
        thief.cookies[PLAIN_COOKIE] = first
        assert (await thief.get("/api/keys", JSON)).status == 401


async def test_the_sessions_secret_is_not_kept(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        await alice.sign_in("alice")
        cookie = alice.cookies[PLAIN_COOKIE]
        pair = alice.stage.sim.people.pairs[-1]
        await alice.stage.stop()
        kept = b"".join(
            one.read_bytes() for one in alice.stage.settings.data.iterdir() if one.is_file()
        )
        assert digest(cookie) in kept
        for secret in (cookie, pair.access, pair.refresh or "none"):
            assert secret.encode() not in kept


# --- what GitHub says


async def test_whoever_does_not_agree_is_not_signed_in(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        back = await alice.agree(await alice.begin(), "1", button="refuse")
        answer = await alice.get(back)
        assert problem_of(answer) == "denied"
        page = await alice.begin()
        told = await alice.get(f"{CALLBACK}?error=access_denied&state={page.query['state']}", JSON)
        assert (told.status, told.body["code"]) == (403, "denied")
        assert await alice.sessions("alice") == ()


@pytest.mark.parametrize(
    ("error", "word"),
    [
        ("redirect_uri_mismatch", "callback_url"),
        ("application_suspended", "suspended"),
        ("something_new", "refused"),
        ("line%0A2026%20forged", "refused"),
    ],
)
async def test_what_github_calls_wrong_is_told_in_our_words(
    tmp_path: Path, error: str, word: str
) -> None:
    async with at_the_door(tmp_path) as alice:
        page = await alice.begin()
        path = f"{CALLBACK}?error={error}&error_description=%3Cscript%3E&state="
        told = await alice.get(path + page.query["state"], JSON)
        assert (told.status, told.body["code"]) == (503, word)
        assert b"script" not in told.raw


async def test_an_error_that_anybody_may_have_written_is_not_believed(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        assert problem_of(await alice.get(f"{CALLBACK}?error=access_denied")) == "expired"
        await alice.begin()
        assert problem_of(await alice.get(f"{CALLBACK}?error=x&state=y")) == "state"


@pytest.mark.parametrize("code", ["", "a b", "é", "x" * 256, "a%00b", "../x"])
async def test_what_is_no_code_is_not_sent_to_github(tmp_path: Path, code: str) -> None:
    async with at_the_door(tmp_path) as alice:
        page = await alice.begin()
        query = {"state": page.query["state"]} | ({"code": code} if code else {})
        answer = await alice.get(str(URL(CALLBACK).with_query(query)))
        assert problem_of(answer) == "code"
        assert not [one for one in alice.stage.sim.requests if "access_token" in one.path[-12:]]


def _unknown_to_github(stage: Stage) -> None:
    stage.settings = stage.settings.model_copy(update={"client_secret": SecretStr("wrong")})


async def test_a_wrong_client_secret_is_the_operators_to_mend(tmp_path: Path) -> None:
    async with at_the_door(tmp_path, prepare=_unknown_to_github) as alice:
        answer = await alice.sign_in("alice")
        assert problem_of(answer) == "client"


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
async def test_without_the_apps_secret_nobody_signs_in(tmp_path: Path, missing: str) -> None:
    value = "" if missing == "client_id" else None
    async with at_the_door(tmp_path, **{missing: value}) as alice:
        assert problem_of(await alice.get("/api/auth/github")) == "not_configured"
        told = await alice.get("/api/auth/github", JSON)
        assert (told.status, told.body["code"]) == (503, "not_configured")
        assert "BELLHOP_CLIENT_SECRET" in told.body["detail"]


@pytest.mark.parametrize("path", ["/login/oauth/access_token", "/user"])
async def test_a_github_that_does_not_answer_is_told_so(tmp_path: Path, path: str) -> None:
    async with at_the_door(tmp_path) as alice:
        back = await alice.agree(await alice.begin(), "alice")
        alice.stage.sim.faults.add(Fault(path=path, kind="status", status=502, times=9))
        assert problem_of(await alice.get(back)) == "github"
        assert await alice.sessions("alice") == ()
        await until(lambda: not good_pairs(alice), "the end of a token that nobody has")
        alice.stage.sim.faults.clear()
        assert (await alice.sign_in("alice")).headers["Location"] == "/"


async def test_a_sign_in_takes_ten_minutes_at_most(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        back = await alice.agree(await alice.begin(), "alice")
        alice.stage.clock.offset += timedelta(minutes=10)
        assert problem_of(await alice.get(back)) == "expired"


async def test_a_session_ends_after_thirty_days(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        await alice.sign_in("alice")
        alice.stage.clock.offset += timedelta(days=29, hours=23)
        assert (await alice.get("/api/keys", JSON)).status == 200
        alice.stage.clock.offset += timedelta(hours=1)
        assert (await alice.get("/api/keys", JSON)).status == 401


async def test_tries_are_limited(tmp_path: Path) -> None:
    def few(stage: Stage) -> None:
        stage.tempo = type(stage.tempo)(
            clock=stage.clock, github_clock=stage.clock, limits=Limits(sign_ins=2)
        )

    async with at_the_door(tmp_path, prepare=few) as alice:
        for word in ("code", "code", "too_many"):
            page = await alice.begin()
            path = f"{CALLBACK}?code={'0' * 20}&state={page.query['state']}"
            assert problem_of(await alice.get(path)) == word
        page = await alice.begin()
        path = f"{CALLBACK}?code={'0' * 20}&state={page.query['state']}"
        refused = await alice.get(path, JSON)
        assert (refused.status, refused.body["code"]) == (429, "too_many")
        assert int(refused.headers["Retry-After"]) >= 1


async def test_errors_that_anybody_may_have_written_are_limited_too(tmp_path: Path) -> None:
    def few(stage: Stage) -> None:
        stage.tempo = type(stage.tempo)(
            clock=stage.clock, github_clock=stage.clock, limits=Limits(sign_ins=2)
        )

    async with at_the_door(tmp_path, prepare=few) as alice:
        with capture_logs() as told:
            for word in ("refused", "refused", "too_many"):
                state = (await alice.begin()).query["state"]
                answer = await alice.get(f"{CALLBACK}?error=made_up&state={state}")
                assert problem_of(answer) == word
        assert [one["event"] for one in told].count("a sign-in failed") == 2


async def test_who_is_to_sign_in_may_be_suggested(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        page = await alice.begin("/api/auth/github?login=alice")
        assert page.query["login"] == "alice"
        for login in ("", "a b", "a&b", "x" * 40):
            begin = str(URL("/api/auth/github").with_query(login=login))
            assert "login" not in (await alice.begin(begin)).query


async def test_a_browser_may_call_itself_anything(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        back = await alice.agree(await alice.begin(), "alice")
        await alice.get(back, PAGE | {"User-Agent": "A" * 300 + "\x80"})
        (session,) = await alice.sessions("alice")
        assert session.agent == "A" * 200


async def test_without_a_place_to_store_it_there_is_no_session(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        back = await alice.agree(await alice.begin(), "alice")
        await alice.stage.bot.store.close()
        assert problem_of(await alice.get(back)) == "storage"
        assert len(alice.stage.sim.people.pairs) == 1
        await until(lambda: not good_pairs(alice), "the end of a token that nobody keeps")
        back = await alice.agree(await alice.begin(), "alice")
        told = await alice.get(back, JSON)
        assert (told.status, told.body["code"]) == (503, "storage_failed")
        assert PLAIN_COOKIE not in alice.cookies


# --- the words


def test_every_word_says_what_to_do() -> None:
    for word, told in WORDS.items():
        assert re.fullmatch(r"[a-z_]+", word)
        assert told.title.endswith(".")
        assert told.remedy.endswith(".")
        assert told.status in {400, 403, 404, 429, 503}
        assert word_of(word) == word
    assert set(OF_GITHUB.values()) <= set(WORDS)
    assert word_of("<script>") is None


def test_the_challenge_is_as_rfc_7636_has_it() -> None:
    from bot.http.sign_in import challenge_of as ours  # noqa: PLC0415 - beside the other one

    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert ours(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert challenge_of(verifier) == ours(verifier)


async def test_the_page_says_why_in_fixed_words(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        for word, told in WORDS.items():
            shown = (await alice.get(f"/sign-in?problem={word}")).raw.decode()
            assert told.title.replace("'", "&#39;") in shown
        for odd in ("%3Cscript%3E", "nothing", ""):
            shown = (await alice.get(f"/sign-in?problem={odd}")).raw.decode()
            assert "is-bad" not in shown
            assert "script>alert" not in shown
        await alice.sign_in("alice")
        assert (await alice.get("/sign-in?next=/plots")).headers["Location"] == "/plots"
        assert (await alice.get("/sign-in?problem=installation")).status == 200
