"""Who gets what at every door: a stranger, somebody without rights, and somebody who errs."""

from __future__ import annotations

import hmac
import io
import json
import re
import sqlite3
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from bot.app import opened
from bot.http.forms import FIELD, HEADER
from bot.http.openapi_routes import ROUTES
from bot.http.pages import STATIC, is_page
from bot.http.setup import SetupDesk
from bot.http.setup_gate import Gate
from bot.keys import SCOPES
from bot.runners.base import WorkerKey
from bot.tempo import now
from bot.worker_tokens import WorkerTokens
from handlers.effects import SendWebhook
from tests.doors import API, FORM, JSON, PAGES, Bad, Door
from tests.http_github import signed_in
from tests.http_tasks import WAITS, Desk, unlimited
from tests.provider_server import FakeProviders
from tests.providers import GOOD
from tests.setup_stage import setting
from tests.signed_in import sign_in
from tests.story import Stage, staged
from tests.test_bot_openapi import settings_in

DOORS = API + PAGES
HTML = "text/html,application/xhtml+xml"
FOREIGN = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}


def called(door: Door) -> str:
    return f"{door.method} {door.path}"


@dataclass(frozen=True)
class Told:
    """An answer, read whole."""

    status: int
    text: str


@dataclass
class House:
    """A Bellhop in which everything is alice's, the installation and the operator's rights too."""

    desk: Desk
    ids: dict[str, str]
    worker: str
    key: str
    alice: dict[str, str]
    """What a page of hers sends."""
    secrets: tuple[str, ...]
    """What nobody else may read."""

    async def person(self, login: str) -> dict[str, str]:
        """What a script of our pages sends that somebody has just opened."""
        bot, clock = self.desk.stage.bot, self.desk.stage.clock
        return await sign_in(bot.store, self.desk.person(login), clock, bot.vault)

    async def may(self, door: Door) -> dict[str, str]:
        """What somebody sends who may ask."""
        match door.by:
            case "person":
                return self.alice
            case "worker":
                return {"Authorization": f"Bearer {self.worker}", "Bellhop-Instance": "instance-1"}
            case "github":
                return {"X-GitHub-Event": "issue_comment", "X-GitHub-Delivery": "one"}

    async def ask(
        self, door: Door, headers: Mapping[str, str], bad: Bad | None = None, prefix: str = ""
    ) -> Told:
        """Ask as the door says, or with what is bad instead."""
        bad = bad or Bad(0, query=door.query)
        page = door.path in {one.path for one in PAGES}
        body, media = self._body(door, bad, headers, page=page)
        sent = {"Accept": HTML if page else JSON, **headers, **bad.headers}
        if body is not None:
            sent["Content-Type"] = bad.media or media
            if door.by == "github" and "X-GitHub-Event" in headers:
                sent["X-Hub-Signature-256"] = self._signature(body)
        async with self.desk.session.request(
            door.method,
            self._url(door, bad, prefix),
            data=body and io.BytesIO(body),
            headers=sent,
            allow_redirects=False,
        ) as answer:
            first = await answer.content.read(100_000)
            return Told(answer.status, first.decode(errors="replace"))

    def _url(self, door: Door, bad: Bad, prefix: str) -> URL:
        ids = self.ids if bad.ids is None else dict.fromkeys(self.ids, bad.ids)
        path = door.path.format(**ids, act="messages").replace("/api/", f"{prefix or '/api'}/", 1)
        query = bad.query.format(**self.ids)
        base = self.desk.stage.settings.public_url
        return URL(f"{base}{path}{'?' if query else ''}{query}", encoded=True)

    def _body(
        self, door: Door, bad: Bad, headers: Mapping[str, str], *, page: bool
    ) -> tuple[bytes | None, str]:
        media = door.media or (FORM if page else JSON)
        if bad.body is not None or door.method in {"GET", "HEAD", "DELETE"}:
            return bad.body, media
        if page:
            fields = {**(door.body or {}), **bad.fields, FIELD: headers.get(HEADER, "")}
            return urlencode(fields).encode(), media
        if door.body is None:
            return (b"", media) if bad.media or door.media else (None, media)
        text = json.dumps(door.body)
        for name, value in (self.ids | {"web": self.desk.stage.settings.github_url}).items():
            text = text.replace(f"{{{name}}}", value)
        return text.encode(), media

    def _signature(self, body: bytes) -> str:
        secret = self.desk.stage.settings.webhook_secret
        assert secret is not None
        return f"sha256={hmac.digest(secret.get_secret_value().encode(), body, 'sha256').hex()}"

    def rows(self) -> set[tuple[Any, ...]]:
        """All that could be changed by asking."""
        settings = self.desk.stage.settings
        with closing(sqlite3.connect(settings.data / settings.database)) as db:
            return {
                (table, *row)
                for table, what in (
                    ("tasks", "id, status, doc ->> '$.attempt'"),
                    ("timeline", "*"),
                    ("keys", "id, name, expires_at"),
                    ("webhook_secrets", "*"),
                    ("sessions WHERE login = 'alice'", "id, expires_at"),
                    ("preferences", "*"),
                    ("provider_secrets", "*"),
                    ("fly_settings", "*"),
                    ("outbound", "id"),
                    ("deliveries", "id"),
                    ("user_tokens", "*"),
                )
                for row in db.execute(f"SELECT {what} FROM {table}")
            }


