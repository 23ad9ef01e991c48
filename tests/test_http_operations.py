"""What operators ask: who may, and what they are told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from tests.http_tasks import Client, Desk, Reply, desk
from tests.story import until

COMMENTS = r"/repos/acme/widgets/issues/\d+/comments$"
TOKEN = "a-token-of-its-own"


@contextlib.asynccontextmanager
async def operated(folder: Path) -> AsyncGenerator[tuple[Desk, Client, Client]]:
    """A stage with bob, who operates it, and alice, who does not."""
    async with desk(folder, admins=("bob",), metrics_token=TOKEN) as (made, alice):
        yield made, await made.client("bob"), alice


async def get(client: Client, path: str, key: str | None) -> Reply:
    """Ask for a route that need not be below `/api`."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    url = URL(f"{client.stage.settings.public_url}{path}")
    async with client.session.get(url, headers=headers) as answer:
        return Reply(answer.status, await answer.read(), answer.headers)


PATHS = ("/api/startup/check", "/api/v1/startup/check", "/api/rate-limit", "/metrics")


async def test_only_operators_are_told(tmp_path: Path) -> None:
    async with operated(tmp_path) as (_, bob, alice):
        for path in PATHS:
            stranger = await get(bob, path, None)
            assert stranger.status == 401
            assert stranger.headers["WWW-Authenticate"] == "Bearer"
            assert (await get(bob, path, "bh_none")).status == 401
            assert (await get(bob, path, "\u00e9")).status == 401
            assert (await get(bob, path, alice.key)).status == 403
            assert (await get(bob, path, bob.key)).status == 200


async def test_the_token_opens_metrics_and_nothing_else(tmp_path: Path) -> None:
    async with operated(tmp_path) as (_, bob, _alice):
        assert (await get(bob, "/metrics", TOKEN)).status == 200
        assert (await get(bob, "/metrics", f"{TOKEN}x")).status == 401
        assert (await get(bob, "/api/rate-limit", TOKEN)).status == 401
        url = URL(f"{bob.stage.settings.public_url}/metrics")
        async with bob.session.get(url, headers={"Authorization": f"Basic {TOKEN}"}) as answer:
            assert answer.status == 401


async def test_without_a_token_there_is_none(tmp_path: Path) -> None:
    async with desk(tmp_path) as (_, alice):
        assert (await get(alice, "/metrics", "")).status == 401
        assert (await get(alice, "/metrics", alice.key)).status == 403


def read(reply: Reply) -> dict[tuple[str, tuple[str, ...]], float]:
    """The samples of an answer."""
    assert reply.headers["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(reply.raw.decode())
        for sample in family.samples
    }


async def test_a_task_leaves_its_traces_in_the_metrics(tmp_path: Path) -> None:
    async with operated(tmp_path) as (made, bob, _):
        before = read(await get(bob, "/metrics", TOKEN))
        made.stage.comments("alice", "/fix it")
        await made.stage.ended()
        after = read(await get(bob, "/metrics", TOKEN))
        installation = str(made.stage.installation.id)
    assert before["bellhop_deliveries_total", ("accepted",)] == 0
    assert before["bellhop_tasks", ("completed",)] == 0
    assert after["bellhop_deliveries_total", ("accepted",)] == 1
    assert after["bellhop_deliveries_total", ("failed",)] == 0
    assert after["bellhop_tasks", ("completed",)] == 1
    assert after["bellhop_queue_length", ()] == 0
    assert after["bellhop_attempt_seconds_count", ("completed",)] == 1
    assert after["bellhop_queue_wait_seconds_count", ()] == 1
    assert after["bellhop_effects_total", ("OpenPullRequest", "done")] == 1
    assert after["bellhop_github_calls_total", ("2xx",)] > 5
    assert after["bellhop_github_call_seconds_count", ()] > 5
    assert after["bellhop_transaction_seconds_count", ()] > 5
    assert after["bellhop_delivery_answer_seconds_count", ()] >= 1
    assert 0 < after["bellhop_github_limit_remaining", (installation,)] < 5000
    assert after["bellhop_ready", ()] == 1
    assert after["bellhop_disk_free_bytes", ()] > 0
    assert any(name == "bellhop_build_info" for name, _ in after)
    assert ("bellhop_database_bytes", ("bellhop.db",)) in after


async def test_what_was_missed_is_told(tmp_path: Path) -> None:
    async with operated(tmp_path) as (made, bob, _):
        stage = made.stage
        await stage.quiet()
        address, stage.sim.webhook_url = stage.sim.webhook_url, "http://127.0.0.1:1/hook"
        stage.comments("alice", "/bellhop help")
        await stage.sim.settled()
        stage.sim.webhook_url = address
        stage.time_passes(minutes=11)
        await until(lambda: len(stage.replies()) == 1, "the answer")
        await until(lambda: stage.bot.meters.looks["done"] == 2, "the end of the look")
        await stage.quiet()
        counted = read(await get(bob, "/metrics", TOKEN))
        checks = (await bob.call("GET", "/startup/check")).body["checks"]
        (told,) = (await bob.call("GET", "/deliveries?direction=inbound")).body["deliveries"]
    assert counted["bellhop_delivery_log_looks_total", ("done",)] == 2
    assert counted["bellhop_delivery_log_looks_total", ("failed",)] == 0
    assert counted["bellhop_missed_deliveries_total", ("redelivered",)] == 1
    assert counted["bellhop_missed_deliveries_total", ("lost",)] == 0
    assert counted["bellhop_missed_deliveries_waiting", ()] == 0
    (found,) = (one for one in checks if one["subject"] == "missed deliveries")
    assert found["state"] == "ok"
    assert found["detail"].endswith("; in three days 1 came when asked for again")
    assert told["via"] == "redelivery"


