from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.http import problems
from bot.http.server import Runner
from bot.http.webhooks import WebhookDoor, add_webhooks
from bot.http.whole_bodies import LARGEST, SlowBodies
from handlers.deliveries import label_source
from storage.inbox import Inbox
from storage.migrations import migrations
from storage.sqlite import Engine
from tests.first_start import lay_out
from tests.payloads import review_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from aiohttp import ClientResponse

SECRET = b"It's a Secret to Everybody"
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
NOW = datetime(2026, 5, 15, tzinfo=UTC)
PERSON = {"id": 1, "login": "monalisa", "type": "User"}
PATH = "/api/webhooks/github"


def payload(text: str = "/fix it", source: int = 55) -> dict[str, Any]:
    return {
        "action": "created",
        "issue": {
            "id": 44,
            "number": 4,
            "title": "t",
            "body": "b",
            "user": PERSON,
            "state": "open",
            "html_url": "u",
        },
        "comment": {
            "id": source,
            "body": text,
            "user": PERSON,
            "html_url": "u",
            "created_at": "2026-05-15T15:20:21Z",
        },
        "repository": {"id": 3, "full_name": "o/r", "private": False, "default_branch": "main"},
        "sender": PERSON,
        "installation": {"id": 5},
    }


def labelled(label: str, **changes: Any) -> dict[str, Any]:
    made = payload() | {"action": "labeled", "label": {"id": 7, "name": label}} | changes
    del made["comment"]
    return made | {"issue": made["issue"] | {"updated_at": "2026-05-15T15:20:21Z"}}


def encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def sign(body: bytes, secret: bytes = SECRET) -> str:
    return f"sha256={hmac.digest(secret, body, 'sha256').hex()}"


OWN = {"id": 9, "login": "my-bot[bot]", "type": "Bot"}


@dataclass
class Place:
    """A bot's edge on a socket, and what is behind it."""

    client: TestClient[web.Request, web.Application]
    engine: Engine
    notified: list[None] = field(default_factory=list)

    async def send(
        self,
        body: bytes,
        *,
        event: str = "issue_comment",
        guid: str = GUID,
        path: str = PATH,
        **headers: str | None,
    ) -> ClientResponse:
        given = {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": guid,
            "X-Hub-Signature-256": sign(body),
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in given.items() if value is not None}
        response = await self.client.post(path, data=BytesIO(body), headers=sent)
        await response.read()
        return response

    async def rows(self) -> tuple[int, int]:
        return await self.engine.read(
            lambda db: db.conn.execute(
                "SELECT (SELECT count(*) FROM deliveries), (SELECT count(*) FROM candidates)"
            ).fetchone()
        )


