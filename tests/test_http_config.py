"""`/api/config…`: who may set what, what is refused, and that no secret comes out again."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from inline_snapshot import snapshot
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.github.as_user import AsUser
from bot.http import problems
from bot.http.access import Doorman
from bot.http.config import ConfigRoutes
from bot.http.forms import Forms
from bot.http.limiting import Limits, RateLimiter
from bot.key_desk import KeyDesk
from bot.keys import SCOPES
from bot.operators import Operators
from bot.preferences import Preferences
from bot.user_tokens import SignInAgain
from bot.validation import Validator
from bot.vault import Vault
from handlers.decision import Rules
from handlers.values import Person
from storage import Store
from tests.first_start import lay_out
from tests.github_support import FakeServer, Reply, scripted
from tests.makers import ADA, BOB, NOON
from tests.provider_server import FakeProviders
from tests.signed_in import sign_in

SECRET = "sk-ant-very-secret-4711"
RULES = Rules("bellhop", agents=("command", "codex"), images=("one:1", "two:2"))
HERS, ORG, OTHERS, ENTERPRISE = 11, 12, 13, 14
PLACES = "/user/installations"
MEMBERSHIP = "/user/memberships/orgs/acme"


@dataclass
class Wallet:
    """People's tokens of GitHub, while they are good."""

    lost: set[int] = field(default_factory=set[int])

    async def token(self, person: Person) -> SecretStr:
        if person.id in self.lost:
            raise SignInAgain
        return SecretStr(f"ghu_{person.login}")

    async def refused(self, person: Person, token: SecretStr) -> None:
        del token
        self.lost.add(person.id)


