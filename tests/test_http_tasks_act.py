"""Retries, stops, messages and extensions that programs ask for."""

from __future__ import annotations

from pathlib import Path

from handlers.decision import Defaults
from storage.preferences import user_scope
from tests.http_tasks import WAITS, desk


async def test_stop_and_retry(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        made = await alice.ask(issueNumber=here.stage.issue.number)
        await here.in_state(made.id, "working")
        early = await alice.call("POST", f"/tasks/{made.id}/retry")
        assert (early.status, early.body["code"]) == (409, "conflict")
        stopping = await alice.call("POST", f"/tasks/{made.id}/stop")
        assert (stopping.status, stopping.body["taskId"]) == (202, made.id)
        assert (await alice.call("POST", f"/tasks/{made.id}/stop")).status in {202, 409}
        ended = await here.ended(made.id)
        assert ended.status == "cancelled"
        late = await alice.call("POST", f"/tasks/{made.id}/stop")
        assert (late.status, late.body["code"]) == (409, "conflict")
        bob = await here.client("bob")
        again = await bob.call("POST", f"/tasks/{made.id}/retry")
        assert (again.status, again.body["attempt"]) == (202, 2)
        assert again.body["requester"]["login"] == "bob"
        assert again.body["owner"]["login"] == "alice"
        await here.in_state(made.id, "working")
        attempts = (await alice.get(made.id)).body["attempts"]
        assert [one["outcome"] for one in attempts] == ["cancelled", None]


async def test_a_queued_task_stops_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS, max_running=1) as (_, alice):
        await alice.ask()
        made = await alice.ask()
        stopped = await alice.call("POST", f"/tasks/{made.id}/stop")
        assert (stopped.status, stopped.body["status"]) == (202, "cancelled")


async def test_a_retry_without_an_issue(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command="exit 1") as (here, alice):
        made = await alice.ask()
        assert (await here.ended(made.id)).status == "failed"
        again = await alice.call("POST", f"/tasks/{made.id}/retry")
        assert (again.status, again.body["attempt"]) == (202, 2)
        assert (await here.ended(made.id)).attempt == 2


async def test_a_retry_that_cannot_be(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command="exit 1") as (here, alice):
        made = await alice.ask(issueNumber=here.stage.issue.number)
        await here.ended(made.id)
        path = f"/tasks/{made.id}/retry"
        here.stage.fault("GET", "/repos/acme/widgets$", "status", times=99)
        assert (await alice.call("POST", path)).status == 503
        here.stage.sim.faults.clear()
        here.stage.fault("GET", "/repos/acme/widgets$", "status", status=404)
        gone = await alice.call("POST", path)
        assert (gone.status, gone.body["code"]) == (409, "conflict")
        here.stage.repository.archived = True
        assert (await alice.call("POST", path)).status == 409
        here.stage.repository.archived = False
        config = {".github/bellhop.yml": "agnt: x\n"}
        here.stage.repository.commit("main", config, "Spoil", "alice <alice@example.org>")
        assert (await alice.call("POST", path)).status == 409


