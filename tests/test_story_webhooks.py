"""A program asks for a task and is told of its end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from handlers.webhook_tries import Sending
from storage.outbound import Sent
from tests.http_tasks import Client, desk
from tests.ports import free_port
from tests.receivers import NEW, OLD, only_secrets, receiver
from tests.story import Stage, until
from tests.test_outbound_guard import Names


def message_of(task_id: str, attempt: int = 1) -> str:
    return f"msg_{task_id.replace('-', '')}_{attempt}"


async def sent(stage: Stage, task_id: str) -> Sent | None:
    return await stage.bot.store.outbound.find(message_of(task_id))


async def told(stage: Stage, task_id: str, state: Sending = Sending.DELIVERED) -> Sent:
    """Wait until a message is delivered or given up; what takes long is skipped."""

    async def met() -> bool:
        await stage._time_flies()
        now = await sent(stage, task_id)
        return now is not None and now.state is state

    await until(met, f"a message that is {state}")
    found = await sent(stage, task_id)
    assert found is not None
    return found


async def ask(client: Client, url: str, **fields: object) -> str:
    reply = await client.ask(webhookUrl=url, **fields)
    assert reply.status == 202, reply.body
    return reply.id


async def test_a_program_hears_of_the_end_with_the_pull_request(tmp_path: Path) -> None:
    async with desk(tmp_path, allow_loopback_webhooks=True) as (made, alice), receiver() as there:
        await only_secrets(made.stage, "alice", OLD)
        task_id = await ask(alice, there.url, metadata={"ticket": "7"})
        task = await made.ended(task_id)
        await told(made.stage, task_id)
        (got,) = there.got
        assert got.id == message_of(task_id)
        assert got.signed_with(OLD)
        body = json.loads(got.body)
        assert body["type"] == "task.completed"
        assert task.pull is not None
        data = body["data"]
        assert (data["taskId"], data["prUrl"]) == (task_id, task.pull.url)
        assert data["metadata"] == {"ticket": "7"}


async def test_only_the_ends_that_were_asked_for_are_told(tmp_path: Path) -> None:
    async with desk(tmp_path, allow_loopback_webhooks=True) as (made, alice), receiver() as there:
        await only_secrets(made.stage, "alice", OLD)
        task_id = await ask(alice, there.url, webhookEvents=["failed"])
        await made.ended(task_id)
        assert there.got == []
        assert await sent(made.stage, task_id) is None


async def test_one_that_is_down_hears_of_it_when_it_is_back_although_all_else_is_gone(
    tmp_path: Path,
) -> None:
    port = free_port()
    async with desk(tmp_path, allow_loopback_webhooks=True) as (made, alice):
        stage = made.stage
        await only_secrets(made.stage, "alice", OLD)
        task_id = await ask(alice, f"http://127.0.0.1:{port}/hook")
        await made.ended(task_id)

        async def tried() -> bool:
            await stage._time_flies()
            now = await sent(stage, task_id)
            return now is not None and len(now.tries) == 4

        await until(tried, "the tries of the first seconds")
        assert (await alice.call("DELETE", f"/tasks/{task_id}")).status in {200, 202}
        await made.gone(task_id)
        await stage.stop()
        async with receiver(port=port) as there:
            await stage.start()
            await only_secrets(made.stage, "alice", NEW)
            stage.time_passes(minutes=6)
            found = await told(stage, task_id)
            assert [one.status for one in found.tries] == [None, None, None, None, 204]
            assert there.got[0].id == message_of(task_id)
            assert there.got[0].signed_with(NEW)


async def test_a_slow_one_holds_up_nobody(tmp_path: Path) -> None:
    held = asyncio.Event()
    async with (
        desk(tmp_path, allow_loopback_webhooks=True) as (made, alice),
        receiver(held=held) as there,
    ):
        await only_secrets(made.stage, "alice", OLD)
        first = await ask(alice, there.url)
        await made.in_state(first, "completed")
        await until(lambda: len(there.got) == 1, "the message")
        second = (await alice.ask()).id
        await made.in_state(second, "completed")
        held.set()
        await told(made.stage, first)


class Refusals:
    """What is said of URLs when they are given."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def of(self, url: str) -> str | None:
        reply = await self._client.ask(webhookUrl=url)
        if reply.status == 202:
            return None
        assert (reply.status, reply.fields) == (422, ["webhookUrl"])
        return reply.body["detail"]


NOT_ALLOWED = "This URL is not called: its address is not allowed."
NO_NAME = "This URL is not called: its host has no address that is allowed."


async def test_urls_that_are_not_called_are_refused_when_given(tmp_path: Path) -> None:
    names = Names(
        good=[["93.184.215.14"]],
        home=[["127.0.0.1"]],
        metadata=[["169.254.169.254"]],
        mapped=[["::ffff:10.0.0.1"]],
        nat64=[["64:ff9b::7f00:1"]],
    )
    async with desk(tmp_path, resolver=names) as (made, alice):
        await only_secrets(made.stage, "alice", OLD)
        said = Refusals(alice)
        assert await said.of("https://127.0.0.1/") == NOT_ALLOWED
        for host in ("home", "metadata", "mapped", "nat64", "nowhere"):
            assert await said.of(f"https://{host}.test/") == NO_NAME
        assert await said.of("http://127.0.0.1:8080/") == (
            "This URL is not called: it must begin with https://."
        )
        assert await made.count() == 0
        assert await said.of("https://good.test/hook") is None


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254"])
async def test_a_host_that_turns_private_is_not_connected_to(tmp_path: Path, address: str) -> None:
    async with receiver() as there:
        names = Names(hook=[["93.184.215.14"], [address]])
        async with desk(tmp_path, resolver=names, webhook_ports=(there.port,)) as (made, alice):
            await only_secrets(made.stage, "alice", OLD)
            task_id = await ask(alice, f"https://hook.test:{there.port}/")
            await made.ended(task_id)
            found = await told(made.stage, task_id, Sending.WAITING)
            assert {one.error for one in found.tries} == {"its host has no address that is allowed"}
        assert there.got == []


async def test_a_host_that_nobody_looks_up_in_time_is_asked_for_later(tmp_path: Path) -> None:
    async with desk(tmp_path, resolver=Names(hook=[1.0, ["93.184.215.14"]])) as (made, alice):
        await only_secrets(made.stage, "alice", OLD)
        late = await alice.ask(webhookUrl="https://hook.test/")
        assert (late.status, late.body["code"]) == (503, "lookup_failed")
        assert late.headers["Retry-After"] == "5"
        assert (await alice.ask(webhookUrl="https://hook.test/")).status == 202
