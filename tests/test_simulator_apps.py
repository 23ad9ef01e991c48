"""Making an App from a manifest and installing it, as GitHub's pages do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from simulator.manifests import BadManifestError
from tests.plain_browser import Browser, Page, browsing
from tests.simulator_support import Place, receiving, running

GOOD: dict[str, Any] = {
    "name": "Ring Ring",
    "url": "https://ring.test",
    "hook_attributes": {"url": "https://ring.test/hook"},
    "redirect_url": "http://127.0.0.1:1/made",
    "callback_urls": ["https://ring.test/back"],
    "default_permissions": {"issues": "write"},
    "default_events": ["issues", "repository"],
}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with running(tmp_path) as made:
        yield made


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as made:
        yield made


async def ask(
    place: Place,
    browser: Browser,
    manifest: object = GOOD,
    path: str = "/settings/apps/new?state=s",
) -> Page:
    """Send a manifest as a page of somebody else's does."""
    text = json.dumps(manifest)
    async with browser.session.post(
        f"{place.sim.url}{path}", data={"manifest": text}, headers={"Sec-Fetch-Site": "cross-site"}
    ) as answer:
        return Page(answer.url, answer.status, dict(answer.headers), await answer.text())


async def make(place: Place, **changes: Any) -> str:
    manifests = place.sim._backend.manifests
    return manifests.make(manifests.check(json.dumps(GOOD | changes)), place.sim.user("alice"))


async def test_the_browser_is_sent_back_with_a_code_and_the_state(
    place: Place, browser: Browser
) -> None:
    page = await ask(place, browser)
    form = page.form.fields | {"owner": "alice"}
    assert form["state"] == "s"
    assert "issues: write" in page.text
    url = f"{place.sim.url}{page.form.action}"
    assert url.endswith("/settings/apps/new/confirmed")
    async with browser.session.post(url, data=form, allow_redirects=False) as answer:
        assert answer.status == 302
        back = answer.headers["Location"]
    assert back.startswith("http://127.0.0.1:1/made?code=")
    assert back.endswith("&state=s")
    app = place.sim.app
    assert (app.slug, app.events) == ("ring-ring", ("issues", "repository"))
    assert app.permissions == {"metadata": "read", "issues": "write"}
    assert app.callback_urls == ("https://ring.test/back",)
    assert place.sim.webhook_url == "https://ring.test/hook"
    assert (await place.call("GET", "/app", place.jwt())).json["owner"]["login"] == "alice"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": ""}, "blank"),
        ({"name": 7}, "blank"),
        ({"name": "x" * 35}, "too long"),
        ({"name": "bellhop"}, "taken"),
        ({"name": "Alice"}, "taken"),
        ({"url": None}, "url must be"),
        ({"hook_attributes": {}}, "hook_attributes.url must be"),
        ({"hook_attributes": "x"}, "hook_attributes.url must be"),
        ({"redirect_url": "ring.test"}, "redirect_url must be"),
        ({"setup_url": 5}, "setup_url must be"),
        ({"callback_urls": "https://ring.test"}, "callback_urls[0] must be"),
        ({"callback_urls": ["https://ring.test"] * 11}, "more than 10"),
        ({"default_permissions": {"everything": "write"}}, "no permission"),
        ({"default_permissions": {"issues": "much"}}, "no permission"),
        ({"default_permissions": []}, "object"),
        ({"default_events": ["installation"]}, "unsupported: installation"),
        ({"default_events": ["push"]}, "not supported by permissions: push"),
        ({"made_up": 1}, "made_up"),
    ],
)
async def test_a_bad_manifest_is_refused(
    place: Place, browser: Browser, changes: dict[str, Any], told: str
) -> None:
    page = await ask(place, browser, GOOD | changes)
    assert (page.status, told in page.text) == (422, True), page.text


@pytest.mark.parametrize("text", ["{", "[]"])
async def test_what_is_no_manifest_is_refused(place: Place, text: str) -> None:
    with pytest.raises(BadManifestError, match="no JSON"):
        place.sim._backend.manifests.check(text)