async def test_messages(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        made = await alice.ask()
        await here.in_state(made.id, "working")
        bob = await here.client("bob")
        path = f"/tasks/{made.id}/messages"
        sent = await bob.call("POST", path, {"text": "Mind the \0 gap.", "model": "openai/gpt-5"})
        assert sent.status == 202
        assert sent.body["task"]["taskId"] == made.id
        (pending,) = (await here.task(made.id)).pending
        assert (pending.id, pending.text) == (sent.body["messageId"], "Mind the \ufffd gap.")
        assert (pending.sender.login, pending.model) == ("bob", "openai/gpt-5")
        for body in ({}, {"text": " "}, {"text": "x" * 8001}, {"text": "x", "model": "/"}):
            assert (await alice.call("POST", path, body)).status == 422
        assert (await alice.call("POST", path)).status == 415
        await alice.call("POST", f"/tasks/{made.id}/stop")
        late = await alice.call("POST", path, {"text": "Wait!"})
        assert late.status in {202, 409}


async def test_a_message_begins_no_attempt_where_a_retry_would_not(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        made = await alice.ask(issueNumber=here.stage.issue.number)
        await here.ended(made.id)
        path, text = f"/tasks/{made.id}/messages", {"text": "And the window."}
        here.stage.fault("GET", "/repos/acme/widgets$", "status", times=99)
        assert (await alice.call("POST", path, text)).status == 503
        here.stage.sim.faults.clear()
        here.stage.repository.archived = True
        assert (await alice.call("POST", path, text)).status == 409
        here.stage.repository.archived = False
        config = {".github/bellhop.yml": "agnt: x\n"}
        here.stage.repository.commit("main", config, "Spoil", "alice <alice@example.org>")
        spoilt = await alice.call("POST", path, text)
        assert spoilt.status == 409
        assert "line 1" in spoilt.body["detail"]
        assert (await here.task(made.id)).attempt == 1
        config = {".github/bellhop.yml": "agent: command\n"}
        here.stage.repository.commit("main", config, "Mend", "alice <alice@example.org>")
        assert (await alice.call("POST", path, text)).status == 202
        assert (await here.ended(made.id)).attempt == 2


async def test_more_time(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS, time_limit=600) as (here, alice):
        made = await alice.ask(timeLimit=300)
        path = f"/tasks/{made.id}/extend"
        longer = await alice.call("POST", path, {"seconds": 120})
        assert (longer.status, longer.body["timeLimit"]) == (202, 420)
        too_long = await alice.call("POST", path, {"seconds": 181})
        assert (too_long.status, too_long.fields) == (422, ["seconds"])
        assert "leaves 180 to add" in too_long.body["detail"]
        for seconds in (0, 86_401, "60", 1.5, None):
            assert (await alice.call("POST", path, {"seconds": seconds})).status == 422
        await alice.call("POST", f"/tasks/{made.id}/stop")
        await here.ended(made.id)
        assert (await alice.call("POST", path, {"seconds": 60})).status == 409


async def test_more_time_is_within_what_the_requester_allows_whoever_gives_it(
    tmp_path: Path,
) -> None:
    """An attempt is done with its requester's keys: nobody else spends more than they allow."""
    async with desk(tmp_path, agent_command=WAITS, time_limit=3600) as (here, alice):
        store, person = here.stage.bot.store, here.stage.sim.user("alice").id
        limit = Defaults(time_limit=600)
        await store.scopes.keep_defaults(user_scope(person), limit, here.stage.clock())
        made = await alice.ask(timeLimit=300)
        bob = await here.client("bob")
        path = f"/tasks/{made.id}/extend"
        too_long = await bob.call("POST", path, {"seconds": 301})
        assert (too_long.status, too_long.fields) == (422, ["seconds"])
        assert "leaves 300 to add" in too_long.body["detail"]
        assert (await bob.call("POST", path, {"seconds": 300})).body["timeLimit"] == 600


async def test_what_a_reader_may_not(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        made = await alice.ask()
        reader = await here.client("alice", scopes=("tasks:read",))
        assert (await reader.get(made.id)).status == 200
        for rest in ("messages", "retry", "stop", "extend"):
            assert (await reader.call("POST", f"/tasks/{made.id}/{rest}", {})).status == 403
        assert (await reader.call("DELETE", f"/tasks/{made.id}")).status == 403
        assert (await reader.call("DELETE", "/tasks?action=failed")).status == 403


async def test_an_operator_may_stop_and_remove_but_not_ask_for_more(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS, admins="visitor") as (here, alice):
        made = await alice.ask()
        await here.in_state(made.id, "working")
        operator = await here.client("visitor")
        said = {"text": "Hear me."}
        assert (await operator.call("POST", f"/tasks/{made.id}/messages", said)).status == 403
        assert (await operator.call("POST", f"/tasks/{made.id}/stop")).status == 202
        await here.ended(made.id)
        assert (await operator.call("DELETE", f"/tasks/{made.id}")).status == 200
