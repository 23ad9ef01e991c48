"""Whom the set-up page refuses, and what it says when something goes wrong."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr
from yarl import URL

from bot.demo.children import started
from bot.github.making import NewApp
from bot.http.setup import SetupDesk
from bot.http.setup_gate import Gate, new_code
from bot.set_up import address
from bot.settings import Settings
from bot.stored_app import with_stored
from bot.vault import WrongKey
from simulator import Fault
from simulator.faults import Kind
from storage import StorageFailed
from tests.bot_processes import bellhop
from tests.plain_browser import Page, browsing
from tests.setup_stage import GREEN, Setting, setting
from tests.story import Clock, until

TUNNEL = "ring.tunnel.test"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Setting]:
    async with setting(tmp_path) as made:
        yield made


async def post(place: Setting, path: str, headers: dict[str, str], **form: str) -> tuple[int, str]:
    """Send a form past the pages, with the browser's cookies."""
    async with place.browser.session.post(
        f"{place.url}{path}", data=form, headers=headers, allow_redirects=False
    ) as answer:
        return answer.status, await answer.text()


def ours(place: Setting) -> dict[str, str]:
    return {"Origin": place.url, "Sec-Fetch-Site": "same-origin"}


async def test_the_log_has_the_address_and_the_code(place: Setting) -> None:
    (line,) = place.said("waiting to be set up")
    assert line["url"] == f"{place.url}/setup"
    assert re.fullmatch(r"([2-9A-HJ-NP-Z]{4}-){2}[2-9A-HJ-NP-Z]{4}", line["code"])
    assert line["log_level"] == "warning", "shown whatever the level is"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8080"),
        ({"host": "::", "port": 80}, "http://127.0.0.1"),
        ({"host": "::1"}, "http://[::1]:8080"),
        ({"host": "0.0.0.0", "base_url": "https://bellhop.test"}, "https://bellhop.test"),
    ],
)
def test_the_log_names_an_address_that_leads_there(
    settings: dict[str, object], expected: str
) -> None:
    assert address(Settings.model_validate(settings)) == expected


async def test_without_the_code_nothing_is_shown(place: Setting) -> None:
    page = await place.browser.open(f"{place.url}/setup?change")
    assert (page.status, "Public address" in page.text) == (200, False)
    assert (await post(place, "/setup/app", ours(place), public_url="https://x.test"))[0] == 303
    for query in ("", "?code=x&state=", "?code=x&state=y"):
        created = await place.browser.open(f"{place.url}/setup/created{query}")
        assert created.status == 403
    assert place.sim.requests == []


async def test_a_code_is_taken_as_people_type_it(place: Setting) -> None:
    typed = f" {place.code.lower().replace('-', ' ')} "
    page = await place.browser.open(f"{place.url}/setup")
    assert "Public address" in (await place.browser.send(page, code=typed)).text


async def test_a_browser_is_led_to_it(place: Setting) -> None:
    page = await place.browser.open(place.url, Accept="text/html,*/*")
    assert (page.url.path, page.status) == ("/setup", 200)
    assert (await place.browser.open(place.url, Accept="text/html", Host=TUNNEL)).status == 421
    assert (await place.browser.open(place.url, Accept="application/json")).status == 503


async def test_wrong_codes_take_the_right_one_from_nobody(place: Setting) -> None:
    page = await place.browser.open(f"{place.url}/setup")
    for code in ("", "é", "0" * 300, *(new_code() for _ in range(20))):
        wrong = await place.browser.send(page, code=code)
        assert wrong.status == 403
        assert "not the code" in wrong.text
    assert len(place.said("waiting to be set up")) == 1, "a stranger fills no log"
    assert "Public address" in (await place.browser.send(page, code=place.code)).text


