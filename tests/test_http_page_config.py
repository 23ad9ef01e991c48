"""The pages of defaults, providers' keys and Fly, without scripts."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.http.config_bodies import ConfigBody
from bot.http.limiting import Limits
from bot.http.page_defaults import _given, _number
from handlers.decision import Defaults
from storage.preferences import user_scope
from tests.http_github import signed_in
from tests.http_pages import Browser, Shown, browser
from tests.http_tasks import Desk, desk, unlimited
from tests.providers import BAD, GOOD, Provider, provider
from tests.story import Stage

OWN = "/settings"


@dataclass
class Home:
    """Alice at her settings, beside a provider of models."""

    desk: Desk
    alice: Browser
    provider: Provider
    installation: int
    """The one of her own account."""

    async def send(self, path: str, at: str, **fields: str) -> Shown:
        """Send a form of the page at `at`; where it leads to is followed."""
        token = (await self.alice.get(at)).token
        sent = await self.alice.post(path, {"form_token": token, **fields})
        return await self.alice.get(sent.location) if sent.status == 303 else sent

    async def key(self, secret: str, base: str = OWN) -> Shown:
        """Save a key of Anthropic's."""
        return await self.send(f"{base}/providers/anthropic", f"{base}/providers", secret=secret)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncGenerator[Home]:
    own: list[int] = []
    async with provider() as there:

        def prepare(stage: Stage) -> None:
            unlimited(stage)
            there.stands_in(stage)
            own.append(stage.sim.install(stage.sim.add_repository("alice/own", {"a": "b"})).id)

        async with desk(tmp_path, prepare=prepare) as (made, _):
            alice = await signed_in(made, "alice")
            yield Home(made, alice.browser, there, own[0])


async def test_a_key_is_saved_tested_and_removed(home: Home) -> None:
    shown = await home.key(GOOD)
    assert "Anthropic: Saved. Anthropic takes it." in shown.text
    assert "Ends in abcd" in shown.text
    assert "good" in shown.text
    assert GOOD not in shown.html
    at = f"{OWN}/providers"
    assert "Saved." not in (await home.alice.get(at)).text, "it is told once"
    home.provider.down = True
    tested = await home.send(f"{at}/anthropic/test", at)
    assert "Anthropic has a fault (500)." in tested.text
    assert "Saved." not in tested.text
    assert "taken by Anthropic" in tested.text, "a fault says nothing about the key"
    asked = await home.alice.get(f"{at}/anthropic/remove")
    assert "Remove the key of Anthropic?" in asked.text
    gone = await home.send(f"{at}/anthropic/remove", f"{at}/anthropic/remove")
    assert "The key is removed." in gone.text
    assert "Ends in" not in gone.text


async def test_a_key_that_is_not_taken_replaces_none(home: Home) -> None:
    await home.key(GOOD)
    refused = await home.key(BAD)
    assert refused.status == 422
    assert "Anthropic does not take it (401)" in refused.text
    assert "It is not saved." in refused.text
    assert "Ends in abcd" in refused.text
    assert BAD not in refused.html


async def test_a_key_that_cannot_be_checked_is_saved_and_that_is_said(home: Home) -> None:
    home.provider.down = True
    shown = await home.key(GOOD)
    assert "Anthropic: Saved. Anthropic has a fault (500)." in shown.text
    assert "not tested" in shown.text
    home.provider.down = False
    at = f"{OWN}/providers"
    assert "Anthropic takes it." in (await home.send(f"{at}/anthropic/test", at)).text


@pytest.mark.parametrize("secret", ["", "  ", "short", "with a blank in it", "\u00e4" * 9])
async def test_what_cannot_be_a_key_is_told_at_its_field(home: Home, secret: str) -> None:
    shown = await home.key(secret)
    assert shown.status == 422
    assert 'id="anthropic-secret-problem"' in shown.html
    assert len(re.findall(r"\sautofocus[ >]", shown.html)) == 1
    assert home.provider.asked == []


async def test_there_is_nothing_to_test_or_no_such_provider(home: Home) -> None:
    at = f"{OWN}/providers"
    nothing = await home.send(f"{at}/anthropic/test", at)
    assert nothing.status == 409
    assert "No key of Anthropic is stored" in nothing.text
    for path in (f"{at}/acme", f"{at}/acme/test", f"{at}/acme/remove"):
        assert (await home.send(path, at, secret=GOOD)).status == 404
    assert (await home.alice.get(f"{at}/acme/remove")).status == 404


