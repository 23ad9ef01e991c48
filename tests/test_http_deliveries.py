"""What came in and what went out: looked at, and had again."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from handlers.effects import SendWebhook
from storage.candidates import Candidate
from storage.receiving import Arrival
from tests.http_tasks import Client, Desk, Reply, desk
from tests.makers import id_of
from tests.payloads import comment_body
from tests.receivers import NEW, OLD, only_secrets, receiver
from tests.story import until

NO_PLACE = "http://127.0.0.1:1/hook"


@dataclass
class Counter:
    """Where people ask about deliveries."""

    desk: Desk
    alice: Client
    bob: Client
    operator: Client

    async def message(self, login: str, number: int, url: str = NO_PLACE) -> str:
        """A message about a task of somebody's; its id."""
        owner = self.desk.stage.sim.user(login).id
        name = f"msg_{number:032x}_1"
        body = json.dumps({"type": "task.failed", "data": {}})
        effect = SendWebhook(name, name, id_of(number), 1, owner, url, body)
        store = self.desk.stage.bot.store
        await store.outbound.keep(effect, "127.0.0.1", self.desk.stage.clock())
        store.changed.set()
        return name

    async def in_state(self, name: str, state: str) -> dict[str, Any]:
        """Wait until a message is in a state; how it is told then."""
        found: dict[str, Any] = {}

        async def met() -> bool:
            await self.desk.stage._time_flies()
            for one in (await self.operator.call("GET", "/deliveries?limit=100")).body[
                "deliveries"
            ]:
                if (one["id"], one["state"]) == (name, state):
                    found.update(one)
            return bool(found)

        await until(met, f"{state} of {name}")
        return found


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncGenerator[Counter]:
    async with desk(tmp_path, allow_loopback_webhooks=True, admins=("tina",)) as (made, alice):
        await only_secrets(made.stage, "alice", OLD)
        bob = await made.client("bob")
        yield Counter(made, alice, bob, await made.client("tina"))