async def test_the_cookie_is_for_this_browser_alone(place: Setting) -> None:
    async with place.browser.session.post(
        f"{place.url}/setup/code",
        data={"code": place.code},
        headers=ours(place),
        allow_redirects=False,
    ) as answer:
        cookie = answer.cookies["bellhop-setup"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert len(cookie.value) > 40
    async with browsing() as other:
        page = await other.open(f"{place.url}/setup", Cookie="bellhop-setup=guessed")
        assert "Public address" not in page.text


async def test_it_has_no_other_names_than_its_own(place: Setting) -> None:
    """A page of somebody else's whose name leads here reads nothing, and neither does a tunnel."""
    await place.let_in()
    for host in (
        "evil.test",
        TUNNEL,
        f"{TUNNEL}:443",
        "127.0.0.1.evil.test",
        "10.0.0.1",
        "a b[",
        "[a]@",
    ):
        for path in ("/setup", "/setup/created?code=x&state=y"):
            page = await place.browser.open(f"{place.url}{path}", Host=host)
            assert page.status in {400, 421}, host
            assert "<form" not in page.text
        status, _ = await post(place, "/setup/code", {"Host": host, **ours(place)}, code="x")
        assert status in {400, 421}
    for host in ("localhost:1", "127.9.9.9", "[::1]:8080"):
        assert (await place.browser.open(f"{place.url}/setup", Host=host)).status == 200


async def test_a_tunnel_that_the_operator_named_is_let_in_with_the_code(tmp_path: Path) -> None:
    async with setting(tmp_path, base_url=f"https://{TUNNEL}") as place:
        (line,) = place.said("waiting to be set up")
        assert line["url"] == f"https://{TUNNEL}/setup"
        there = {"Host": TUNNEL}
        assert (
            "Public address" not in (await place.browser.open(f"{place.url}/setup", **there)).text
        )
        headers = {**there, "Origin": f"https://{TUNNEL}"}
        async with place.browser.session.post(
            f"{place.url}/setup/code",
            data={"code": place.code},
            headers=headers,
            allow_redirects=False,
        ) as answer:
            assert answer.status == 303
            cookie = answer.cookies["__Host-bellhop-setup"]
        assert cookie["secure"] is True
        assert (await place.browser.open(f"{place.url}/setup")).status == 200, "its own name, too"
        assert (await place.browser.open(f"{place.url}/setup", Host="evil.test")).status == 421
        there["Cookie"] = f"__Host-bellhop-setup={cookie.value}"
        page = await place.browser.open(f"{place.url}/setup", **there)
        assert f'value="https://{TUNNEL}"' in page.text
        assert "readonly" in page.text
        status, _ = await post(
            place, "/setup/app", {**headers, **there}, public_url="https://evil.test", name="R"
        )
        assert status == 303
        page = await place.browser.open(f"{place.url}/setup", **there)
        assert f'"redirect_url": "https://{TUNNEL}/setup/created"' in page.form.fields["manifest"]
        assert f'"url": "https://{TUNNEL}"' in page.form.fields["manifest"]
        assert page.form.action.startswith(f"{place.sim.url}/settings/apps/new?state=")


@pytest.mark.parametrize("path", ["/setup/code", "/setup/app"])
@pytest.mark.parametrize(
    ("media", "body", "status"),
    [
        ("multipart/form-data", b"code=x", 415),
        ("multipart/form-data; boundary=a", b"--a\r\n", 415),
        ("text/plain", b"code=x", 415),
        ("application/x-www-form-urlencoded", b"code=\xff&name=\xff", 400),
        ("application/x-www-form-urlencoded", b"&".join([b"a=b"] * 300), 400),
    ],
)
async def test_what_is_no_form_is_told_so(
    place: Setting, path: str, media: str, body: bytes, status: int
) -> None:
    await place.let_in()
    headers = ours(place) | {"Content-Type": media}
    async with place.browser.session.post(
        f"{place.url}{path}", data=body, headers=headers
    ) as answer:
        assert answer.status == status


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_forms_of_other_sites_are_refused(place: Setting, headers: dict[str, str]) -> None:
    await place.let_in()
    status, text = await post(place, "/setup/app", headers, public_url="https://x.test")
    assert (status, '"cross_site"' in text) == (403, True)
    assert (await post(place, "/setup/code", headers, code="x"))[0] == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("public_url", ""),
        ("public_url", "bellhop.test"),
        ("public_url", "ftp://bellhop.test"),
        ("public_url", "https://bellhop.test/below"),
        ("public_url", "https://user@bellhop.test"),
        ("public_url", "https://bellhop.test/?x=1"),
        ("public_url", "https://[bellhop"),
        ("public_url", "https://[a]@"),
        ("public_url", "https://bell hop.test"),
        ("public_url", "http://bellhop.test"),
        ("name", "x" * 35),
        ("name", "a\u202eb"),
        ("organisation", "no/organisation"),
        ("organisation", "-x"),
    ],
)
async def test_what_is_wrong_is_told_beside_its_field(
    place: Setting, field: str, value: str
) -> None:
    page = await place.browser.send(
        await place.let_in(), **{"public_url": "https://bellhop.test", field: value}
    )
    assert page.status == 422
    assert f'id="{field}-wrong"' in page.text
    assert page.text.count('aria-invalid="true"') == 1
    assert "confirm" not in page.text


