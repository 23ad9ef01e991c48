"""Webhooks: signed, in order, with a time limit, logged, and never repeated by themselves."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from simulator import Delivery
from simulator.hooks import headers
from tests.simulator_support import Place, Receiver, receiving, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LOG = "/app/hook/deliveries"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@pytest.fixture
async def place(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Place]:
    async with running(tmp_path, delivery_limit=0.2) as made:
        made.sim.webhook_url = receiver.url
        yield made


async def test_a_comment_arrives_signed_and_whole(place: Place, receiver: Receiver) -> None:
    issue = place.sim.open_issue(place.repo, author="alice", title="T", body="B")
    place.sim.comment(issue, author="alice", body="/fix ü")
    await place.sim.settled()
    assert receiver.events == [("issues", "opened"), ("issue_comment", "created")]
    sent, body = receiver.got[1]
    secret = place.sim.app.webhook_secret.encode()
    assert sent["X-Hub-Signature-256"] == "sha256=" + hmac.digest(secret, body, "sha256").hex()
    assert sent["X-Hub-Signature"] == "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest()
    assert sent["X-GitHub-Hook-Installation-Target-ID"] == str(place.sim.app.app_id)
    assert sent["X-GitHub-Hook-Installation-Target-Type"] == "integration"
    assert sent["User-Agent"].startswith("GitHub-Hookshot/")
    payload = json.loads(body)
    assert payload["comment"]["body"] == "/fix ü"
    assert payload["comment"]["performed_via_github_app"] is None
    assert payload["sender"]["login"] == "alice"
    assert payload["installation"]["id"] == place.installation.id
    assert payload["organization"]["login"] == "acme"
    assert "pull_request" not in payload["issue"]


async def test_the_signature_is_githubs(place: Place) -> None:
    # The vector of docs.github.com, "Validating webhook deliveries".
    app = replace(place.sim.app, webhook_secret="It's a Secret to Everybody")
    delivery = Delivery(
        id=1,
        guid="g",
        event="push",
        action=None,
        body=b"Hello, World!",
        delivered_at=datetime.now(UTC),
        installation_id=None,
        repository_id=None,
    )
    assert headers(app, delivery)["X-Hub-Signature-256"] == (
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    )


async def test_the_apps_own_comments_come_back_as_its_bots(
    place: Place, receiver: Receiver
) -> None:
    place.repo.commit("topic", {"n.txt": "n\n"})
    pull = place.sim.open_pull(place.repo, author="alice", head="topic")
    path = f"/repos/acme/widgets/issues/{pull.number}/comments"
    await place.call("POST", path, await place.token(), body={"body": "done"})
    await place.sim.settled()
    payload = json.loads(receiver.got[-1][1])
    assert (payload["sender"]["type"], payload["sender"]["login"]) == ("Bot", "bellhop[bot]")
    assert payload["comment"]["performed_via_github_app"]["slug"] == "bellhop"
    assert payload["issue"]["pull_request"]["url"].endswith(f"/pulls/{pull.number}")


async def test_only_what_the_app_may_see_is_sent(place: Place, receiver: Receiver) -> None:
    other = place.sim.add_repository("bob/other")
    place.sim.open_issue(other, author="bob", title="Not installed")
    place.sim.suspend(place.installation)
    place.sim.open_issue(place.repo, author="alice", title="Suspended")
    await place.sim.settled()
    assert receiver.events == [("installation", "suspend")]
    place.sim.webhook_url = None
    place.sim.unsuspend(place.installation)
    await place.sim.settled()
    assert len(place.sim.deliveries) == 1


async def test_failures_are_logged_and_not_repeated(place: Place, receiver: Receiver) -> None:
    receiver.status = 503
    place.sim.ping()
    await place.sim.settled()
    receiver.gate.clear()
    place.sim.ping()
    await place.sim.settled()
    place.sim.webhook_url = "http://127.0.0.1:1/hook"
    place.sim.ping()
    await place.sim.settled()
    assert [(one.status, one.status_code) for one in place.sim.deliveries] == [
        ("Invalid HTTP Response: 503", 503),
        ("timed out", 0),
        ("failed to connect", 0),
    ]
    assert len(receiver.got) == 2


async def test_the_log_is_read_by_cursor_and_asked_for_redelivery(
    place: Place, receiver: Receiver
) -> None:
    receiver.status = 500
    place.sim.ping()
    await place.sim.settled()
    receiver.status = 202
    for number in range(4):
        place.sim.open_issue(place.repo, author="alice", title=str(number))
    await place.sim.settled()

    seen: list[int] = []
    url: str | None = f"{LOG}?per_page=2"
    while url:
        page = await place.call("GET", url, place.jwt())
        seen += [one["id"] for one in page.json]
        link = page.headers.get("Link", "")
        assert link == "" or link.endswith('rel="next"')
        url = link.partition(">")[0].removeprefix("<") or None
    assert seen == [one.id for one in reversed(place.sim.deliveries)]

    failed = (await place.call("GET", f"{LOG}?status=failure", place.jwt())).json
    assert [one["event"] for one in failed] == ["ping"]
    assert len((await place.call("GET", f"{LOG}?status=success", place.jwt())).json) == 4
    again = await place.call("POST", f"{LOG}/{failed[0]['id']}/attempts", place.jwt())
    assert again.status == 202
    await place.sim.settled()
    newest = (await place.call("GET", LOG, place.jwt())).json[0]
    assert (newest["guid"], newest["redelivery"], newest["status"]) == (
        failed[0]["guid"],
        True,
        "OK",
    )
    whole = (await place.call("GET", f"{LOG}/{newest['id']}", place.jwt())).json
    assert whole["request"]["headers"]["X-GitHub-Delivery"] == newest["guid"]
    assert whole["request"]["payload"]["zen"]
    assert whole["response"]["payload"] == "taken"
    assert place.sim.redeliver(place.sim.deliveries[0]).guid == newest["guid"]
    await place.sim.settled()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{LOG}?cursor=x", 400),
        (f"{LOG}?cursor=1000000002", 400),
        (f"{LOG}?status=lost", 422),
        (f"{LOG}/1", 404),
    ],
)
async def test_bad_questions_to_the_log(place: Place, path: str, status: int) -> None:
    assert (await place.call("GET", path, place.jwt())).status == status


async def test_the_log_goes_back_three_days(place: Place) -> None:
    place.sim.ping()
    await place.sim.settled()
    assert len((await place.call("GET", LOG, place.jwt())).json) == 1
    later = datetime.now(UTC) + timedelta(days=3, seconds=1)
    place.sim.now = lambda: later
    claims = {"iat": int(later.timestamp()), "exp": int(later.timestamp()) + 60}
    assert (await place.call("GET", LOG, place.jwt(**claims))).json == []
    path = f"{LOG}/{place.sim.deliveries[0].id}"
    assert (await place.call("GET", path, place.jwt(**claims))).status == 404
    assert (await place.call("POST", f"{path}/attempts", place.jwt(**claims))).status == 422
    assert (await place.call("POST", f"{LOG}/1/attempts", place.jwt(**claims))).status == 404


async def test_what_is_under_way_is_not_in_the_log_yet(place: Place, receiver: Receiver) -> None:
    place.sim.ping()
    await place.sim.settled()
    receiver.gate.clear()
    place.sim.ping()
    assert len((await place.call("GET", LOG, place.jwt())).json) == 1
    receiver.gate.set()
    await place.sim.settled()
    assert len((await place.call("GET", LOG, place.jwt())).json) == 2


async def test_only_the_app_itself_may_see_the_log(place: Place) -> None:
    place.sim.ping()
    await place.sim.settled()
    path = f"{LOG}/{place.sim.deliveries[0].id}"
    token = await place.token()
    for method, one in (("GET", LOG), ("GET", path), ("POST", f"{path}/attempts")):
        assert (await place.call(method, one, token)).status == 401