async def test_defaults_are_saved_and_shown(home: Home) -> None:
    at = f"{OWN}/defaults"
    assert "The server's: command" in (await home.alice.get(at)).text
    fields = {"agent": "command", "model": "openai/gpt-5", "timeLimit": "12.5", "maxCost": "2.5"}
    shown = await home.send(at, at, **fields, concurrency="2", runner="", image="")
    assert "Saved." in shown.text
    assert "<option selected>command</option>" in shown.html
    for value in ("openai/gpt-5", "12.5", "2.5", "2"):
        assert f'value="{value}"' in shown.html
    cleared = await home.send(at, at)
    assert 'value="12.5"' not in cleared.html


async def test_what_another_has_set_meanwhile_is_shown_before_it_is_replaced(home: Home) -> None:
    base = f"{OWN}/installations/{home.installation}"

    async def seen() -> str:
        found = re.search(r'name="seen" value="([0-9a-f]{32})"', (await home.alice.get(base)).html)
        assert found
        return found[1]

    before = await seen()
    await home.send(base, base, maxCost="5", seen=before)
    late = await home.send(base, base, model="acme/best", seen=before)
    assert late.status == 412
    assert "Somebody has changed these defaults since you looked" in late.text
    assert 'value="5"' in late.html
    assert 'value="acme/best"' not in late.html
    wrong = await home.send(base, base, maxCost="x", seen=before)
    assert f'name="seen" value="{before}"' in wrong.html, "it has still not been looked at"
    saved = await home.send(base, base, maxCost="5", model="acme/best", seen=await seen())
    assert "Saved." in saved.text


async def test_what_a_program_has_set_is_shown_exactly_and_can_be_saved(home: Home) -> None:
    at = f"{OWN}/defaults"
    scopes = home.desk.stage.bot.store.scopes
    exact = Defaults(time_limit=100, max_cost=0.012345, concurrency=1)
    scope = user_scope(home.desk.stage.sim.user("alice").id)
    await scopes.keep_defaults(scope, exact, home.desk.stage.clock())
    html = (await home.alice.get(at)).html
    shown = dict(re.findall(r'name="(timeLimit|maxCost|concurrency)" value="([^"]*)"', html))
    assert shown == {"timeLimit": "1.66666666667", "maxCost": "0.012345", "concurrency": "1"}
    assert "Saved." in (await home.send(at, at, **shown)).text
    assert (await scopes.defaults(scope)).defaults == exact


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("agent", "no such", "it is no name"),
        ("agent", "codex", "command"),
        ("model", "a b", "provider/name"),
        ("timeLimit", "soon", "Give minutes, from 1 to 1,440."),
        ("timeLimit", "0.5", "Give minutes, from 1 to 1,440."),
        ("timeLimit", "1e999", "Give minutes, from 1 to 1,440."),
        ("maxCost", "-1", "Give dollars, more than 0."),
        ("maxCost", "nan", "Give dollars, more than 0."),
        ("concurrency", "1.5", "Give a whole number"),
    ],
)
async def test_a_wrong_default_is_told_at_its_field(
    home: Home, field: str, value: str, told: str
) -> None:
    at = f"{OWN}/defaults"
    shown = await home.send(at, at, **{field: value})
    assert shown.status == 422
    problem = re.search(
        rf'id="{field}-problem">([^<]*(?:<code>[^<]*</code>[^<]*)*)</p>', shown.html
    )
    assert problem, shown.html
    assert told.lower() in problem[1].lower()
    assert value in shown.html, "what was typed is still there"
    assert "`" not in shown.text
    assert re.search(rf'<(?:input|select) id="{field}"[^>]*\sautofocus[ >]', shown.html)


def test_numbers_are_read_as_people_write_them() -> None:
    found = [_number(text, 60) for text in ("", "2", "0.5", "x", "inf")]
    assert found == [None, 120, 30, "x", "inf"]
    assert _number("0.25") == 0.25
    assert _given(ConfigBody(max_cost=1_000_000))["maxCost"] == "1000000"


async def test_fly_is_saved_tested_and_its_token_removed(home: Home) -> None:
    at = f"{OWN}/fly"
    shown = await home.send(at, at, app="workers", region="ams", size="shared-cpu-2x", token=GOOD)
    assert "Saved." in shown.text
    assert "ends in abcd" in shown.text
    assert GOOD not in shown.html
    kept = await home.send(at, at, app="workers-2", token="")
    assert 'value="workers-2"' in kept.html
    assert "ends in abcd" in kept.text, "an empty field leaves the token"
    assert "Fly: Fly takes it." in (await home.send(f"{at}/test", at)).text
    assert "Remove the Fly token?" in (await home.alice.get(f"{at}/remove")).text
    gone = await home.send(f"{at}/remove", f"{at}/remove")
    assert "The token is removed." in gone.text
    assert 'value="workers-2"' in gone.html
    nothing = await home.send(f"{at}/test", at)
    assert nothing.status == 409