@asynccontextmanager
async def place_in(
    folder: Path, secret: bytes = SECRET, slow: SlowBodies | None = None
) -> AsyncIterator[Place]:
    engine = await Engine.open(lay_out(folder / "edge.db"), migrations=migrations, readers=1)
    notified: list[None] = []
    numbers = iter(range(1, 1_000_000))
    app = web.Application()
    problems.install(app)
    door = WebhookDoor(
        secret=secret,
        app_id=4711,
        app_name=lambda: "my-bot",
        inbox=Inbox(engine),
        notify=lambda: notified.append(None),
        clock=lambda: NOW,
        new_id=lambda: f"task-{next(numbers)}",
        slow=slow or SlowBodies(),
        own=lambda: frozenset({"deploy"}),
        may_ask=lambda repository_id, label: (repository_id, label) == (3, "ring"),
    )
    add_webhooks(app, door)

    async def breaks(_: web.Request) -> web.Response:
        raise LookupError("a secret detail")

    async def breaks_midway(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        raise LookupError("too late")

    async def moves(_: web.Request) -> web.Response:
        raise web.HTTPFound("/elsewhere")

    async def large(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def odd(_: web.Request) -> web.Response:
        raise web.HTTPUnprocessableEntity(reason="Odd")

    async def wrong(_: web.Request) -> web.Response:
        raise problems.Problem(
            422, "Look again.", title="Bad", errors=[{"field": "prompt", "message": "is blank"}]
        )

    app.router.add_get("/breaks", breaks)
    app.router.add_get("/breaks-midway", breaks_midway)
    app.router.add_get("/moves", moves)
    app.router.add_post("/large", large)
    app.router.add_get("/odd", odd)
    app.router.add_get("/wrong", wrong)
    async with TestClient(OurServer(app)) as client:
        yield Place(client, engine, notified)
    await engine.close()


class OurServer(TestServer):
    """With the runner that Bellhop has, which answers deliveries ahead of the application."""

    async def _make_runner(self, **kwargs: Any) -> Runner:
        return Runner(self.app, **kwargs)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with place_in(tmp_path) as place:
        yield place


async def is_problem(response: ClientResponse, status: int) -> dict[str, Any]:
    assert response.status == status
    assert response.content_type == "application/problem+json"
    document = await response.json()
    assert document["status"] == status
    assert document["type"] == "about:blank"
    assert document["title"]
    assert document["detail"]
    return document


@pytest.mark.parametrize("path", [PATH, "/api/v1/webhooks/github", f"{PATH}?by=the-router"])
async def test_a_command_is_accepted_and_stored(place: Place, path: str) -> None:
    response = await place.send(encode(payload("/fix one\n\n/ask two")), path=path)
    assert response.status == 202
    assert response.content_type == "application/json"
    assert await response.json() == {
        "delivery": GUID,
        "outcome": "accepted",
        "taskIds": ["task-1", "task-2"],
    }
    assert await place.rows() == (1, 2)
    assert place.notified == [None]


async def test_house_keeping_is_stored_without_tasks(place: Place) -> None:
    body = encode(payload() | {"action": "closed"})
    response = await place.send(body, event="issues")
    assert response.status == 202
    assert await response.json() == {"delivery": GUID, "outcome": "accepted", "taskIds": []}
    assert await place.rows() == (1, 0)


@pytest.mark.parametrize(
    ("event", "body", "headers"),
    [
        ("issue_comment", payload("Thanks!"), {}),
        ("issue_comment", payload("see https://example.org/fix"), {}),
        ("issue_comment", payload() | {"action": "edited"}, {}),
        ("issue_comment", payload() | {"installation": None}, {}),
        ("issue_comment", payload(), {"X_GitHub_Hook_Installation_Target_ID": "4712"}),
        ("issue_comment", payload("/lgtm\n/assign @monalisa\n\n/deploy-it now"), {}),
        ("issues", labelled("bug"), {}),
        ("issues", labelled("ring", sender={"id": 2, "login": "b[bot]", "type": "Bot"}), {}),
        ("issues", labelled("ring") | {"action": "unlabeled"}, {}),
        ("ping", {"zen": "Design for failure."}, {}),
        ("push", {}, {}),
    ],
)
async def test_what_asks_for_nothing_costs_no_write(
    place: Place, event: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    response = await place.send(encode(body), event=event, **headers)
    assert response.status == 200
    assert await response.json() == {"delivery": GUID, "outcome": "ignored"}
    assert await place.rows() == (0, 0)
    assert place.notified == []


async def test_a_name_that_some_repository_has_is_stored(place: Place) -> None:
    response = await place.send(encode(payload("/Deploy now\n/lgtm")))
    assert (await response.json())["taskIds"] == ["task-1"]
    assert await place.rows() == (1, 1)


async def test_a_label_is_known_by_its_delivery(place: Place) -> None:
    answers = [
        await place.send(encode(labelled("ring")), event="issues", X_GitHub_Delivery=delivery)
        for delivery in (GUID, GUID, "another")
    ]
    assert [(await one.json())["outcome"] for one in answers] == [
        *("accepted", "duplicate", "accepted"),
    ]
    assert await place.rows() == (2, 2)
    sources = await place.engine.read(
        lambda db: db.conn.execute(
            "SELECT source_kind, source_id, position FROM candidates"
        ).fetchall()
    )
    assert sorted(sources) == sorted(
        ("label", label_source(delivery), 0) for delivery in (GUID, "another")
    )


async def test_a_delivery_to_this_app_by_name(place: Place) -> None:
    response = await place.send(
        encode(payload("@my-bot fix it")), X_GitHub_Hook_Installation_Target_ID="4711"
    )
    assert response.status == 202


async def test_a_form_means_the_same(place: Place) -> None:
    body = urlencode({"payload": encode(payload()).decode()}).encode()
    response = await place.send(body, Content_Type="application/x-www-form-urlencoded")
    assert response.status == 202


@pytest.mark.parametrize(
    "body", [b"", b"payload", b"other=1", b"payload=1&payload=2", b"&=" * 50, b"payload=\xff\xfe"]
)
async def test_a_form_without_one_payload(place: Place, body: bytes) -> None:
    response = await place.send(body, Content_Type="application/x-www-form-urlencoded")
    await is_problem(response, 400)


async def test_a_content_type_with_a_parameter(place: Place) -> None:
    response = await place.send(encode(payload()), Content_Type="Application/JSON; charset=utf-8")
    assert response.status == 202


@pytest.mark.parametrize("kind", ["text/plain", "application/json-seq", ""])
async def test_another_content_type(place: Place, kind: str) -> None:
    problem = await is_problem(await place.send(encode(payload()), Content_Type=kind), 415)
    assert "application/json" in problem["detail"]


SHA1 = "sha1=" + hmac.new(SECRET, encode(payload()), hashlib.sha1).hexdigest()


@pytest.mark.parametrize(
    ("signature", "legacy"),
    [
        (None, None),
        (None, SHA1),
        ("", None),
        (SHA1, SHA1),
        (sign(encode(payload()), b"another secret"), None),
        (sign(encode(payload("/fix that"))), None),
        (sign(encode(payload())).upper(), None),
        (sign(encode(payload()))[:-1], None),
        ("sha256=\u00e9\u00fc", None),
        ("sha256=", None),
    ],
)
async def test_what_is_not_signed_is_not_read(
    place: Place, signature: str | None, legacy: str | None
) -> None:
    response = await place.send(
        encode(payload()), X_Hub_Signature_256=signature, X_Hub_Signature=legacy
    )
    await is_problem(response, 401)
    assert await place.rows() == (0, 0)


async def test_github_s_own_example_of_a_signature(place: Place) -> None:
    # From docs.github.com, "Validating webhook deliveries".
    right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sign(b"Hello, World!") == right
    response = await place.send(b"Hello, World!", event="push", X_Hub_Signature_256=right)
    assert response.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X_GitHub_Event": None},
        {"X_GitHub_Event": ""},
        {"X_GitHub_Event": "Issue Comment"},
        {"X_GitHub_Event": "x" * 65},
        {"X_GitHub_Delivery": None},
        {"X_GitHub_Delivery": '"},"'},
        {"X_GitHub_Delivery": "\u00e9"},
        {"X_GitHub_Delivery": "x" * 65},
    ],
)
async def test_headers_that_are_missing_or_malformed(
    place: Place, headers: dict[str, str | None]
) -> None:
    await is_problem(await place.send(encode(payload()), **headers), 400)
    assert await place.rows() == (0, 0)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"action":"created"', b"\xff"])
async def test_a_body_that_is_no_event(place: Place, body: bytes) -> None:
    problem = await is_problem(await place.send(body), 400)
    assert "Nothing was stored" in problem["detail"]


async def test_a_body_that_is_too_large(place: Place) -> None:
    await is_problem(await place.send(b" " * (LARGEST + 1)), 413)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(LARGEST // 1_000_000 + 2):
            yield b" " * 1_000_000

    signed = {"X-Hub-Signature-256": "sha256=" + "0" * 64}
    response = await place.client.post(PATH, data=endless(), headers=signed)
    await is_problem(response, 413)


async def test_nothing_is_unpacked(place: Place) -> None:
    await is_problem(await place.send(b"x", Content_Encoding="gzip"), 415)


async def test_bodies_that_take_too_long_or_are_too_many(tmp_path: Path) -> None:
    async with place_in(tmp_path, slow=SlowBodies(time_limit=0.05)) as place:
        never = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b"{"
            await never.wait()

        signed = {"X-Hub-Signature-256": "sha256=" + "0" * 64}
        response = await place.client.post(PATH, data=slow(), headers=signed)
        await is_problem(response, 408)
    async with place_in(tmp_path, slow=SlowBodies(most=1_000_000)) as place:
        await is_problem(await place.send(b" " * 2_000_000), 503)
        body = encode(payload())
        assert (await place.send(body + b" " * 500_000)).status == 202, "what was held is free"


async def test_a_body_that_is_just_not_too_large(place: Place) -> None:
    body = encode(payload())
    response = await place.send(body + b" " * (LARGEST - len(body)))
    assert response.status == 202


async def test_without_a_secret_nothing_is_accepted(tmp_path: Path) -> None:
    async with place_in(tmp_path, secret=b"") as place:
        body = encode(payload())
        response = await place.send(body, X_Hub_Signature_256=sign(body, b""))
        problem = await is_problem(response, 503)
        assert "BELLHOP_WEBHOOK_SECRET" in problem["detail"]


async def test_the_same_delivery_ten_times_at_once(place: Place) -> None:
    responses = await asyncio.gather(*(place.send(encode(payload())) for _ in range(10)))
    assert sorted(one.status for one in responses) == [200] * 9 + [202]
    outcomes = [(await one.json())["outcome"] for one in responses]
    assert sorted(outcomes) == ["accepted"] + ["duplicate"] * 9
    assert await place.rows() == (1, 1)
    assert len(place.notified) == 1


async def test_the_same_comment_in_ten_deliveries_at_once(place: Place) -> None:
    responses = await asyncio.gather(
        *(place.send(encode(payload()), guid=f"guid-{number}") for number in range(10))
    )
    assert sorted(one.status for one in responses) == [200] * 9 + [202]
    assert await place.rows() == (1, 1)


async def test_a_flood_of_lines_is_cut(place: Place) -> None:
    response = await place.send(encode(payload("/fix\n" * 5000)))
    assert len((await response.json())["taskIds"]) == 100


async def test_a_full_disk_answers_503_and_then_works_again(place: Place) -> None:
    def fill(db: Any) -> None:
        pages = db.conn.execute("PRAGMA page_count").fetchone()[0]
        db.conn.execute(f"PRAGMA max_page_count = {pages}")

    await place.engine.write(fill)
    with structlog.testing.capture_logs() as logs:
        response = await place.send(encode(payload("/fix " + "x" * 60_000)))
    problem = await is_problem(response, 503)
    assert problem["code"] == "storage_failed"
    assert int(response.headers["Retry-After"]) > 0
    assert "disk is full" in logs[0]["problem"]
    assert await place.rows() == (0, 0)
    assert place.notified == []
    await place.engine.write(lambda db: db.conn.execute("PRAGMA max_page_count = 99999").fetchone())
    assert (await place.send(encode(payload()))).status == 202


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"text": "Hm.\n/fix it\n/ask why?"}, [("review", 5, 1), ("review", 5, 2)]),
        ({"text": "Hm.", "author": OWN}, [("review", 5, 0)]),
        ({"text": None, "author": OWN, "state": "changes_requested"}, [("review", 5, 0)]),
        ({"text": "Well done.", "author": OWN, "state": "approved"}, []),
        ({"text": "Hm."}, []),
        ({"text": "See /fixes", "state": "changes_requested"}, []),
    ],
)
async def test_a_review_that_asks_for_something_is_stored_once(
    place: Place, changes: dict[str, Any], kept: list[tuple[str, int, int]]
) -> None:
    body = review_body(**changes)
    response = await place.send(body, event="pull_request_review")
    assert response.status == (202 if kept else 200)
    again = await place.send(body, event="pull_request_review", guid="another")
    outcome = (await again.json())["outcome"]
    assert outcome == ("duplicate" if kept else "ignored")
    rows = "SELECT source_kind, source_id, position FROM candidates ORDER BY position"
    assert await place.engine.read(lambda db: db.conn.execute(rows).fetchall()) == kept
    assert await place.rows() == (int(bool(kept)), len(kept))


