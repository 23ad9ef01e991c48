"""The pages of API keys and webhook secrets, without scripts."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.http.once import Once
from bot.keys import SCOPES, digest
from storage.keys import MOST_KEYS, ApiKey
from tests.http_pages import Browser, Shown, browser
from tests.http_tasks import ABSENT, Client, Desk, desk
from tests.makers import NOON, id_of

KEYS = "/settings/keys"
SECRETS = "/settings/webhook-secrets"
BOTH = [KEYS, SECRETS]


@dataclass
class Home:
    """Alice at her settings."""

    desk: Desk
    alice: Browser

    async def make(self, path: str, **fields: str) -> Shown:
        """Send the form of a page."""
        token = (await self.alice.get(path)).token
        return await self.alice.post(path, {"form_token": token, **fields})

    async def made(self, path: str, **fields: str) -> tuple[str, Shown]:
        """Make a key or a secret: what it is, and the page that shows it."""
        sent = await self.make(path, **fields)
        assert sent.status == 303, sent.text
        shown = await self.alice.get(sent.location)
        found = re.search(r'id="made" readonly value="([^"]+)"', shown.html)
        assert found
        return found[1], shown

    async def deletions(self, path: str) -> list[str]:
        """Where the page leads to, to delete what is on it."""
        return re.findall(rf'href="({path}/[^"]+/delete)"', (await self.alice.get(path)).html)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncGenerator[Home]:
    async with desk(tmp_path) as (made, _):
        await _forget_keys(made)
        yield Home(made, await browser(made, "alice"))


async def test_who_has_as_many_keys_as_may_be_is_told_so(home: Home) -> None:
    people, alice = home.desk.stage.bot.store.people, home.desk.person("alice")
    for number in range(MOST_KEYS):
        key = ApiKey(id_of(number), alice, "n", "bh_aaaaaa", frozenset(SCOPES), NOON)
        assert await people.keep_key(key, digest(str(number)))
    shown = await home.make(KEYS, name="one more", lasts="90", scopes="tasks:read")
    assert (shown.status, f"There are {MOST_KEYS} keys already" in shown.text) == (409, True)
    assert 'value="one more"' in shown.html


async def _forget_keys(desk: Desk) -> None:
    for key in await desk.stage.bot.store.people.keys_of(None):
        await desk.stage.bot.store.people.drop_key(key.id)


NAMED = {"name": "A script <b>", "lasts": "30", "scopes": "tasks:read"}


async def test_a_key_is_made_shown_once_used_and_deleted(home: Home) -> None:
    assert "No keys yet" in (await home.alice.get(KEYS)).text
    key, shown = await home.made(KEYS, **NAMED)
    assert "A script <b>" in shown.text
    assert shown.html.count(key) == 1
    assert "tasks:read" in shown.text
    client = Client(home.desk.stage, home.desk.session, key)
    assert (await client.call("GET", "/tasks")).status == 200
    assert (await client.ask()).status == 403, "it may read alone"
    (gone,) = await home.deletions(KEYS)
    asked = await home.alice.get(gone)
    assert "Delete the key “A script <b>”?" in asked.text
    assert (await client.call("GET", "/tasks")).status == 200, "it asks first"
    ended = await home.alice.post(gone, {"form_token": asked.token})
    assert (ended.status, ended.location) == (303, f"{KEYS}?done=deleted")
    after = await home.alice.get(ended.location)
    assert "The key is deleted." in after.text
    assert "No keys yet" in after.text
    assert (await client.call("GET", "/tasks")).status == 401


@pytest.mark.parametrize(("path", "fields"), [(KEYS, NAMED), (SECRETS, {})])
async def test_what_is_shown_once_is_not_shown_again(
    home: Home, path: str, fields: dict[str, str]
) -> None:
    sent = await home.make(path, **fields)
    bob = await browser(home.desk, "bob")
    assert 'id="made"' not in (await bob.get(sent.location)).html
    assert 'id="made"' in (await home.alice.get(sent.location)).html
    again = await home.alice.get(sent.location)
    assert 'id="made"' not in again.html
    assert "is shown once, and this one was" in again.text
    assert 'id="made"' not in (await home.alice.get(path)).html


async def test_a_key_lasts_as_long_as_was_said(home: Home) -> None:
    for lasts, days in (("30", 30), ("365", 365), ("never", None)):
        await _forget_keys(home.desk)
        assert (await home.make(KEYS, **{**NAMED, "lasts": lasts})).status == 303
        (key,) = await home.desk.stage.bot.store.people.keys_of(None)
        found = None if key.expires_at is None else (key.expires_at - key.created_at)
        assert (found and round(found / timedelta(days=1))) == days


async def test_an_ended_key_is_marked(home: Home) -> None:
    await home.made(KEYS, **NAMED)
    home.desk.stage.time_passes(days=31)
    later = await browser(home.desk, "alice")
    assert "ended" in (await later.get(KEYS)).text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "at least 1"),
        ({"name": " "}, "at least 1"),
        ({"name": "x" * 101, "scopes": "tasks:read"}, "at most 100"),
        ({"name": "n"}, "at least 1 item"),
        ({"name": "n", "scopes": "everything"}, "at least 1 item"),
        ({"name": "n", "scopes": "tasks:read", "lasts": ""}, "Choose how long it lasts."),
        ({"name": "n", "scopes": "tasks:read", "lasts": "9" * 99}, "Choose how long it lasts."),
    ],
)
async def test_a_wrong_form_says_what_to_mend(
    home: Home, fields: dict[str, str], told: str
) -> None:
    shown = await home.make(KEYS, **fields)
    assert shown.status == 422
    assert told in shown.text
    assert f'value="{fields.get("name", "").strip()}"' in shown.html
    assert "No keys yet" in shown.text


async def test_secrets_are_two_at_most(home: Home) -> None:
    assert "No secrets yet" in (await home.alice.get(SECRETS)).text
    secret, shown = await home.made(SECRETS)
    assert secret.startswith("whsec_")
    assert shown.html.count(secret) == 1
    (only,) = await home.deletions(SECRETS)
    assert "no webhook is sent" in (await home.alice.get(only)).text
    token = shown.token
    assert (await home.alice.post(SECRETS, {"form_token": token})).status == 303
    full = await home.alice.get(SECRETS)
    assert "There are two" in full.text
    refused = await home.alice.post(SECRETS, {"form_token": token})
    assert refused.status == 409
    assert "Delete the one that no receiver uses any more." in refused.text
    first = await home.alice.get(only)
    assert "refuse what is sent" in first.text
    assert (await home.alice.post(only, {"form_token": first.token})).status == 303
    assert len(await home.deletions(SECRETS)) == 1


@pytest.mark.parametrize(("path", "fields"), [(KEYS, NAMED), (SECRETS, {})])
async def test_what_is_somebody_elses_is_as_absent(
    home: Home, path: str, fields: dict[str, str]
) -> None:
    await home.made(path, **fields)
    (theirs,) = await home.deletions(path)
    bob = await browser(home.desk, "bob")
    token = (await bob.get(path)).token
    absent = f"{path}/{ABSENT}/delete"
    for one in (theirs, absent):
        assert (await bob.get(one)).status == 404
        assert (await bob.post(one, {"form_token": token})).status == 404
    assert (await bob.get(f"{path}/1/delete")).status == 400
    assert (await home.alice.get(theirs)).status == 200


@pytest.mark.parametrize("path", BOTH)
async def test_who_is_not_signed_in_goes_there_first(home: Home, path: str) -> None:
    nobody = await browser(home.desk)
    sent = await nobody.get(path)
    assert (sent.status, sent.location) == (303, f"/sign-in?next={path.replace('/', '%2F')}")
    assert (await nobody.post(path, {})).location == "/sign-in"


@pytest.mark.parametrize("path", BOTH)
async def test_another_sites_form_does_nothing(home: Home, path: str) -> None:
    token = (await home.alice.get(path)).token
    bob = await browser(home.desk, "bob")
    fields = {**NAMED, "form_token": token}
    attempts = [
        await home.alice.post(path, fields, Origin="https://evil.test"),
        await home.alice.post(path, fields, **{"Sec-Fetch-Site": "cross-site"}),
        await home.alice.post(path, {**fields, "form_token": ""}),
        await home.alice.post(path, NAMED),
        await bob.post(path, fields),
    ]
    assert [one.status for one in attempts] == [403] * 5
    assert await home.desk.stage.bot.store.people.keys_of(None) == ()
    assert "No secrets yet" in (await home.alice.get(SECRETS)).text


@pytest.mark.parametrize(
    ("path", "table", "empty"),
    [(KEYS, "keys", "No keys yet"), (SECRETS, "webhook_secrets", "No secrets yet")],
)
async def test_a_list_that_cannot_be_loaded_is_not_an_empty_one(
    home: Home, path: str, table: str, empty: str
) -> None:
    settings = home.desk.stage.settings
    with sqlite3.connect(settings.data / settings.database) as db:
        db.execute(f"DROP TABLE {table}")
    db.close()
    shown = await home.alice.get(path)
    assert shown.status == 500
    assert "Something broke on our side" in shown.text
    assert empty not in shown.text


async def test_the_overview_counts(home: Home) -> None:
    before = (await home.alice.get("/settings")).text
    assert before.count("None yet") == 3
    assert "This browser alone" in before
    await home.made(KEYS, **NAMED)
    await home.made(SECRETS)
    await browser(home.desk, "alice")
    after = (await home.alice.get("/settings")).text
    assert "1 key" in after
    assert "1 secret" in after
    assert "2 browsers" in after


def test_what_waits_is_taken_once_by_its_session() -> None:
    once = Once()
    ticket = once.put("mine", "a secret")
    assert once.take("yours", ticket) is None
    assert once.take("mine", None) is None
    assert once.take("mine", ticket) == "a secret"
    assert once.take("mine", ticket) is None