async def test_a_github_far_away_cannot_reach_this_machine(tmp_path: Path) -> None:
    async with setting(tmp_path, github_url="https://github.com") as place:
        asked = await place.let_in()
        assert asked.form.fields["public_url"] == ""
        page = await place.browser.send(asked, public_url="http://localhost:8080")
        assert (page.status, "a tunnel that leads here" in page.text) == (422, True)
        page = await place.browser.send(asked, public_url="https://bellhop.test/")
        assert page.form.action.startswith("https://github.com/settings/apps/new?state=")
        assert page.may_send_to(URL("https://github.com/settings/apps/new"))
        assert not page.may_send_to(URL("https://evil.test"))
        assert not page.may_send_to(URL(place.url))
        assert page.headers["Referrer-Policy"] == "strict-origin"


async def back(place: Setting, **query: str) -> Page:
    """GitHub, or somebody else, sends the browser back."""
    return await place.browser.open(
        URL(f"{place.url}/setup/created").with_query(query), **{"Sec-Fetch-Site": "cross-site"}
    )


async def state_of(page: Page) -> str:
    return URL(page.form.action).query["state"]


async def test_a_forged_state_stores_nothing(place: Setting) -> None:
    await place.to_github()
    page = await back(place, code="a" * 40, state="forged")
    assert page.status == 403
    assert "has not asked for that App" in page.text
    assert place.sim.requests == []


async def test_a_state_is_good_in_its_own_browser_only(place: Setting) -> None:
    state = await state_of(await place.to_github())
    async with browsing() as other:
        page = await other.open(URL(f"{place.url}/setup/created?code=x&state={state}"))
        assert page.status == 403
    assert place.sim.requests == []


async def test_a_state_ends_with_its_hour(place: Setting) -> None:
    state = await state_of(await place.to_github())
    place.clock.offset += timedelta(hours=1)
    assert (await back(place, code="x", state=state)).status == 403


async def test_a_state_stays_the_same_until_it_is_used(place: Setting) -> None:
    state = await state_of(await place.to_github())
    assert await state_of(await place.browser.open(f"{place.url}/setup")) == state
    assert (await back(place, state=state)).status == 400
    assert (await back(place, state=state, code="x" * 201)).status == 400
    refused = await back(place, state=state, code="nobody-knows-it")
    assert refused.status == 502
    assert "once" in refused.text
    assert (await back(place, state=state, code="x")).status == 403, "a replay"
    assert await state_of(await place.browser.open(f"{place.url}/setup")) != state
    (record,) = place.sim.requests
    assert (record.path, record.status) == ("/app-manifests/nobody-knows-it/conversions", 404)