async def test_a_wrong_place_at_fly_is_told_at_its_field(home: Home) -> None:
    at = f"{OWN}/fly"
    shown = await home.send(at, at, app="Not It", region="Mars", size="big", token="x")
    assert shown.status == 422
    for field in ("app", "region", "size", "token"):
        assert f'id="{field}-problem"' in shown.html
    assert 'value="Not It"' in shown.html
    without = await home.send(f"{at}/test", at)
    assert without.status == 422
    assert 'id="app-problem"' in without.html


async def test_nobody_tries_keys_in_bulk_on_the_pages_either(tmp_path: Path) -> None:
    """What is tested counts as at the API, and with it: saved, stored, or Fly's."""
    async with provider() as there:

        def prepare(stage: Stage) -> None:
            there.stands_in(stage)
            stage.tempo = replace(stage.tempo, limits=Limits(creations=4))

        async with desk(tmp_path, prepare=prepare) as (made, _):
            alice = await signed_in(made, "alice")
            here = Home(made, alice.browser, there, 0)
            await here.send(f"{OWN}/fly", f"{OWN}/fly", app="workers", token=GOOD)
            assert (await here.key(GOOD)).status == 200
            for name in ("providers/anthropic", "fly"):
                tested = await here.send(f"{OWN}/{name}/test", f"{OWN}/fly")
                assert (tested.status, "takes it." in tested.text) == (200, True)
            assert (await here.key(BAD)).status == 422
            asked = len(there.asked)
            assert (await here.key(GOOD)).status == 429
            for name in ("providers/anthropic", "fly"):
                assert (await here.send(f"{OWN}/{name}/test", f"{OWN}/fly")).status == 429
            assert len(there.asked) == asked


async def test_nobody_sees_another_persons(home: Home) -> None:
    await home.key(GOOD)
    bob = await browser(home.desk, "bob")
    assert "Ends in" not in (await bob.get(f"{OWN}/providers")).text


async def test_an_installation_has_its_own(home: Home) -> None:
    base = f"{OWN}/installations/{home.installation}"
    page = await home.alice.get(base)
    assert "of this installation" in page.text
    assert "Defaults · Installation on alice" in " ".join(page.html.split())
    assert "Installations / alice" in " ".join(page.text.split())
    shown = await home.key(GOOD, base)
    assert "Ends in abcd" in shown.text
    assert "Ends in" not in (await home.alice.get(f"{OWN}/providers")).text
    saved = await home.send(base, base, model="acme/best")
    assert 'value="acme/best"' in saved.html
    assert 'value="acme/best"' not in (await home.alice.get(f"{OWN}/defaults")).html
    fly = await home.send(f"{base}/fly", f"{base}/fly", app="workers")
    assert 'value="workers"' in fly.html


@pytest.mark.parametrize("tail", ["", "/providers", "/fly", "/providers/anthropic/remove"])
async def test_an_installation_that_is_not_yours_is_as_absent(home: Home, tail: str) -> None:
    bob = (await signed_in(home.desk, "bob")).browser
    token = (await bob.get(f"{OWN}/keys")).token
    theirs = home.installation
    shown = [await bob.get(f"{OWN}/installations/{one}{tail}") for one in (theirs, 987654)]
    assert [one.status for one in shown] == [404, 404]
    assert shown[0].text == shown[1].text
    for number in ("x", "0", "9" * 30):
        assert (await bob.get(f"{OWN}/installations/{number}{tail}")).status == 404
    sent = await bob.post(f"{OWN}/installations/{theirs}{tail}", {"form_token": token})
    assert sent.status in {404, 405}


@pytest.mark.parametrize(
    "path", ["/defaults", "/fly", "/fly/test", "/providers/anthropic", "/providers/anthropic/test"]
)
async def test_a_form_of_another_site_changes_nothing(home: Home, path: str) -> None:
    token = (await home.alice.get(f"{OWN}/keys")).token
    fields = {"secret": GOOD, "token": GOOD, "app": "workers", "model": "theirs"}
    bare = await home.alice.post(f"{OWN}{path}", fields)
    foreign = await home.alice.post(
        f"{OWN}{path}", {**fields, "form_token": token}, Origin="https://evil.test"
    )
    assert (bare.status, foreign.status) == (403, 403)
    assert home.provider.asked == []
    assert "theirs" not in (await home.alice.get(f"{OWN}/defaults")).html