@asynccontextmanager
async def house(folder: Path) -> AsyncGenerator[House]:
    """Alice has one of everything, and a worker that is at work and says nothing."""
    async with FakeProviders(good={GOOD}).serve() as providers, ClientSession() as session:

        def prepare(stage: Stage) -> None:
            unlimited(stage)
            stage.provider_bases |= providers.bases
            own = stage.sim.add_repository("alice/own", {"README.md": "# Own\n"}, private=True)
            stage.installation = stage.sim.install(own)
            stage.issue = stage.sim.open_issue(own, author="alice", title="It is broken")
            stage.repository = own

        async with staged(folder, prepare=prepare, agent_command=WAITS, admins=("alice",)) as stage:
            yield await _furnished(Desk(stage, session))


async def _furnished(desk: Desk) -> House:
    stage, store, alice = desk.stage, desk.stage.bot.store, desk.person("alice")
    stage.comments("alice", "/fix What only alice knows.")
    task = await stage.in_state("working")
    await stage.freeze_worker()
    for login in ("alice", "visitor"):
        await signed_in(desk, login)
    key = await desk.keys.new_key(alice, "What alice calls it", frozenset(SCOPES), None)
    secret = await desk.keys.new_webhook_secret(alice)
    assert secret is not None
    name = f"msg_{1:032x}_1"
    url, body = "https://127.0.0.1/hook", '{"type": "task.failed", "data": {}}'
    message = SendWebhook(name, name, task.id, 1, alice.id, url, body)
    await store.outbound.keep(message, "127.0.0.1", stage.clock())
    (session, *_) = await store.people.sessions_of(alice.id, stage.clock())
    ids = {
        "task_id": task.id,
        "delivery_id": name,
        "key_id": key.key.id,
        "secret_id": secret.kept.id,
        "session_id": session.id,
        "installation_id": str(stage.installation.id),
        "provider": "anthropic",
        "owner": "alice",
        "repo": "own",
        "number": str(stage.issue.number),
    }
    worker = WorkerKey(task.id, task.attempt, task.launch)
    token = WorkerTokens(stage.bot.vault.worker_key).make(worker)
    known = ("What only alice knows", "What alice calls it", key.secret, secret.secret, token)
    page = await sign_in(store, alice, stage.clock, stage.bot.vault)
    return House(desk, ids, token, key.secret, page, known)


def wrong(door: Door, answer: Told, expected: int) -> str | None:
    """What is wrong with an answer, if anything is."""
    if answer.status == expected:
        return None
    return f"{called(door)}: {answer.status} and not {expected}: {answer.text[:200]}"