async def test_a_code_of_github_works_once_and_for_an_hour(place: Setting) -> None:
    page = await place.to_github()
    manifests = place.sim._backend.manifests
    owner = place.sim.user("alice")
    code = manifests.make(manifests.check(page.form.fields["manifest"]), owner)
    place.clock.offset += timedelta(minutes=59)
    state = await state_of(page)
    late = manifests.make(
        manifests.check(page.form.fields["manifest"].replace("g Ring", "y")), owner
    )
    place.clock.offset += timedelta(hours=1)
    assert manifests.take(late) is None
    assert manifests.take(code) is None
    assert (await back(place, state=state, code=code)).status == 403


@pytest.mark.parametrize("kind", ["status", "cut_before", "rate_limited"])
async def test_when_github_is_silent_the_same_address_works_later(
    tmp_path: Path, kind: Kind
) -> None:
    async with setting(tmp_path, **GREEN) as place:
        github = await place.browser.send(await place.to_github())
        place.sim.faults.add(Fault(path="/app-manifests", kind=kind, status=502))
        failed = await place.browser.send(github)
        assert failed.status == 503
        assert "try again" in failed.text
        done = await place.browser.follow(failed, "Try again")
        assert (done.status, "goes on as ring-ring" in done.text) == (200, True)
        await until(place.ready, "a Bellhop that works")


async def test_what_cannot_be_stored_is_kept_for_another_try(tmp_path: Path) -> None:
    """GitHub gives the keys once: they must not be lost to a disk that is full."""
    made, kept = NewApp(1, "ring", "Iv", "https://x", *[SecretStr("s")] * 3), [MemoryError]

    async def convert(code: str) -> NewApp:
        return made if asked.append(code) is None and len(asked) == 1 else pytest.fail("twice")

    async def keep(app: NewApp, url: str) -> None:
        if kept:
            kept.clear()
            raise StorageFailed("The disk is full.")
        stored.append((app, url))

    asked, stored, codes = [], [], []
    gate = Gate(codes.append, Clock())
    settings = Settings(github_url="http://127.0.0.1:1", github_api_url="http://127.0.0.1:1")
    desk = SetupDesk(settings, gate, convert, keep, (), Clock())
    app = web.Application()
    desk.register(app)
    async with TestServer(app) as server, browsing() as browser:
        url = str(server.make_url("/setup"))
        page = await browser.send(await browser.open(url), code=codes[0])
        page = await browser.send(page, public_url="http://127.0.0.1:1")
        created = URL(f"{url}/created").with_query(code="c", state=await state_of(page))
        failed = await browser.open(created)
        assert (failed.status, desk.done.is_set()) == (503, False)
        done = await browser.follow(failed, "Try again")
        assert (done.status, desk.done.is_set()) == (200, True)
        assert done.links["Install ring on GitHub"] == (
            "http://127.0.0.1:1/apps/ring/installations/new"
        ), "never to where a strange answer leads"
        assert (await browser.open(created)).status == 200, "a double click"
    assert stored == [(made, "http://127.0.0.1:1")] * 2


async def test_settings_win_over_what_is_stored(tmp_path: Path) -> None:
    async with setting(tmp_path, **GREEN) as place:
        await place.made()
        await until(place.ready, "a Bellhop that works")
        found = with_stored(place.settings)
        app = place.sim.app
        assert (found.app_id, found.client_id, found.public_url) == (
            *(app.app_id, app.client_id),
            place.url,
        )
        assert found.client_secret == SecretStr(app.client_secret)
        assert found.private_key == SecretStr(app.private_key_pem)
        own = {
            "webhook_secret": SecretStr("another"),
            "base_url": "https://bellhop.test",
            "private_key_file": tmp_path / "key.pem",
        }
        won = with_stored(place.settings.model_copy(update=own))
        assert {name: getattr(won, name) for name in own} == own
        assert won.private_key is None
        assert won.client_secret == found.client_secret
        for other in ({"app_id": app.app_id + 1}, {"client_id": "Iv-another"}):
            settings = place.settings.model_copy(update=other)
            assert with_stored(settings) is settings, "another App's secrets are of no use"


