"""The page of sessions, without scripts."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.http.browsers import browser_of
from tests.http_pages import Browser, browser
from tests.http_tasks import ABSENT, Desk, desk

PATH = "/settings/sessions"


@dataclass
class Home:
    """Alice, signed in with two browsers."""

    desk: Desk
    here: Browser
    there: Browser

    async def ends(self) -> list[str]:
        """Where the page leads to, to end a session."""
        return re.findall(rf'action="({PATH}/[0-9a-f-]+/end)"', (await self.here.get(PATH)).html)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncGenerator[Home]:
    async with desk(tmp_path) as (made, _):
        yield Home(made, await browser(made, "alice"), await browser(made, "alice"))


async def test_another_browser_is_signed_out(home: Home) -> None:
    shown = await home.here.get(PATH)
    assert shown.text.count("this one") == 1
    (other,) = await home.ends()
    ended = await home.here.post(other, {"form_token": shown.token})
    assert (ended.status, ended.location) == (303, f"{PATH}?done=ended")
    assert "That browser is signed out." in (await home.here.get(ended.location)).text
    assert await home.ends() == []
    assert (await home.there.get(PATH)).location.startswith("/sign-in")
    assert (await home.here.post(other, {"form_token": shown.token})).status == 404


async def test_all_others_are_signed_out(home: Home) -> None:
    bob, third = await browser(home.desk, "bob"), await browser(home.desk, "alice")
    shown = await home.here.get(PATH)
    ended = await home.here.post(f"{PATH}/others/end", {"form_token": shown.token})
    assert "All other browsers are signed out." in (await home.here.get(ended.location)).text
    for one, status in ((home.here, 200), (bob, 200), (home.there, 303), (third, 303)):
        assert (await one.get(PATH)).status == status


async def test_this_one_and_other_peoples_are_left(home: Home) -> None:
    bob = await browser(home.desk, "bob")
    token = (await bob.get("/settings/keys")).token
    (hers,) = await home.ends()
    for path in (hers, f"{PATH}/{ABSENT}/end"):
        assert (await bob.post(path, {"form_token": token})).status == 404
    assert (await bob.post(f"{PATH}/1/end", {"form_token": token})).status == 400
    assert (await home.there.get(PATH)).status == 200
    own = await home.desk.stage.bot.store.people.sessions_of(
        home.desk.person("bob").id, home.desk.stage.clock()
    )
    refused = await bob.post(f"{PATH}/{own[0].id}/end", {"form_token": token})
    assert refused.status == 409
    assert "sign out by the menu" in refused.text


@pytest.mark.parametrize("what", ["others", ABSENT])
async def test_a_form_of_another_site_ends_nothing(home: Home, what: str) -> None:
    path = f"{PATH}/{what}/end"
    assert (await home.here.post(path, {})).status == 403
    token = (await home.here.get(PATH)).token
    foreign = await home.here.post(path, {"form_token": token}, Origin="https://evil.test")
    assert foreign.status == 403
    assert (await home.there.get(PATH)).status == 200


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko Firefox/140.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140 Safari/537.36 Edg/140",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/140 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 26) Mobile Safari/604",
            "Safari on an iPhone",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) Version/26 Safari/604", "Safari on a Mac"),
        ("Firefox", "Firefox"),
        ("lynx/2.9 <b>", "lynx/2.9 <b>"),
        ("", "A browser without a name"),
    ],
)
def test_a_browser_is_called_what_people_call_it(agent: str, told: str) -> None:
    assert browser_of(agent) == told