@dataclass
class Told:
    """An answer, read whole."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def fields(self) -> list[str]:
        return [one["field"] for one in self.body.get("errors", [])]


@dataclass
class Office:
    """The routes on a socket, with GitHub and the providers beside them; ada has signed in."""

    store: Store
    vault: Vault
    client: TestClient[web.Request, web.Application]
    github: FakeServer
    providers: FakeProviders
    wallet: Wallet
    headers: dict[str, str] = field(default_factory=dict[str, str])

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        data: str | None = None,
    ) -> Told:
        text = data if body is None else json.dumps(body)
        sent = dict(self.headers if headers is None else headers)
        if text is not None:
            sent.setdefault("Content-Type", "application/json")
        stream = None if text is None else io.BytesIO(text.encode())
        url = f"/api/config{path}"
        answer = await self.client.request(method, url, data=stream, headers=sent)
        return Told(answer.status, await answer.text(), answer.headers)

    async def get(self, path: str = "") -> Any:
        told = await self.ask("GET", path)
        assert told.status == 200, told.text
        return told.body

    async def put(self, path: str, body: object) -> Told:
        return await self.ask("PUT", path, body)

    def place(self, number: int, owner: int, login: str, kind: str) -> dict[str, Any]:
        return {
            "id": number,
            "account": {"id": owner, "login": login, "type": kind},
            "repository_selection": "all",
            "permissions": {},
            "html_url": f"https://github.test/settings/installations/{number}",
        }

    def sees(self, role: str = "admin", state: str = "active") -> None:
        """Ada sees three installations: her own, her organisation's, and bob's."""
        places = [
            self.place(HERS, ADA.id, "ada", "User"),
            self.place(ORG, 90, "acme", "Organization"),
            self.place(OTHERS, BOB.id, "bob", "User"),
            self.place(ENTERPRISE, 91, "", "Enterprise"),
        ]
        self.github.on("GET", PLACES, Reply(200, {"installations": places}))
        self.github.on("GET", MEMBERSHIP, Reply(200, {"state": state, "role": role}))


@asynccontextmanager
async def opened(folder: Path, limits: Limits | None = None) -> AsyncIterator[Office]:
    store = await Store.open(lay_out(folder / "bellhop.db"), RULES)
    vault = Vault(b"k" * 32)
    app = web.Application()
    problems.install(app)
    async with (
        scripted() as (github, server),
        FakeProviders().serve() as providers,
        ClientSession(cookie_jar=DummyCookieJar()) as session,
    ):
        wallet = Wallet()
        url = "http://127.0.0.1:8080"
        limiter = RateLimiter(limits or Limits())
        doorman = Doorman(
            store.people, Operators(store, github, ()), lambda: NOON, url, Forms(vault), limiter
        )
        desk = Preferences(
            scopes=store.scopes,
            vault=vault,
            as_user=AsUser(github.new_api, wallet, github.clock),
            validator=Validator(session, providers.bases),
            rules=lambda: RULES,
            clock=lambda: NOON,
        )
        ConfigRoutes(doorman, desk).register(app)
        async with TestClient(TestServer(app)) as client:
            office = Office(store, vault, client, server, providers, wallet)
            office.headers = await sign_in(store, ADA, lambda: NOON, vault)
            office.sees()
            yield office
        await store.close()


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path) as made:
        yield made


ROUTES: dict[str, tuple[str, str, object]] = {
    "read": ("GET", "", None),
    "write": ("PUT", "", {"agent": "codex"}),
    "several keys": ("PUT", "/credentials", {"openai": SECRET}),
    "one key": ("GET", "/provider-credentials?provider=openai", None),
    "a key": ("PUT", "/provider-credentials", {"provider": "openai", "secret": SECRET}),
    "Fly": ("PUT", "/fly", {"app": "workers"}),
    "providers": ("GET", "/providers", None),
    "a check": ("POST", "/validate/openai", {"secret": SECRET}),
}
SCOPED = [name for name in ROUTES if name != "providers"]


async def on(office: Office, name: str, scope: str = "user", **more: Any) -> Told:
    method, path, body = ROUTES[name]
    sign = "&" if "?" in path else "?"
    return await office.ask(method, f"{path}{sign}scope={scope}", body, **more)


async def nothing_is_kept(office: Office) -> None:
    for scope in ("user:1", f"installation:{ORG}", f"installation:{OTHERS}"):
        assert (await office.store.scopes.defaults(scope)).updated_at is None
        assert await office.store.scopes.secrets(scope) == {}


@pytest.mark.parametrize("name", ROUTES)
async def test_who_has_not_signed_in_is_told_nothing(office: Office, name: str) -> None:
    told = await on(office, name, headers={})
    assert (told.status, told.body["code"]) == (401, "unauthorized")
    await nothing_is_kept(office)


@pytest.mark.parametrize("name", ROUTES)
async def test_a_key_is_no_session(office: Office, name: str) -> None:
    desk = KeyDesk(office.store.people, office.vault, lambda: NOON)
    key = await desk.new_key(ADA, "a test's", frozenset(SCOPES), None)
    told = await on(office, name, headers={"Authorization": f"Bearer {key.secret}"})
    assert (told.status, told.body["code"]) == (403, "forbidden")
    await nothing_is_kept(office)


@pytest.mark.parametrize("name", [name for name in ROUTES if ROUTES[name][0] != "GET"])
async def test_another_sites_page_changes_nothing(office: Office, name: str) -> None:
    cookie = {"Cookie": office.headers["Cookie"]}
    for headers in (cookie, {**cookie, "Sec-Fetch-Site": "cross-site"}):
        told = await on(office, name, headers=headers)
        assert told.status == 403
    await nothing_is_kept(office)


@pytest.mark.parametrize("name", SCOPED)
@pytest.mark.parametrize("scope", [OTHERS, ENTERPRISE, 999])
async def test_an_installation_that_is_not_yours_is_not_there(
    office: Office, name: str, scope: int
) -> None:
    told = await on(office, name, f"installation:{scope}")
    assert (told.status, told.body["detail"]) == (
        404,
        "There is no installation of this number, or it is not yours.",
    )
    await nothing_is_kept(office)
    assert office.providers.asked == []


@pytest.mark.parametrize(("role", "state"), [("member", "active"), ("admin", "pending")])
async def test_members_of_an_organisation_do_not_administer_it(
    office: Office, role: str, state: str
) -> None:
    office.sees(role, state)
    assert (await on(office, "write", f"installation:{ORG}")).status == 404
    office.github.on("GET", MEMBERSHIP, Reply(404, {"message": "Not Found"}))
    assert (await on(office, "write", f"installation:{ORG}")).status == 404
    await nothing_is_kept(office)


async def test_where_members_are_not_told_the_remedy_is(office: Office) -> None:
    message = {"message": "Resource not accessible by integration"}
    office.github.on("GET", MEMBERSHIP, Reply(403, message))
    told = await on(office, "write", f"installation:{ORG}")
    assert (told.status, told.body["code"]) == (403, "members_unknown")
    assert "grants the App the organisation permission Members: read" in told.body["detail"]
    await nothing_is_kept(office)


@pytest.mark.parametrize("scope", [HERS, ORG])
async def test_an_accounts_owner_and_an_organisations_admin_may(office: Office, scope: int) -> None:
    for name in SCOPED:
        told = await on(office, name, f"installation:{scope}")
        assert told.status == 200, told.text
    assert (await office.get(f"?scope=installation:{scope}"))["scope"] == f"installation:{scope}"
    assert (await office.get())["credentials"]["openai"]["configured"] is False
    tokens = {one.headers["authorization"] for one in office.github.to(PLACES)}
    assert tokens == {"Bearer ghu_ada"}, "GitHub is asked in the person's own name"


async def test_an_installation_on_a_later_page_is_found(office: Office) -> None:
    one, other = office.place(7, 5, "x", "User"), office.place(HERS, ADA.id, "ada", "User")
    link = {"Link": f'<{office.github.url}{PLACES}2>; rel="next"'}
    office.github.on("GET", PLACES, Reply(200, {"installations": [one]}, link))
    office.github.on("GET", f"{PLACES}2", Reply(200, {"installations": [other]}))
    assert (await on(office, "read", f"installation:{HERS}")).status == 200
    office.github.on("GET", PLACES, Reply(200, {"installations": []}, link))
    assert (await on(office, "read", f"installation:{HERS}")).status == 404
    endless = {"Link": f'<{office.github.url}{PLACES}>; rel="next"'}
    office.github.on("GET", PLACES, Reply(200, {"installations": [one]}, endless))
    assert (await on(office, "read", f"installation:{HERS}")).status == 404


async def test_where_github_does_not_say_it_is_no_404(office: Office) -> None:
    office.github.on("GET", PLACES, Reply(500))
    assert (await on(office, "write", f"installation:{HERS}")).status == 503
    office.sees()
    office.github.on("GET", MEMBERSHIP, Reply(422, {"message": "what?"}))
    assert (await on(office, "write", f"installation:{ORG}")).status == 503
    office.wallet.lost.add(ADA.id)
    told = await on(office, "write", f"installation:{HERS}")
    assert (told.status, told.body["code"]) == (401, "sign_in_again")
    assert (await on(office, "write")).status == 200, "one's own needs no GitHub"
    await nothing_is_kept_of(office, f"installation:{HERS}")


async def nothing_is_kept_of(office: Office, scope: str) -> None:
    assert (await office.store.scopes.defaults(scope)).updated_at is None


@pytest.mark.parametrize("scope", ["me", "user:2", "installation:", "installation:0", "x" * 999])
@pytest.mark.parametrize("name", SCOPED)
async def test_a_scope_that_is_none(office: Office, name: str, scope: str) -> None:
    told = await on(office, name, scope)
    assert (told.status, told.body["code"]) == (400, "bad_scope")


async def test_defaults_are_replaced_whole(office: Office) -> None:
    assert await office.get() == snapshot(
        {
            "scope": "user",
            "defaults": {
                "agent": None,
                "model": None,
                "runner": None,
                "image": None,
                "timeLimit": None,
                "maxCost": None,
                "concurrency": None,
            },
            "updatedAt": None,
            "offered": {
                "agents": ["command", "codex"],
                "runners": ["process"],
                "images": ["one:1", "two:2"],
                "timeLimit": 1800,
                "maxCost": None,
                "concurrency": 3,
            },
            "credentials": {
                "anthropic": {
                    "configured": False,
                    "last4": None,
                    "updatedAt": None,
                    "validatedAt": None,
                },
                "openai": {
                    "configured": False,
                    "last4": None,
                    "updatedAt": None,
                    "validatedAt": None,
                },
                "gemini": {
                    "configured": False,
                    "last4": None,
                    "updatedAt": None,
                    "validatedAt": None,
                },
                "openrouter": {
                    "configured": False,
                    "last4": None,
                    "updatedAt": None,
                    "validatedAt": None,
                },
                "mistral": {
                    "configured": False,
                    "last4": None,
                    "updatedAt": None,
                    "validatedAt": None,
                },
                "deepseek": {
                    "configured": False,
                    "last4": None,
                    "updatedAt": None,
                    "validatedAt": None,
                },
                "groq": {
                    "configured": False,
                    "last4": None,
                    "updatedAt": None,
                    "validatedAt": None,
                },
                "xai": {"configured": False, "last4": None, "updatedAt": None, "validatedAt": None},
            },
            "fly": {
                "app": None,
                "region": None,
                "size": None,
                "token": {
                    "configured": False,
                    "last4": None,
                    "updatedAt": None,
                    "validatedAt": None,
                },
            },
        }
    )
    whole = {
        "agent": "codex",
        "model": "openai/gpt-5",
        "runner": "process",
        "image": "two:2",
        "timeLimit": 600,
        "maxCost": 2.5,
        "concurrency": 2,
    }
    told = await office.put("", whole)
    assert (told.status, told.body["defaults"]) == (200, whole)
    assert told.body["updatedAt"] == "2026-03-01T12:00:00Z"
    assert (await office.get())["defaults"] == whole
    told = await office.put("", {"max_cost": 5})
    assert told.body["defaults"] == {**dict.fromkeys(whole), "maxCost": 5.0}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"agent": "gone"}, ["agent"]),
        ({"agent": "gone", "runner": "gone", "image": "gone:1"}, ["agent", "runner", "image"]),
        ({"agent": "no name!"}, ["agent"]),
        ({"agent": ""}, ["agent"]),
        ({"agent": 7}, ["agent"]),
        ({"model": "/x"}, ["model"]),
        ({"image": "UPPER"}, ["image"]),
        ({"timeLimit": 59}, ["timeLimit"]),
        ({"timeLimit": 86_401}, ["timeLimit"]),
        ({"timeLimit": "600"}, ["timeLimit"]),
        ({"maxCost": 0}, ["maxCost"]),
        ({"maxCost": 1e99}, ["maxCost"]),
        ({"concurrency": 0}, ["concurrency"]),
        ({"concurrency": 101}, ["concurrency"]),
        ({"colour": "red"}, ["colour"]),
        ({"timeLimit": 60, "time_limit": 60}, ["time_limit"]),
    ],
)
async def test_defaults_that_cannot_be(
    office: Office, body: dict[str, object], fields: list[str]
) -> None:
    told = await office.put("", body)
    assert (told.status, told.fields) == (422, fields)
    await nothing_is_kept(office)


@pytest.mark.parametrize("name", [name for name in ROUTES if ROUTES[name][0] != "GET"])
async def test_a_body_that_is_none(office: Office, name: str) -> None:
    method, path, _ = ROUTES[name]
    assert (await office.ask(method, path, data="{")).status == 400
    assert (await office.ask(method, path, data="[]")).status == 422
    headers = {**office.headers, "Content-Type": "text/plain"}
    assert (await office.ask(method, path, data="{}", headers=headers)).status == 415
    assert (await office.ask(method, path, data=f'"{"x" * 2_000_000}"')).status == 413
    await nothing_is_kept(office)


async def test_keys_come_in_and_never_go_out(office: Office) -> None:
    with capture_logs() as logs:
        told = await office.put("/credentials", {"anthropic": f"  {SECRET}\n", "xai": None})
        one = await office.get("/provider-credentials?provider=anthropic")
        seen = [told.text, json.dumps(one), json.dumps(await office.get()), repr(logs)]
    assert told.status == 200
    assert one == snapshot(
        {
            "configured": True,
            "last4": "4711",
            "updatedAt": "2026-03-01T12:00:00Z",
            "validatedAt": None,
        }
    )
    assert told.body["credentials"]["anthropic"] == one
    assert next(iter(told.body["credentials"])) == "anthropic"
    assert all(SECRET not in text for text in seen)
    assert "keys changed" in seen[-1]
    kept = (await office.store.scopes.secrets("user:1"))["anthropic"]
    assert SECRET.encode() not in kept.secret
    assert office.vault.unseal(kept.secret) == SECRET
    assert SECRET not in repr(kept)


async def test_what_is_left_out_stays_and_null_removes(office: Office) -> None:
    await office.put("/credentials", {"anthropic": SECRET, "openai": SECRET})
    told = await office.put("/credentials", {"openai": None, "groq": SECRET})
    known = {name for name, one in told.body["credentials"].items() if one["configured"]}
    assert known == {"anthropic", "groq"}
    told = await office.put("/provider-credentials", {"provider": "groq", "secret": None})
    assert (told.status, told.body["configured"]) == (200, False)
    assert set(await office.store.scopes.secrets("user:1")) == {"anthropic"}


@pytest.mark.parametrize(
    "secret", ["", "  ", "short", "a b c d e f g", "line\nbreak-in-it", "ünïcödé-key", "x" * 513, 7]
)
async def test_a_key_that_cannot_be_one_is_refused_and_not_quoted(
    office: Office, secret: object
) -> None:
    for path, body, where in (
        ("/credentials", {"anthropic": SECRET, "openai": secret}, "openai"),
        ("/provider-credentials", {"provider": "openai", "secret": secret}, "secret"),
        ("/fly", {"app": "workers", "token": secret}, "token"),
    ):
        if path == "/fly" and secret == "x" * 513:
            continue
        told = await office.put(path, body)
        assert (told.status, told.fields) == (422, [where])
        assert not str(secret).strip() or len(str(secret)) < 5 or str(secret) not in told.text
    await nothing_is_kept(office)


async def test_a_provider_that_nobody_knows(office: Office) -> None:
    told = await office.put("/credentials", {"acme": SECRET})
    assert (told.status, told.fields) == (422, ["acme"])
    told = await office.put("/provider-credentials", {"provider": "fly", "secret": SECRET})
    assert (told.status, told.fields) == (422, ["provider"])
    for query in ("", "?provider=acme", "?provider=fly"):
        assert (await office.ask("GET", f"/provider-credentials{query}")).status == 422
    assert (await office.ask("POST", "/validate/acme", {"secret": SECRET})).status == 404


async def test_fly_keeps_its_token_unless_it_is_named(office: Office) -> None:
    whole = {"app": "workers", "region": "ams", "size": "shared-cpu-2x"}
    told = await office.put("/fly", {**whole, "token": "FlyV1 fm2_secret"})
    assert told.body == {
        **whole,
        "token": {
            "configured": True,
            "last4": "cret",
            "updatedAt": "2026-03-01T12:00:00Z",
            "validatedAt": None,
        },
    }
    told = await office.put("/fly", {"app": "others"})
    assert (told.body["region"], told.body["token"]["last4"]) == (None, "cret")
    assert "fly" not in (await office.get())["credentials"]
    told = await office.put("/fly", {"app": "others", "token": None})
    assert told.body["token"]["configured"] is False
    assert (await office.get())["fly"]["app"] == "others"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"app": "UPPER"}, "app"),
        ({"app": "../x"}, "app"),
        ({"region": "amsterdam"}, "region"),
        ({"size": "huge"}, "size"),
        ({"size": "shared-cpu-0x"}, "size"),
    ],
)
async def test_fly_settings_that_cannot_be(office: Office, body: object, where: str) -> None:
    told = await office.put("/fly", body)
    assert (told.status, told.fields) == (422, [where])


async def test_the_providers_are_told(office: Office) -> None:
    told = await office.get("/providers")
    assert [one["name"] for one in told["providers"]] == snapshot(
        ["anthropic", "openai", "gemini", "openrouter", "mistral", "deepseek", "groq", "xai"]
    )
    assert told["providers"][0] == snapshot(
        {
            "name": "anthropic",
            "title": "Anthropic",
            "variables": ["ANTHROPIC_API_KEY"],
            "models": ["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"],
            "keysUrl": "https://console.anthropic.com/settings/keys",
        }
    )


async def test_a_given_key_is_asked_about_and_not_kept(office: Office) -> None:
    office.providers.good.add(SECRET)
    with capture_logs() as logs:
        good = await office.ask("POST", "/validate/openai", {"secret": f" {SECRET}\n"})
        bad = await office.ask("POST", "/validate/openai", {"secret": f"{SECRET}-else"})
        office.providers.status = 429
        neither = await office.ask("POST", "/validate/openai", {"secret": f"{SECRET}-else"})
    assert [one.body["result"] for one in (good, bad, neither)] == ["valid", "invalid", "unknown"]
    assert SECRET not in f"{logs}{good.text}{bad.text}{neither.text}"
    await nothing_is_kept(office)


async def test_the_stored_key_is_marked_when_it_is_taken(office: Office) -> None:
    await office.put("/credentials", {"openai": SECRET})
    path = "/provider-credentials?provider=openai"
    office.providers.good.add(SECRET)
    for body in (None, {}, {"secret": None}):
        told = await office.ask("POST", "/validate/openai", body)
        assert told.body["result"] == "valid", told.text
    assert (await office.get(path))["validatedAt"] == "2026-03-01T12:00:00Z"
    office.providers.good.clear()
    office.providers.status = 503
    await office.ask("POST", "/validate/openai")
    assert (await office.get(path))["validatedAt"], "unknown says nothing"
    office.providers.status = 401
    await office.ask("POST", "/validate/openai")
    assert (await office.get(path))["validatedAt"] is None
    office.providers.good.add(SECRET)
    await office.ask("POST", "/validate/openai")
    await office.put("/credentials", {"openai": f"{SECRET}-new"})
    assert (await office.get(path))["validatedAt"] is None, "another key was not asked about"


async def test_nothing_stored_is_nothing_to_ask_about(office: Office) -> None:
    told = await office.ask("POST", "/validate/openai")
    assert (told.status, told.body["code"]) == (409, "no_secret")
    await office.put("/credentials", {"openai": SECRET})
    sealed = replace(
        (await office.store.scopes.secrets("user:1"))["openai"],
        secret=Vault(b"another").seal(SECRET),
    )
    await office.store.scopes.keep_secrets("user:1", {"openai": sealed}, NOON)
    told = await office.ask("POST", "/validate/openai")
    assert (told.status, told.body["code"]) == (409, "unreadable")
    told = await office.ask("POST", "/validate/openai", {"secret": "two words here"})
    assert (told.status, told.fields) == (422, ["secret"])
    assert office.providers.asked == []


async def test_fly_is_asked_about_an_app(office: Office) -> None:
    body = {"secret": "FlyV1 fm2_secret"}
    office.providers.good.add("fm2_secret")
    told = await office.ask("POST", "/validate/fly", body)
    assert (told.status, told.fields) == (422, ["app"])
    told = await office.ask("POST", "/validate/fly", {**body, "app": "../../v1/apps"})
    assert (told.status, told.fields) == (422, ["app"])
    told = await office.ask("POST", "/validate/fly", {**body, "app": "given"})
    assert told.body["result"] == "valid"
    await office.put("/fly", {"app": "stored", "token": "fm2_secret"})
    told = await office.ask("POST", "/validate/fly")
    assert told.body["result"] == "valid"
    assert [one.path for one in office.providers.asked] == ["/v1/apps/given", "/v1/apps/stored"]
    assert (await office.get())["fly"]["token"]["validatedAt"]


async def test_two_who_change_the_same_defaults_do_not_undo_each_other(office: Office) -> None:
    tag = (await office.ask("GET", "")).headers["ETag"]

    async def change(body: object, seen: str) -> Told:
        return await office.ask("PUT", "", body, headers={**office.headers, "If-Match": seen})

    first = await change({"maxCost": 5}, tag)
    assert first.status == 200
    second = await change({"model": "acme/best"}, tag)
    assert (second.status, second.body["code"]) == (412, "changed")
    assert (await change({"model": "acme/best"}, "what is no tag")).status == 412
    found = await office.get()
    assert (found["defaults"]["maxCost"], found["defaults"]["model"]) == (5, None)
    both = {"maxCost": 5, "model": "acme/best"}
    assert (await change(both, f'"another", {first.headers["ETag"]}')).status == 200
    assert (await change({"maxCost": 6}, "*")).status == 200
    assert (await office.put("", {"maxCost": 7})).status == 200


async def test_nobody_tries_keys_in_bulk(tmp_path: Path) -> None:
    async with opened(tmp_path, Limits(creations=2)) as office:
        told = [await office.ask("POST", "/validate/openai", {"secret": SECRET}) for _ in range(3)]
        assert [one.status for one in told] == [200, 200, 429]
        assert len(office.providers.asked) == 2
        assert told[-1].headers["Retry-After"]


async def test_what_people_set_for_themselves_is_apart(office: Office) -> None:
    await office.put("/credentials", {"openai": SECRET})
    await office.put("", {"agent": "codex"})
    office.headers = await sign_in(office.store, BOB, lambda: NOON, office.vault)
    found = await office.get()
    assert found["defaults"]["agent"] is None
    assert not any(one["configured"] for one in found["credentials"].values())