def recorded() -> list[Path]:
    return sorted(Path(os.environ.get("BELLHOP_PAYLOADS", "/absent")).glob("*/*.json"))


async def test_recorded_payloads(place: Place) -> None:
    if not recorded():
        assert os.environ.get("CI") != "true", "BELLHOP_PAYLOADS must name a folder of payloads"
        pytest.skip("BELLHOP_PAYLOADS names no folder of recorded payloads")
    for number, path in enumerate(recorded()):
        body, event = path.read_bytes(), path.parent.name
        response = await place.send(body, event=event, guid=f"guid-{number}")
        assert response.status in {200, 202}, path
        # Somebody who takes back their consent does so for all installations.
        if b'"installation"' not in body and event != "github_app_authorization":
            assert (await response.json())["outcome"] == "ignored", path
        sha1 = "sha1=" + hmac.new(SECRET, body, hashlib.sha1).hexdigest()
        for wrong in (
            {"X_Hub_Signature_256": None},
            {"X_Hub_Signature_256": None, "X_Hub_Signature": sha1},  # GitHub's old one, and right
            {"X_Hub_Signature_256": sha1},
            {"X_Hub_Signature_256": sign(body + b" ")},
        ):
            refused = await place.send(body, event=event, **wrong)
            assert refused.status == 401, path
        tampered = await place.send(
            body.replace(b"1", b"2", 1) + b" ", event=event, X_Hub_Signature_256=sign(body)
        )
        assert tampered.status == 401, path