async def test_an_app_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    async with setting(tmp_path, **GREEN) as place:
        await place.made()
        await until(place.ready, "a Bellhop that works")
        await place.stop()
        settings, key = place.settings, tmp_path / "data" / "secret.key"
        other = settings.model_copy(update={"secret_key": SecretStr("k" * 32)})
        with pytest.raises(WrongKey, match="another BELLHOP_SECRET_KEY"):
            with_stored(other)
        environment = {"BELLHOP_DATA": str(tmp_path / "data"), "BELLHOP_SECRET_KEY": "k" * 32}
        code, _, errors = await bellhop(tmp_path, "serve", **environment)
        assert (code, "BELLHOP_SECRET_KEY" in errors) == (1, True)
        code, said, _ = await bellhop(tmp_path, "doctor", **environment)
        assert code == 1
        assert "problem    stored App" in said
        key.rename(tmp_path / "key")
        with pytest.raises(WrongKey, match=r"put .*secret\.key back"):
            with_stored(settings)
        assert not key.exists(), "a new one would hide the mistake"
        (tmp_path / "data" / "bellhop.db").write_bytes(b"no database" * 999)
        with pytest.raises(StorageFailed, match="cannot be read"):
            with_stored(settings)


async def test_the_app_is_sealed_anew_with_the_rest(tmp_path: Path) -> None:
    async with setting(tmp_path, **GREEN) as place:
        await place.made()
        await until(place.ready, "a Bellhop that works")
        await place.stop()
        before = with_stored(place.settings)
        key = (tmp_path / "data" / "secret.key").read_text()
        code, _, errors = await bellhop(tmp_path, "rotate-key", BELLHOP_DATA=str(tmp_path / "data"))
        assert code == 0, errors
        assert (tmp_path / "data" / "secret.key").read_text() != key
        assert with_stored(place.settings) == before


async def test_the_doctor_and_receive_know_the_stored_app(tmp_path: Path) -> None:
    async with setting(tmp_path, **GREEN) as place:
        await place.made()
        await until(place.ready, "a Bellhop that works")
        environment = {
            "BELLHOP_DATA": str(tmp_path / "data"),
            "BELLHOP_GITHUB_API_URL": place.sim.api_url,
            "BELLHOP_GITHUB_URL": place.sim.url,
            "BELLHOP_AGENT_COMMAND": "true",
        }
        code, said, _ = await bellhop(tmp_path, "doctor", **environment)
        assert (code, "knows the App ring-ring" in said) == (0, True), said
        payload = tmp_path / "payload.json"
        payload.write_text("{}")
        code, said, errors = await bellhop(
            tmp_path, "receive", str(payload), "--event", "ping", **environment
        )
        assert (code, "200" in said) == (0, True), errors


async def test_settings_that_are_wrong_are_refused_without_an_app_too(tmp_path: Path) -> None:
    code, _, errors = await bellhop(
        tmp_path, "serve", BELLHOP_SECRET_KEY="short", BELLHOP_RUNNERS="none"
    )
    assert code == 2
    assert "BELLHOP_SECRET_KEY" in errors
    assert "BELLHOP_RUNNERS" in errors
    assert "BELLHOP_APP_ID" not in errors
    assert "BELLHOP_AGENT_COMMAND" not in errors


async def test_nothing_at_all_is_enough_to_be_set_up(tmp_path: Path) -> None:
    """As a process, with no setting but a port: the terminal shows where to go on."""
    settings = {"BELLHOP_PORT": "0", "BELLHOP_LOG_LEVEL": "error"}
    async with started("Bellhop", "bot", "serve", folder=tmp_path, settings=settings) as bot:
        line = await bot.line()
        while "waiting to be set up" not in line:
            line = await bot.line()
        url = re.search(r"http://127\.0\.0\.1:\d+/setup", line)
        assert url is not None
        async with aiohttp.ClientSession() as session, session.get(url[0]) as answer:
            assert (answer.status, "Code" in await answer.text()) == (200, True)
        assert (tmp_path / "data" / "bellhop.db").exists()
        bot.process.terminate()
        assert await bot.process.wait() == 0
