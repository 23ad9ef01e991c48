"""API keys by the API: for people who have signed in."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.key_desk import TooManyKeys
from tests.http_tasks import ABSENT, Client, Desk, Reply, desk
from tests.signed_in import sign_in


@dataclass
class Browser:
    """Somebody who has signed in."""

    desk: Desk
    headers: Mapping[str, str]

    async def call(self, method: str, path: str, body: object = None, **more: Any) -> Reply:
        data = more.pop("data", None if body is None else json.dumps(body))
        sent = {**self.headers, **({"Content-Type": "application/json"} if data else {}), **more}
        async with self.desk.session.request(
            method, f"{self.desk.stage.settings.public_url}/api{path}", data=data, headers=sent
        ) as answer:
            return Reply(answer.status, await answer.read(), answer.headers)

    async def keys(self) -> list[dict[str, Any]]:
        answer = await self.call("GET", "/keys")
        assert answer.status == 200
        return answer.body["keys"]


async def signed_in(place: Desk, login: str) -> Browser:
    bot = place.stage.bot
    return Browser(
        place, await sign_in(bot.store, place.person(login), place.stage.clock, bot.vault)
    )


async def many(place: Desk, login: str) -> None:
    """Somebody has as many keys as may be."""
    with contextlib.suppress(TooManyKeys):
        while True:
            await place.client(login)


@asynccontextmanager
async def at_home(folder: Path) -> AsyncGenerator[tuple[Desk, Client, Browser]]:
    """Alice with a key of hers, and in her browser."""
    async with desk(folder) as (place, alice):
        yield place, alice, await signed_in(place, "alice")


async def test_a_key_is_made_used_listed_and_ended(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (place, _, browser):
        before = {one["keyId"] for one in await browser.keys()}
        made = await browser.call("POST", "/keys", {"name": " a script ", "scopes": ["tasks:read"]})
        assert made.status == 201
        assert made.headers["Content-Type"].startswith("application/json")
        assert made.headers["Cache-Control"] == "no-store", "nobody on the way keeps it"
        told = made.body
        key = told.pop("key")
        assert key.startswith(told["prefix"])
        assert (told["name"], told["scopes"]) == ("a script", ["tasks:read"])
        assert (told["expiresAt"], told["lastUsedAt"]) == (None, None)
        assert told["createdAt"].endswith("Z")
        assert [one for one in await browser.keys() if one["keyId"] not in before] == [told]
        client = Client(place.stage, place.session, key)
        assert (await client.call("GET", "/tasks")).status == 200
        assert (await client.ask()).status == 403
        ended = await browser.call("DELETE", f"/keys/{told['keyId']}")
        assert (ended.status, ended.body) == (200, {"deletedCount": 1})
        assert (await client.call("GET", "/tasks")).status == 401
        assert {one["keyId"] for one in await browser.keys()} == before
        again = await browser.call("DELETE", f"/keys/{told['keyId']}")
        assert again.status == 404


async def test_a_key_has_both_scopes_unless_asked_otherwise(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (place, _, browser):
        made = (await browser.call("POST", "/keys", {"name": "n"})).body
        assert made["scopes"] == ["tasks:read", "tasks:write"]
        assert (await Client(place.stage, place.session, made["key"]).ask()).status == 202


async def test_a_key_ends_when_it_was_said(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (place, _, browser):
        ends = (place.stage.clock() + timedelta(hours=3)).replace(microsecond=0)
        there = ends.strftime("%Y-%m-%dT%H:%M:%S") + "+00:00"
        shifted = (ends + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00")
        for text in (there, shifted):
            made = (await browser.call("POST", "/keys", {"name": "n", "expires_at": text})).body
            assert made["expiresAt"] == ends.strftime("%Y-%m-%dT%H:%M:%SZ")
        client = Client(place.stage, place.session, made["key"])
        assert (await client.call("GET", "/tasks")).status == 200
        place.stage.time_passes(hours=3)
        assert (await client.call("GET", "/tasks")).status == 401
        (shown, *_) = await browser.keys()
        assert shown["expiresAt"] == made["expiresAt"], "an expired key is still shown"


BAD: list[tuple[object, list[str]]] = [
    ({}, ["name"]),
    ({"name": ""}, ["name"]),
    ({"name": "  "}, ["name"]),
    ({"name": None}, ["name"]),
    ({"name": 3}, ["name"]),
    ({"name": "x" * 101}, ["name"]),
    ({"name": "n", "scopes": []}, ["scopes"]),
    ({"name": "n", "scopes": ["tasks:read"] * 3}, ["scopes"]),
    ({"name": "n", "scopes": ["admin"]}, ["scopes.0"]),
    ({"name": "n", "scopes": "tasks:read"}, ["scopes"]),
    ({"name": "n", "expiresAt": "soon"}, ["expiresAt"]),
    ({"name": "n", "expiresAt": "2999-01-01T00:00:00"}, ["expiresAt"]),
    ({"name": "n", "expiresAt": "2020-01-01T00:00:00Z"}, ["expiresAt"]),
    ({"name": "n", "expiresAt": "9999-12-31T23:59:59-23:00"}, ["expiresAt"]),
    ({"name": "n", "expiresAt": "0001-01-01T00:00:00+23:00"}, ["expiresAt"]),
    ({"name": "n", "expiresAt": True}, ["expiresAt"]),
    ({"name": "n", "owner": "bob"}, ["owner"]),
    ({"name": "n", "key": "bh_mine"}, ["key"]),
    ({"name": "n", "expiresAt": None, "expires_at": None}, ["expires_at"]),
]


async def test_a_body_that_is_wrong_says_where(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (_, _, browser):
        before = await browser.keys()
        for body, fields in BAD:
            refused = await browser.call("POST", "/keys", body)
            assert (refused.status, refused.fields) == (422, fields), body
        for data, status in (("{", 400), ('{"name":"\\ud800"}', 400), ("[]", 422), ("\xff", 400)):
            refused = await browser.call("POST", "/keys", data=data)
            assert refused.status == status, (data, refused.raw)
        assert (await browser.call("POST", "/keys", data="name=n", **FORM)).status == 415
        assert await browser.keys() == before


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_nobody_sees_or_ends_another_persons_keys(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (place, alice, browser):
        bob = await signed_in(place, "bob")
        assert await bob.keys() == []
        (hers,) = await browser.keys()
        absent = await bob.call("DELETE", f"/keys/{ABSENT}")
        foreign = await bob.call("DELETE", f"/keys/{hers['keyId']}")
        assert (absent.status, absent.raw) == (foreign.status, foreign.raw) == (404, foreign.raw)
        assert _names(absent) == _names(foreign)
        assert (await alice.call("GET", "/tasks")).status == 200


def _names(answer: Reply) -> list[tuple[str, str]]:
    volatile = {"x-request-id", "date", "ratelimit"}
    return [one for one in answer.headers.items() if one[0].lower() not in volatile]


async def test_what_is_no_id_is_told_so(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (_, alice, browser):
        for number in ("1", "x", "0" * 32, f"{ABSENT}0", "%00", "..%2f", "\u0661" * 36):
            assert (await browser.call("DELETE", f"/keys/{number}")).status == 400
            assert (await alice.call("DELETE", f"/webhook-secrets/{number}")).status == 400


async def test_a_key_manages_no_keys(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (_, alice, browser):
        (hers,) = await browser.keys()
        calls = [("GET", "/keys"), ("POST", "/keys"), ("DELETE", f"/keys/{hers['keyId']}")]
        for method, path in calls:
            refused = await alice.call(method, path)
            assert refused.status == 403
            assert "sign in" in refused.body["detail"]
            assert "bellhop keys" in refused.body["detail"]
        assert len(await browser.keys()) == 1


async def test_strangers_get_nowhere(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as (place, _),
        aiohttp.ClientSession(f"{place.stage.settings.public_url}") as stranger,
    ):
        calls = [
            *(("GET", "/keys"), ("POST", "/keys"), ("DELETE", f"/keys/{ABSENT}")),
            *(("GET", "/webhook-secrets"), ("POST", "/webhook-secrets")),
            ("DELETE", "/webhook-secrets/x"),
        ]
        for method, path in calls:
            for prefix in ("/api", "/api/v1"):
                async with stranger.request(method, f"{prefix}{path}") as answer:
                    assert answer.status == 401
                    assert answer.headers["WWW-Authenticate"] == "Bearer"
                    assert answer.content_type == "application/problem+json"


async def test_a_webhook_secret_is_made_listed_and_ended(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (place, alice, browser):
        first = await alice.call("POST", "/webhook-secrets")
        assert first.status == 201
        told = first.body
        secret = told.pop("secret")
        assert secret.startswith("whsec_")
        assert secret.rstrip("=").endswith(told["last4"])
        second = (await browser.call("POST", "/webhook-secrets")).body
        listed = (await alice.call("GET", "/webhook-secrets")).body["secrets"]
        assert [one["secretId"] for one in listed] == [second["secretId"], told["secretId"]]
        assert listed[1] == told
        assert "whsec_" not in json.dumps(listed)
        third = await alice.call("POST", "/webhook-secrets")
        assert (third.status, third.body["code"]) == (409, "too_many_secrets")
        assert "Delete the one" in third.body["detail"]
        bob = await place.client("bob")
        assert (await bob.call("GET", "/webhook-secrets")).body == {"secrets": []}
        gone = f"/webhook-secrets/{told['secretId']}"
        assert (await bob.call("DELETE", gone)).status == 404
        assert (await bob.call("POST", "/webhook-secrets")).status == 201
        ended = await alice.call("DELETE", f"/webhook-secrets/{told['secretId'].upper()}")
        assert (ended.status, ended.body) == (200, {"deletedCount": 1})
        assert (await alice.call("DELETE", gone)).status == 404
        assert (await alice.call("POST", "/webhook-secrets")).status == 201


async def test_secrets_need_the_scope_to_write(tmp_path: Path) -> None:
    async with desk(tmp_path) as (place, _):
        reader = await place.client("alice", scopes=("tasks:read",))
        for method, path in (("GET", ""), ("POST", ""), ("DELETE", f"/{ABSENT}")):
            refused = await reader.call(method, f"/webhook-secrets{path}")
            assert refused.status == 403
            assert "tasks:write" in refused.body["detail"]


async def test_secrets_that_are_made_at_once_are_two(tmp_path: Path) -> None:
    async with desk(tmp_path) as (_, alice):
        made = await asyncio.gather(*(alice.call("POST", "/webhook-secrets") for _ in range(6)))
        assert sorted(one.status for one in made) == [201, 201, 409, 409, 409, 409]


async def test_what_opens_something_is_in_no_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with at_home(tmp_path) as (_, alice, browser):
        made = (await browser.call("POST", "/keys", {"name": "n"})).body
        secret = (await alice.call("POST", "/webhook-secrets")).body["secret"]
        printed = capsys.readouterr()
        for text in (made["key"], alice.key, secret):
            assert text not in printed.out + printed.err


async def test_a_person_has_only_so_many_keys(tmp_path: Path) -> None:
    async with at_home(tmp_path) as (place, _, browser):
        await many(place, "alice")
        refused = await browser.call(
            "POST", "/keys", {"name": "one more", "scopes": ["tasks:read"]}
        )
        assert (refused.status, refused.body["code"]) == (409, "too_many_keys")
        assert "End those that are not used any more" in refused.body["detail"]
        keys = await browser.keys()
        assert len(keys) == 100
        await browser.call("DELETE", f"/keys/{keys[0]['keyId']}")
        again = await browser.call("POST", "/keys", {"name": "one more", "scopes": ["tasks:read"]})
        assert again.status == 201