@pytest.mark.timeout(200)
async def test_everybody_gets_at_every_door_what_the_table_says(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        found: list[str | None] = [
            *[one async for one in _strangers(here)],
            *[one async for one in _outsiders(here)],
            *[one async for one in _mistakes(here)],
        ]
    told(found)


def told(found: list[str | None]) -> None:
    """Fail with everything that was found."""
    lines = [one for one in found if one]
    assert not lines, "\n".join(lines)


async def _strangers(here: House) -> AsyncGenerator[str]:
    before = here.rows()
    for door in DOORS:
        for one, prefix in _twins(door):
            answer = await here.ask(one, {}, prefix=prefix)
            if found := wrong(one, answer, door.stranger):
                yield found
    if here.rows() != before:
        yield "a stranger changed something"


def _twins(door: Door) -> Iterator[tuple[Door, str]]:
    """The same door under its other address, and asked for its headers alone."""
    yield door, "/api"
    yield door, "/api/v1"
    if door.method == "GET" and not door.path.startswith("/api/git/"):
        yield replace(door, method="HEAD"), "/api"


async def _outsiders(here: House) -> AsyncGenerator[str]:
    before = here.rows()
    for door in DOORS:
        answer = await here.ask(door, await here.person("visitor"))
        if one := wrong(door, answer, door.outsider):
            yield one
        if leaked := [secret for secret in here.secrets if secret in answer.text]:
            yield f"{called(door)} tells {leaked}"
    if lost := before - here.rows():
        yield f"somebody without rights changed {lost}"


async def _mistakes(here: House) -> AsyncGenerator[str]:
    before = here.rows()
    for door in DOORS:
        for bad in door.bad:
            answer = await here.ask(door, await here.may(door), bad)
            if one := wrong(door, answer, bad.status):
                yield f"{one} ({bad})"
    if lost := before - here.rows():
        yield f"a mistake changed {lost}"


def without_ids(path: str) -> str:
    """An address with the patterns taken out that its parts must be like."""
    return re.sub(r"\{(\w+):[^}]*\}", r"{\1}", path)


async def test_every_route_of_the_router_is_in_the_table(tmp_path: Path) -> None:
    async with opened(settings_in(tmp_path)) as bellhop:
        app = bellhop.application()
        served = [
            (route.method, without_ids(route.resource.canonical), is_page(app, route.handler))
            for route in app.router.routes()
            if route.resource is not None
            and route.method not in {"HEAD", "*"}
            and route.resource.canonical != STATIC
            and not route.resource.canonical.startswith("/api/v1/")
        ]
    assert sorted((one.method, one.path) for one in DOORS) == sorted(
        (method, path) for method, path, _ in served
    )
    assert {(one.method, one.path) for one in PAGES} == {
        (method, path) for method, path, page in served if page
    }


def test_what_can_be_said_can_be_said_wrong() -> None:
    """Only what takes nothing has no row of mistakes; workers' routes are theirs."""
    said = {(one.method, one.path): bool(one.parameters or one.body) for one in ROUTES}
    silent = [called(one) for one in API if not one.bad and said[one.method, one.path]]
    assert silent == []
    unlike = [
        called(one)
        for one in API
        if (one.by == "worker") != bool({"workerToken"} & set(security(one)))
    ]
    assert unlike == []


def security(door: Door) -> tuple[str, ...]:
    (found,) = (one for one in ROUTES if (one.method, one.path) == (door.method, door.path))
    return found.security


async def test_what_changes_something_is_done_for_no_page_but_ours(tmp_path: Path) -> None:
    """With the cookie alone, as another site's page can send it, and with its own headers."""
    async with house(tmp_path) as here:
        before = here.rows()
        cookie = {"Cookie": here.alice["Cookie"]}
        sent = (cookie, cookie | {"Sec-Fetch-Site": "same-origin"}, here.alice | FOREIGN)
        doors = [one for one in DOORS if one.method != "GET" and one.by == "person"]
        found = [wrong(door, await here.ask(door, one), 403) for door in doors for one in sent]
        assert here.rows() >= before
    told(found)


async def test_a_key_opens_no_door_that_is_for_sessions(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        before = here.rows()
        bearer = {"Authorization": f"Bearer {here.key}"}
        doors = [(one, 403) for one in API if security(one) == ("session",)]
        doors += [(one, one.stranger) for one in PAGES]
        found = [wrong(door, await here.ask(door, bearer), status) for door, status in doors]
        assert here.rows() >= before
    told([one for one in found if one and "POST /api/auth/logout: 401" not in one])


SETUP = (
    ("GET", "/", 200, 421),
    ("GET", "/setup", 200, 421),
    ("POST", "/setup/code", 403, 421),
    ("POST", "/setup/app", 403, 421),
    ("GET", "/setup/created", 403, 421),
    ("GET", "/healthz", 200, 200),
    ("*", "/{anything}", 503, 503),
)
"""While there is no App: what somebody without the code ends at, and who comes by another name."""


async def _nobody(*_: object) -> Any:
    raise AssertionError("nobody is asked")


async def test_before_there_is_an_app_only_its_set_up_is_there(tmp_path: Path) -> None:
    app = web.Application()
    SetupDesk(settings_in(tmp_path), Gate(print, now), _nobody, _nobody, (), now).register(app)
    served = {
        (route.method, without_ids(route.resource.canonical))
        for route in app.router.routes()
        if route.resource is not None and route.resource.canonical != STATIC
    }
    assert {one for one in served if one[0] != "HEAD"} == {row[:2] for row in SETUP}
    html = {"Accept": HTML}
    found: list[str | None] = []
    async with setting(tmp_path) as place:
        for method, path, stranger, by_another_name in SETUP:
            asked = "PATCH" if method == "*" else method
            for headers, expected in (({}, stranger), ({"Host": "evil.test"}, by_another_name)):
                status = await place.status(path, asked, **html, **headers)
                if status != expected:
                    found.append(f"{asked} {path}: {status} and not {expected}")
    told(found)