async def test_what_is_refused_and_what_goes_wrong_is_counted(tmp_path: Path) -> None:
    async with operated(tmp_path) as (made, bob, _):
        url = f"{made.stage.settings.public_url}/api/webhooks/github"
        async with made.session.post(url, data=b"{}") as answer:
            assert answer.status == 401
        made.stage.fault("POST", COMMENTS, "status", times=1)
        made.stage.comments("alice", "/fix it")
        await made.stage.ended()
        told = read(await get(bob, "/metrics", TOKEN))
    assert told["bellhop_deliveries_total", ("refused",)] == 1
    assert told["bellhop_github_calls_total", ("5xx",)] >= 1


async def test_what_waits_is_counted(tmp_path: Path) -> None:
    async with operated(tmp_path) as (made, bob, _):
        made.stage.fault("POST", COMMENTS, "status", times=1000)
        made.stage.comments("alice", "/fix it")
        await made.stage.in_state("completed")

        async def failing() -> dict[tuple[str, tuple[str, ...]], float]:
            while True:
                told = read(await get(bob, "/metrics", TOKEN))
                if told.get(("bellhop_effects_failing", ("Comment",))):
                    return told

        told = await asyncio.wait_for(failing(), 30)
        made.stage.sim.faults.clear()
        await made.stage.quiet()
    assert told["bellhop_effects_waiting", ("Comment",)] == 1
    assert told["bellhop_effects_total", ("Comment", "put_off")] >= 1


async def test_open_streams_are_counted(tmp_path: Path) -> None:
    async with operated(tmp_path) as (_, bob, alice):
        url = URL(f"{alice.stage.settings.public_url}/api/tasks/events")
        headers = {"Authorization": f"Bearer {alice.key}", "Accept": "text/event-stream"}
        async with alice.session.get(url, headers=headers) as stream:
            assert stream.status == 200
            assert read(await get(bob, "/metrics", TOKEN))["bellhop_event_streams", ()] == 1


async def test_the_limits_of_an_installation_are_told(tmp_path: Path) -> None:
    async with operated(tmp_path) as (made, bob, _):
        assert (await bob.call("GET", "/rate-limit")).body == {"installations": []}
        made.stage.comments("alice", "/fix it")
        await made.stage.ended()
        (told,) = (await bob.call("GET", "/rate-limit")).body["installations"]
    assert told["installationId"] == made.stage.installation.id
    (limit,) = told["limits"]
    assert (limit["resource"], limit["limit"]) == ("core", 5000)
    assert 0 < limit["remaining"] < 5000
    assert limit["resetsAt"].endswith("Z")
    pace = told["pace"]
    assert pace["minute"] == {"used": pace["hour"]["used"], "limit": 80}
    assert pace["hour"]["limit"] == 500
    assert 0 < pace["minute"]["used"] < 10
    assert (pace["waiting"], pace["resting"]) == (0, 0)


async def test_an_exhausted_installation_rests(tmp_path: Path) -> None:
    async with operated(tmp_path) as (made, bob, _):
        made.stage.fault("GET", r"/repos/acme/widgets/contents/", "rate_limited", times=1)
        made.stage.comments("alice", "/fix it")

        async def resting() -> Any:
            while True:
                for one in (await bob.call("GET", "/rate-limit")).body["installations"]:
                    if one["pace"]["resting"] > 0:
                        return one
                await asyncio.sleep(0)

        assert (await asyncio.wait_for(resting(), 30))["limits"]


async def test_a_start_is_checked_and_no_secret_is_told(tmp_path: Path) -> None:
    async with operated(tmp_path) as (made, bob, _):
        first, second = await asyncio.gather(
            bob.call("GET", "/startup/check"), bob.call("GET", "/startup/check")
        )
        settings = made.stage.settings
    assert first.body == second.body
    told = first.body
    states = {one["subject"]: one["state"] for one in told["checks"]}
    assert states["BELLHOP_APP_ID"] == states["database"] == states["GitHub"] == "ok"
    assert states["permissions"] == states["webhook"] == states["clock"] == "ok"
    assert told["ok"] == all(state != "problem" for state in states.values())
    assert told["checkedAt"].endswith("Z")
    text = first.raw.decode()
    for secret in (settings.webhook_secret, settings.private_key, settings.metrics_token):
        assert secret is not None
        assert secret.get_secret_value() not in text
    assert "PRIVATE KEY-----" not in text


async def test_what_is_wrong_has_a_remedy(tmp_path: Path) -> None:
    async with desk(tmp_path, admins=("bob",), agent_command="no-such-agent -x") as (made, _):
        told = (await (await made.client("bob")).call("GET", "/startup/check")).body
    (wrong,) = [one for one in told["checks"] if one["subject"] == "agent"]
    assert not told["ok"]
    assert wrong["state"] == "problem"
    assert "BELLHOP_AGENT_COMMAND" in wrong["remedy"]
