"""GitHub's log of deliveries, as the App reads it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.github.errors import Limited, Refused, Unavailable
from tests.github_support import Reply, scripted, simulated

LOG = "/app/hook/deliveries"
ITEM = {
    "id": 9_000_000_000_000_001,
    "guid": "g",
    "delivered_at": "2026-03-01T14:00:00+02:00",
    "redelivery": False,
    "status": "failed to connect",
    "status_code": 0,
    "event": "ping",
    "action": None,
    "installation_id": None,
}


async def test_the_log_is_read_as_the_app_page_by_page(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        town.sim.webhook_url = "http://127.0.0.1:1/hook"
        for number in range(103):
            town.sim.open_issue(town.widgets, author="acme", title=str(number), body="/ask ü")
        await town.sim.settled()
        first, following = await town.github.attempts()
        assert following is not None
        second, end = await town.github.attempts(following)
        assert ([len(first), len(second)], end) == ([100, 3], None)
        assert [one.id for one in first + second] == [
            one.id for one in reversed(town.sim.deliveries)
        ]
        last = second[-1]
        assert (last.status, last.event, last.action) == ("failed to connect", "issues", "opened")
        assert last.installation_id == town.repo.installation_id
        assert last.sent_at.utcoffset() == timedelta(0)
        body = await town.github.payload(last.id)
        assert body is not None
        assert json.loads(body) == town.sim.deliveries[0].payload
        assert body.startswith(b'{"action":"opened",'), "compact, and in GitHub's order"
        town.sim.webhook_url = None
        await town.github.redeliver(last.id)
        await town.sim.settled()
        assert (town.sim.deliveries[-1].guid, town.sim.deliveries[-1].redelivery) == (
            last.guid,
            True,
        )
        assert {one.actor for one in town.sim.requests} == {"app"}


async def test_what_is_too_old_is_refused(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        town.sim.webhook_url = "http://127.0.0.1:1/hook"
        town.sim.ping()
        await town.sim.settled()
        town.clock.now += 3 * 86_400 + 1
        number = town.sim.deliveries[0].id
        assert await town.github.attempts() == ([], None)
        with pytest.raises(Refused) as caught:
            await town.github.redeliver(number)
        assert caught.value.status == 422
        with pytest.raises(Refused) as caught:
            await town.github.payload(number)
        assert caught.value.status == 404


async def test_a_question_is_repeated_and_a_redelivery_is_not() -> None:
    async with scripted() as (github, server):
        server.on("GET", LOG, Reply(502), Reply(200, [ITEM]))
        (found,), _ = await github.attempts()
        assert (found.id, found.sent_at.isoformat()) == (
            ITEM["id"],
            "2026-03-01T12:00:00+00:00",
        )
        server.on("POST", f"{LOG}/1/attempts", Reply(500), Reply(202, {}))
        with pytest.raises(Unavailable):
            await github.redeliver(1)
        assert len(server.to(f"{LOG}/1/attempts")) == 1
        limit = Reply(403, {"message": "wait"}, {"retry-after": "60"})
        server.on("POST", f"{LOG}/1/attempts", limit)
        with pytest.raises(Limited):
            await github.redeliver(1)


@pytest.mark.parametrize("payload", [{"a": "\ud83d"}, {}])
async def test_a_payload_is_kept_as_it_is(payload: dict[str, str]) -> None:
    async with scripted() as (github, server):
        server.on("GET", f"{LOG}/1", Reply(200, {"request": {"payload": payload}}))
        body = await github.payload(1)
        assert body is not None
        assert json.loads(body) == payload


@pytest.mark.parametrize("data", [{}, {"request": None}, []])
async def test_an_answer_that_is_none_is_no_payload(data: object) -> None:
    async with scripted() as (github, server):
        server.on("GET", f"{LOG}/1", Reply(200, data))
        with pytest.raises(Unavailable):
            await github.payload(1)