def ids(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.body
    return [one["id"] for one in reply.body["deliveries"]]


async def test_owners_see_their_messages_and_operators_all(counter: Counter) -> None:
    first = await counter.message("alice", 1)
    second = await counter.message("bob", 2)
    third = await counter.message("alice", 3)
    assert ids(await counter.alice.call("GET", "/deliveries")) == [third, first]
    assert ids(await counter.bob.call("GET", "/deliveries?direction=outbound")) == [second]
    assert ids(await counter.operator.call("GET", "/deliveries")) == [third, second, first]
    task = f"/deliveries?task={id_of(1)}"
    assert ids(await counter.alice.call("GET", task)) == [first]
    assert ids(await counter.alice.call("GET", f"/deliveries?task={id_of(1).upper()}")) == [first]
    assert ids(await counter.bob.call("GET", task)) == []
    assert ids(await counter.operator.call("GET", task)) == [first]


async def test_pages_lead_to_each_other(counter: Counter) -> None:
    names = [await counter.message("alice", number) for number in range(1, 6)]
    found: list[str] = []
    cursor = ""
    while True:
        reply = await counter.alice.call("GET", f"/deliveries?limit=2{cursor}")
        found += ids(reply)
        if reply.body["nextCursor"] is None:
            break
        cursor = f"&cursor={reply.body['nextCursor']}"
    assert found == names[::-1]


async def test_every_try_is_told(counter: Counter) -> None:
    async with receiver(500, 410) as there:
        name = await counter.message("alice", 1, there.url)
        told = await counter.in_state(name, "failed")
    assert told["tries"][0]["durationMs"] >= 0
    for one in told["tries"]:
        assert one.pop("at").endswith("Z")
        one.pop("durationMs")
    assert told.pop("createdAt").endswith("Z")
    assert told == {
        "direction": "outbound",
        "id": name,
        "taskId": id_of(1),
        "attempt": 1,
        "type": "task.failed",
        "url": there.url,
        "state": "failed",
        "nextTryAt": None,
        "tries": [
            {"number": 1, "status": 500, "error": None},
            {"number": 2, "status": 410, "error": None},
        ],
    }


async def replayed(client: Client, name: str) -> Reply:
    return await client.call("POST", f"/deliveries/{name}/replay")


@pytest.mark.parametrize("who", ["alice", "operator"])
async def test_a_message_is_sent_again_by_the_same_id(counter: Counter, who: str) -> None:
    async with receiver(410, 204, 204) as there:
        name = await counter.message("alice", 1, there.url)
        await counter.in_state(name, "failed")
        await only_secrets(counter.desk.stage, "alice", NEW)
        reply = await replayed(getattr(counter, who), name)
        assert (reply.status, reply.body) == (202, {"id": name, "state": "waiting"})
        await counter.in_state(name, "delivered")
        await replayed(counter.alice, name)
        await until(lambda: len(there.got) == 3, "what was delivered, again")
        assert {(got.id, got.body) for got in there.got} == {(name, there.got[0].body)}
        assert [got.signed_with(NEW) for got in there.got] == [False, True, True]


async def test_what_is_somebody_elses_is_as_absent(counter: Counter) -> None:
    name = await counter.message("alice", 1)
    replies = [await replayed(counter.bob, one) for one in (name, f"msg_{9:032x}_1")]
    for reply in replies:
        assert reply.status == 404
    first, second = replies
    assert first.raw == second.raw
    moving = ("x-request-id", "date", "ratelimit")
    headers = [
        {key: one.headers[key] for key in one.headers if not key.lower().startswith(moving)}
        for one in replies
    ]
    assert headers[0] == headers[1]


async def test_who_may_no_longer_read_the_repository_has_nothing_sent(counter: Counter) -> None:
    async with receiver(410) as there:
        reply = await counter.alice.ask(webhookUrl=there.url)
        await counter.desk.ended(reply.id)
        name = f"msg_{reply.id.replace('-', '')}_1"
        await counter.in_state(name, "failed")
        assert (await replayed(counter.alice, name)).status == 202
        await counter.in_state(name, "failed")
        counter.desk.stage.repository.private = True
        counter.desk.stage.repository.set_role("alice", "none")
        counter.desk.stage.time_passes(minutes=6)
        assert (await replayed(counter.alice, name)).status == 404
        assert (await replayed(counter.operator, name)).status == 202


async def test_nor_is_any_of_it_sent_or_listed(counter: Counter) -> None:
    stage = counter.desk.stage
    async with receiver(500, 204) as there:
        reply = await counter.alice.ask(webhookUrl=there.url)
        await counter.desk.in_state(reply.id, "completed")
        await until(lambda: len(there.got) == 1, "the first try")
        name = f"msg_{reply.id.replace('-', '')}_1"
        own = await counter.message("alice", 1)
        assert ids(await counter.alice.call("GET", "/deliveries")) == [own, name]
        stage.repository.private = True
        stage.repository.set_role("alice", "none")
        stage.time_passes(minutes=6)
        told = await counter.in_state(name, "failed")
        assert told["tries"][-1]["error"] == "its owner cannot read the repository any more"
        assert len(there.got) <= 2, "one more try may have begun before"
        assert ids(await counter.alice.call("GET", "/deliveries")) == [own]
        assert ids(await counter.alice.call("GET", f"/deliveries?task={reply.id}")) == []
        first = await counter.alice.call("GET", "/deliveries?limit=1")
        rest = f"/deliveries?cursor={first.body['nextCursor']}"
        assert (ids(first), ids(await counter.alice.call("GET", rest))) == ([own], [])
        assert ids(await counter.operator.call("GET", "/deliveries")) == [own, name]


async def test_a_removed_task_is_not_told_of_either(counter: Counter) -> None:
    stage = counter.desk.stage
    async with receiver(410) as there:
        reply = await counter.alice.ask(webhookUrl=there.url)
        await counter.desk.ended(reply.id)
        name = f"msg_{reply.id.replace('-', '')}_1"
        await counter.in_state(name, "failed")
        await counter.alice.call("DELETE", f"/tasks/{reply.id}")
        await counter.desk.gone(reply.id)
        assert ids(await counter.alice.call("GET", "/deliveries")) == [name]
        stage.repository.private = True
        stage.repository.set_role("alice", "none")
        stage.time_passes(minutes=6)
        assert ids(await counter.alice.call("GET", "/deliveries")) == []
        assert (await replayed(counter.alice, name)).status == 404


async def test_while_github_does_not_say_nothing_is_told(counter: Counter) -> None:
    stage = counter.desk.stage
    async with receiver(500, 204) as there:
        reply = await counter.alice.ask(webhookUrl=there.url)
        await counter.desk.in_state(reply.id, "completed")
        name = f"msg_{reply.id.replace('-', '')}_1"
        await until(lambda: len(there.got) == 1, "the first try")
        stage.fault("GET", "/repos/acme/widgets/collaborators", "status", 8)
        stage.time_passes(minutes=6)
        assert (await counter.alice.call("GET", "/deliveries")).status == 503
        told = await counter.in_state(name, "delivered")
        assert told["tries"][-1]["status"] == 204


BAD = [
    ("GET", "/deliveries?cursor="),
    ("GET", "/deliveries?cursor=-1"),
    ("GET", "/deliveries?cursor=99"),
    ("GET", "/deliveries?cursor=%D9%A1"),
    ("GET", "/deliveries?task=7"),
    ("GET", "/deliveries?direction=inbound&task=0197a000-0000-7000-8000-000000000001"),
    ("POST", "/deliveries/msg_/replay"),
    ("POST", "/deliveries/msg_x/replay"),
    ("POST", "/deliveries/a_b/replay"),
    ("POST", f"/deliveries/{'a' * 65}/replay"),
    ("POST", "/deliveries/%00/replay"),
]


@pytest.mark.parametrize(("method", "path"), BAD)
async def test_bad_questions(counter: Counter, method: str, path: str) -> None:
    reply = await counter.operator.call(method, path)
    assert (reply.status, reply.body["title"]) == (400, "Bad Request")


@pytest.mark.parametrize(
    "query", ["direction=sideways", "limit=0", "limit=101", "limit=x", "limit=9999999999"]
)
async def test_a_parameter_out_of_range_is_named(counter: Counter, query: str) -> None:
    reply = await counter.operator.call("GET", f"/deliveries?{query}")
    assert (reply.status, reply.fields) == (422, [query.partition("=")[0]])


INBOUND = "/deliveries?direction=inbound"


async def arrive(counter: Counter, number: int, state: str | None = None) -> str:
    """A delivery of GitHub's with one line that may be a command; its id."""
    name = f"delivery-{number}"
    store, clock = counter.desk.stage.bot.store, counter.desk.stage.clock
    candidate = Candidate(id_of(number), "comment", 9000 + number, 0)
    body = comment_body(9000 + number, text="no command")
    await store.inbox.receive(Arrival(name, "issue_comment", clock(), body, (candidate,)))
    if state is not None:
        await store.ignore([id_of(number)], state, clock())
    return name


async def test_operators_see_what_came_in(counter: Counter) -> None:
    stage = counter.desk.stage
    stage.comments("alice", "/ask what is it?")
    task = await stage.ended()
    name = await arrive(counter, 1, "no_access")
    reply = await counter.operator.call("GET", INBOUND)
    assert ids(reply)[0] == name
    second, first = reply.body["deliveries"]
    assert (first["event"], first["state"]) == ("issue_comment", "done")
    assert first["commands"] == [{"taskId": task.id, "state": "task"}]
    assert first["receivedAt"].endswith("Z")
    assert first["doneAt"].endswith("Z")
    assert second["commands"] == [{"taskId": id_of(1), "state": "no_access"}]
    page = await counter.operator.call("GET", f"{INBOUND}&limit=1")
    cursor = page.body["nextCursor"]
    assert ids(page) == [name]
    assert ids(await counter.operator.call("GET", f"{INBOUND}&cursor={cursor}")) == [first["id"]]


async def test_what_was_given_up_is_taken_again(counter: Counter) -> None:
    name = await arrive(counter, 1, "no_access")
    reply = await replayed(counter.operator, name)
    assert (reply.status, reply.body) == (202, {"id": name, "state": "waiting"})

    async def taken() -> bool:
        (one,) = (await counter.operator.call("GET", INBOUND)).body["deliveries"]
        return one["state"] == "done"

    await until(taken, "the delivery")
    (one,) = (await counter.operator.call("GET", INBOUND)).body["deliveries"]
    assert one["commands"] == [{"taskId": id_of(1), "state": "ignored"}]


async def test_what_was_dealt_with_or_waits_is_not(counter: Counter) -> None:
    done = await arrive(counter, 1, "answered")
    reply = await replayed(counter.operator, done)
    assert (reply.status, reply.body["code"]) == (409, "done")
    assert "Only what was given up is taken again." in reply.body["detail"]
    assert counter.desk.stage.bot.pump is not None
    await counter.desk.stage.bot.stop()
    waits = await arrive(counter, 2)
    reply = await replayed(counter.operator, waits)
    assert (reply.status, reply.body["code"]) == (409, "waits")
    assert (await replayed(counter.operator, "nothing")).status == 404


async def test_only_operators_have_to_do_with_what_comes_in(counter: Counter) -> None:
    name = await arrive(counter, 1, "failed")
    assert (await counter.alice.call("GET", INBOUND)).status == 403
    for one in (name, "nothing"):
        assert (await replayed(counter.alice, one)).status == 403


async def test_a_key_that_may_only_read_has_nothing_sent(counter: Counter) -> None:
    name = await counter.message("alice", 1)
    reader = await counter.desk.client("alice", scopes=("tasks:read",))
    assert ids(await reader.call("GET", "/deliveries")) == [name]
    assert (await replayed(reader, name)).status == 403
    reader = await counter.desk.client("tina", scopes=("tasks:read",))
    arrived = await arrive(counter, 1, "failed")
    assert ids(await reader.call("GET", INBOUND)) == [arrived]
    assert (await replayed(reader, arrived)).status == 403


async def test_without_a_key_there_is_nothing(counter: Counter) -> None:
    nobody = Client(counter.desk.stage, counter.desk.session, "nothing")
    for path in ("/deliveries", INBOUND, "/deliveries?direction=sideways"):
        assert (await nobody.call("GET", path)).status == 401
    assert (await replayed(nobody, "msg_x")).status == 401