@pytest.fixture(scope="module")
def status_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., int]]:
    """Send to one place from tests without an event loop of their own, as hypothesis needs it."""
    guids = (f"guid-{number}" for number in count())
    with asyncio.Runner() as runner:
        opened = place_in(tmp_path_factory.mktemp("edge"))
        place = runner.run(opened.__aenter__())

        def send(body: bytes, **headers: Any) -> int:
            return runner.run(place.send(body, **({"guid": next(guids)} | headers))).status

        yield send
        runner.run(opened.__aexit__(None, None, None))


@settings(max_examples=150, deadline=None)
@given(
    position=st.integers(0, len(encode(payload())) - 1),
    cut=st.integers(0, 30),
    put=st.binary(max_size=8) | st.sampled_from([b'"', b"\\u0000", b"\\ud800", b"1e999", b"-1"]),
    event=st.sampled_from(
        ["issue_comment", "issues", "repository", "pull_request", "installation"]
    ),
)
def test_no_mutation_of_a_body_is_our_fault(
    status_of: Callable[..., int], position: int, cut: int, put: bytes, event: str
) -> None:
    whole = encode(payload())
    body = whole[:position] + put + whole[position + cut :]
    assert status_of(body, event=event) < 500
    form = urlencode({"payload": body}).encode()[: 2 * len(body) - len(put)]
    kind = "application/x-www-form-urlencoded"
    assert status_of(form, event=event, Content_Type=kind) < 500