async def test_the_name_may_be_changed_on_the_page(place: Place, browser: Browser) -> None:
    page = await ask(place, browser)
    async with browser.session.post(
        f"{place.sim.url}{page.form.action}",
        data=page.form.fields | {"owner": "alice", "name": "Bellhop"},
    ) as answer:
        assert (answer.status, "taken" in await answer.text()) == (422, True)
    async with browser.session.post(
        f"{place.sim.url}{page.form.action}",
        data=page.form.fields | {"owner": "alice", "name": "Ding"},
        allow_redirects=False,
    ) as answer:
        assert answer.status == 302
    assert place.sim.app.slug == "ding"


async def test_owners_are_accounts_that_exist(place: Place, browser: Browser) -> None:
    asked = await ask(place, browser, path="/organizations/acme/settings/apps/new")
    assert "for acme" in asked.text
    assert (await ask(place, browser, path="/organizations/no/settings/apps/new")).status == 404
    form = {"manifest": json.dumps(GOOD), "owner": "bellhop[bot]"}
    url = f"{place.sim.url}/settings/apps/new/confirmed"
    async with browser.session.post(url, data=form) as answer:
        assert answer.status == 404
    async with browser.session.post(
        url, data=form | {"owner": "alice"}, headers={"Sec-Fetch-Site": "cross-site"}
    ) as answer:
        assert answer.status == 403
    assert place.sim.app.slug == "bellhop"


async def test_a_code_is_good_once_and_for_an_hour(place: Place) -> None:
    place.sim.now = lambda: now
    now = datetime.now(UTC)
    path = f"/app-manifests/{await make(place)}/conversions"
    first, second = await place.call("POST", path), await place.call("POST", path)
    assert (first.status, second.status) == (201, 404)
    app = place.sim.app
    assert first.json["pem"] == app.private_key_pem
    assert first.json["webhook_secret"] == app.webhook_secret
    assert first.json["client_secret"] == app.client_secret
    late = await make(place, name="Late")
    now += timedelta(hours=1)
    assert (await place.call("POST", f"/app-manifests/{late}/conversions")).status == 404


async def test_the_former_app_is_nobody_any_more(place: Place) -> None:
    jwt, token = place.jwt(), await place.token()
    await make(place)
    assert (await place.call("GET", "/app", jwt)).status == 401
    assert (await place.call("GET", "/installation/repositories", token)).status == 401
    assert (await place.call("GET", "/app/installations", place.jwt())).json == []


async def test_it_is_installed_on_a_page_and_hands_over(tmp_path: Path, browser: Browser) -> None:
    async with receiving() as receiver, running(tmp_path) as place:
        other = place.sim.add_repository("alice/notes")
        setup_url = f"{receiver.url}?from=github"
        hook = {"url": receiver.url}
        await make(place, setup_url=setup_url, hook_attributes=hook, public=True)
        page = await browser.open(f"{place.sim.url}/apps/ring-ring/installations/new?state=abc")
        assert "acme/widgets" in page.text
        assert "alice/notes" in page.text
        form = {"state": "abc", "repository": str(other.id)}
        urls = []
        for _ in range(2):
            async with browser.session.post(page.url, data=form, allow_redirects=False) as answer:
                assert answer.status == 302
                urls.append(answer.headers["Location"])
        made = place.sim.installation_of(other)
        assert made is not None
        asked = f"{setup_url}&installation_id={made.id}&setup_action="
        assert urls == [f"{asked}install&state=abc", f"{asked}update&state=abc"]
        await place.sim.settled()
        (event,) = receiver.events
        assert event == ("installation", "created")


async def test_a_private_app_is_for_its_owner_alone(place: Place, browser: Browser) -> None:
    await make(place)
    url = f"{place.sim.url}/apps/ring-ring/installations/new"
    assert "no repositories" in (await browser.open(url)).text
    own = place.sim.add_repository("alice/notes")
    page = await browser.open(url)
    assert "acme/widgets" not in page.text
    assert "Installed" in (await browser.send(page, repository=str(own.id))).text
    for chosen in (place.repo.id, 0):
        async with browser.session.post(url, data={"repository": str(chosen)}) as answer:
            assert answer.status == 400
    async with browser.session.post(url, headers={"Sec-Fetch-Site": "cross-site"}) as answer:
        assert answer.status == 403
    assert (await browser.open(url.replace("ring-ring", "bellhop"))).status == 404
