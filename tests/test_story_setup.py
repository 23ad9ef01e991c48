"""From nothing to an App that works, in one browser, without a restart."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest

from bot.settings import BadSettings
from tests.plain_browser import browsing
from tests.setup_stage import GREEN, Setting, setting
from tests.story import until


async def reply_to(place: Setting, body: str) -> list[str]:
    """Comment on a new issue and wait for what Bellhop says; delivered by a signed webhook."""
    issue = place.sim.open_issue(place.repository, author="alice", title="It is broken")
    place.sim.comment(issue, author="alice", body=body)
    await place.sim.settled()
    assert {one.status_code for one in place.sim.deliveries} == {202, 200}
    await until(lambda: len(issue.comments) > 1, "Bellhop's answer")
    return [one.body for one in issue.comments if one.user == place.sim.bot]


async def test_from_nothing_to_an_answer_on_an_issue(tmp_path: Path) -> None:
    async with setting(tmp_path, **GREEN) as place:
        confirm = await place.to_github()
        assert confirm.form.action.startswith(
            f"{place.sim.url}/organizations/acme/settings/apps/new?state="
        )
        github = await place.browser.send(confirm)
        assert "contents: write" in github.text
        done = await place.browser.send(github)
        assert (done.status, done.url.path) == (200, "/setup/created")
        assert done.headers["Cache-Control"] == "no-store"
        assert "goes on as ring-ring" in done.text
        assert place.sim.webhook_url == f"{place.url}/api/webhooks/github"
        await until(place.ready, "a Bellhop that works")
        (ready,) = place.said("ready")
        assert ready["app"] == "ring-ring"

        install = await place.browser.follow(done, "Install ring-ring on GitHub")
        landed = await place.browser.send(install, repository=str(place.repository.id))
        assert landed.url.path == "/api/auth/github/installed"
        (installation,) = (one for one in place.sim.installations.values() if not one.deleted)
        assert landed.url.query == {
            "installation_id": str(installation.id),
            "setup_action": "install",
        }
        (answer,) = await reply_to(place, "@ring-ring help")
        assert "/fix" in answer
        first = place.sim.deliveries[0]
        assert (first.event, first.action) == ("installation", "created")
        assert await place.status("/setup") == 404
        assert await place.status("/setup/created?code=x&state=y") == 404
        assert await place.status("/healthz") == 200


async def test_a_restart_finds_the_app(tmp_path: Path) -> None:
    async with setting(tmp_path, **GREEN) as place:
        await place.made()
        await until(place.ready, "a Bellhop that works")
        place.sim.install(place.repository)
        await place.sim.settled()
        await place.stop()
        place.logs.clear()
        await place.start()
        await until(place.ready, "the next start")
        assert place.said("waiting to be set up") == []
        assert await place.status("/setup") == 404
        assert len(await reply_to(place, "@ring-ring help")) == 1


async def test_what_is_missing_is_told_before_and_after(tmp_path: Path) -> None:
    async with setting(tmp_path) as place:
        asked = await place.let_in()
        assert "BELLHOP_AGENT_COMMAND" in asked.text
        github = await place.browser.send(await place.browser.send(asked, public_url=place.url))
        done = await place.browser.send(github, owner="alice")
        assert "Bellhop has stopped now" in done.text
        assert "BELLHOP_AGENT_COMMAND" in done.text
        assert place.running is not None
        with pytest.raises(BadSettings, match="BELLHOP_AGENT_COMMAND"):
            await place.running
        place.more |= GREEN
        await place.start()
        await until(place.ready, "a start with all that it needs")


async def test_nothing_else_is_there_before(tmp_path: Path) -> None:
    async with setting(tmp_path) as place, aiohttp.ClientSession(place.url) as session:
        assert await place.status("/healthz") == 200
        for method, path in (
            ("GET", "/readyz"),
            ("GET", "/"),
            ("GET", "/api/tasks"),
            ("POST", "/api/webhooks/github"),
            ("DELETE", "/setup"),
            ("GET", "/docs"),
        ):
            async with session.request(method, path) as answer:
                assert answer.status == 503, (method, path)
                assert answer.content_type == "application/problem+json"
                problem = await answer.json()
                assert problem["code"] == "not_set_up"
                assert "/setup" in problem["detail"]
        assert await place.status("/static/bellhop.css") == 200


async def test_a_stop_ends_the_set_up(tmp_path: Path) -> None:
    async with setting(tmp_path) as place:
        await place.stop()
        assert place.running is not None
        assert place.running.exception() is None
        with pytest.raises(aiohttp.ClientConnectorError):
            await place.status("/healthz")


async def test_the_connections_of_browsers_survive_the_change(tmp_path: Path) -> None:
    """Who asks while Bellhop changes over waits a moment, and is not turned away."""
    async with setting(tmp_path, **GREEN) as place:
        github = await place.browser.send(await place.to_github())
        asking = asyncio.create_task(place.browser.send(github))
        statuses: set[int] = set()
        while not await place.ready():
            statuses.add(await place.status("/healthz"))
        assert statuses == {200}
        assert (await asking).status == 200


async def test_secrets_are_nowhere_to_be_seen(tmp_path: Path) -> None:
    async with setting(tmp_path, **GREEN) as place:
        await place.made()
        await until(place.ready, "a Bellhop that works")
        await place.stop()
        app = place.sim.app
        body = app.private_key_pem.splitlines()[5]
        secrets = (app.client_secret, app.webhook_secret, body)
        kept = b"".join(one.read_bytes() for one in (tmp_path / "data").glob("bellhop*"))
        logged = json.dumps([dict(one) for one in place.logs], default=repr)
        for secret in secrets:
            assert secret not in logged
            assert not any(secret in text for text in place.browser.seen)
            assert secret.encode() not in kept
        assert app.client_id.encode() in kept


async def test_the_key_that_was_made_proves_who_the_app_is(tmp_path: Path) -> None:
    async with setting(tmp_path, **GREEN) as place:
        former = place.sim.app
        await place.made()
        now = int(time.time())
        statuses = {}
        for app in (former, place.sim.app):
            claims: dict[str, Any] = {"iat": now, "exp": now + 60, "iss": app.client_id}
            token = jwt.encode(claims, app.private_key_pem, algorithm="RS256")
            async with (
                aiohttp.ClientSession() as session,
                session.get(
                    f"{place.sim.api_url}/app", headers={"Authorization": f"Bearer {token}"}
                ) as answer,
            ):
                statuses[app.slug] = answer.status
        assert statuses == {"bellhop": 401, "ring-ring": 200}


async def test_a_second_browser_needs_a_code_of_its_own(tmp_path: Path) -> None:
    async with setting(tmp_path) as place, browsing() as other:
        code = place.code
        await place.let_in()
        page = await other.open(f"{place.url}/setup")
        assert "used in another browser" in page.text
        assert "<form" not in page.text
        async with other.session.post(
            f"{place.url}/setup/code", data={"code": code}, headers={"Origin": place.url}
        ) as answer:
            assert answer.status == 403
        assert len(place.said("waiting to be set up")) == 1
        place.clock.offset += timedelta(hours=1)
        assert "Code" in (await other.open(f"{place.url}/setup")).text
        assert len(place.said("waiting to be set up")) == 2
        assert "Public address" in (await place.let_in(other)).text
        assert "Public address" not in (await place.browser.open(f"{place.url}/setup")).text