printable = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40
)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "X_GitHub_Event",
                "X_GitHub_Delivery",
                "X_Hub_Signature_256",
                "Content_Type",
                "X_GitHub_Hook_Installation_Target_ID",
            ]
        ),
        printable,
        max_size=5,
    )
)
def test_no_header_is_our_fault(status_of: Callable[..., int], headers: dict[str, str]) -> None:
    assert status_of(encode(payload()), **headers) < 500


async def test_every_answer_has_an_id_of_our_own(place: Place) -> None:
    responses = [
        await place.send(encode(payload())),
        await place.send(b"", X_Request_Id="mine"),
        await place.client.get("/absent", headers={"X-Request-Id": "mine"}),
        await place.client.get("/moves", allow_redirects=False),
    ]
    assert {one.headers["Server"] for one in responses} == {"bellhop"}
    ids = {one.headers["X-Request-Id"] for one in responses}
    assert len(ids) == 4
    assert "mine" not in ids


async def test_errors_of_aiohttp_are_problems(place: Place) -> None:
    await is_problem(await place.client.get("/absent"), 404)
    response = await place.client.get(PATH)
    await is_problem(response, 405)
    assert response.headers["Allow"] == "POST"
    await is_problem(await place.client.post("/large", data=BytesIO(bytes(2_000_000))), 413)
    odd = await is_problem(await place.client.get("/odd"), 422)
    assert "Odd" in odd["detail"]
    assert (await place.client.get("/moves", allow_redirects=False)).status == 302


async def test_a_problem_names_the_fields(place: Place) -> None:
    problem = await is_problem(await place.client.get("/wrong"), 422)
    assert problem == {
        "type": "about:blank",
        "title": "Bad",
        "status": 422,
        "detail": "Look again.",
        "errors": [{"field": "prompt", "message": "is blank"}],
    }


async def test_our_own_faults_are_logged_and_not_shown(place: Place) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await place.client.get("/breaks")
    problem = await is_problem(response, 500)
    assert "secret detail" not in json.dumps(problem)
    request_id = response.headers["X-Request-Id"]
    assert request_id in problem["detail"]
    assert [one["request_id"] for one in logs] == [request_id]


async def test_a_stream_that_breaks_is_cut(place: Place) -> None:
    response = await place.client.get("/breaks-midway")
    assert response.status == 200
    with pytest.raises(Exception, match="payload"):
        await response.read()
