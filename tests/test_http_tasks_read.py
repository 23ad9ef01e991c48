"""Who sees which task, and what they are told."""

from __future__ import annotations

from pathlib import Path

from tests.http_tasks import ABSENT, WAITS, Reply, desk

WITH_ID = (
    ("GET", ""),
    ("GET", "/status"),
    ("POST", "/messages"),
    ("POST", "/retry"),
    ("POST", "/stop"),
    ("POST", "/extend"),
    ("DELETE", ""),
)


VARYING = {"x-request-id", "date", "ratelimit", "ratelimit-policy"}
"""Headers of which each answer has its own."""


def steady(reply: Reply) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name.lower() not in VARYING}


async def test_a_status_has_an_etag(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        made = await alice.ask()
        await here.in_state(made.id, "working")
        path = f"/tasks/{made.id}/status"
        first = await alice.call("GET", path)
        assert first.body.keys() == {
            "taskId",
            "status",
            "currentState",
            "progress",
            "attempt",
            "prUrl",
            "prState",
            "error",
            "completedAt",
        }
        tag = first.headers["ETag"]
        assert tag.startswith('"')
        for sent in (tag, f'"x", {tag}', f"W/{tag}", "*"):
            same = await alice.call("GET", path, headers={"If-None-Match": sent})
            assert (same.status, same.raw, same.headers["ETag"]) == (304, b"", tag), sent
        for sent in ('"x"', "nonsense", tag.strip('"')):
            other = await alice.call("GET", path, headers={"If-None-Match": sent})
            assert (other.status, other.raw) == (200, first.raw), sent
        task = await here.task(made.id)
        await here.stage.call("POST", "progress", task, {"progress": 40})
        news = await alice.call("GET", path, headers={"If-None-Match": tag})
        assert (news.status, news.body["progress"]) == (200, 40)
        assert news.headers["ETag"] != tag


async def test_ids_that_are_none_and_tasks_that_are_absent(tmp_path: Path) -> None:
    async with desk(tmp_path) as (_, alice):
        for method, rest in WITH_ID:
            for bad in ("x", "1", f"{ABSENT}0", "%00", "x" + ABSENT[1:]):
                answer = await alice.call(method, f"/tasks/{bad}{rest}", {"text": "x"})
                assert answer.status == 400, (method, bad, rest)
            absent = await alice.call(method, f"/tasks/{ABSENT}{rest}", {"text": "x"})
            assert absent.status == 404


async def test_somebody_elses_task_is_as_absent(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        made = await alice.ask()
        tina = await here.client("tina")
        for method, rest in WITH_ID:
            hidden = await tina.call(method, f"/tasks/{made.id}{rest}", {"text": "x"})
            absent = await tina.call(method, f"/tasks/{ABSENT}{rest}", {"text": "x"})
            assert (hidden.status, hidden.raw) == (404, absent.raw), (method, rest)
            assert steady(hidden) == steady(absent)
        assert (await alice.get(made.id.upper())).status == 200
        bob = await here.client("bob")
        assert (await bob.get(made.id)).status == 200, "who may push sees it"


async def test_access_that_is_lost_is_noticed_within_five_minutes(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        made = await alice.ask()
        repository = here.stage.repository
        repository.private = True
        repository.set_role("alice", "none")
        assert (await alice.get(made.id)).status == 200
        here.stage.time_passes(minutes=5, seconds=1)
        assert (await alice.get(made.id)).status == 404
        assert (await alice.ask()).fields == ["repoUrl"]


async def test_an_owner_who_may_only_read_sees_and_cannot_act(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        made = await alice.ask()
        await here.in_state(made.id, "working")
        here.stage.repository.set_role("alice", "read")
        here.stage.time_passes(minutes=5, seconds=1)
        await here.stage.call("POST", "progress", await here.task(made.id), {})
        assert (await alice.get(made.id)).status == 200
        for rest, body in (("messages", {"text": "x"}), ("extend", {"seconds": 1}), ("retry", {})):
            answer = await alice.call("POST", f"/tasks/{made.id}/{rest}", body)
            assert (answer.status, answer.body["code"]) == (403, "forbidden")
            assert "needs the **write** role" in answer.body["detail"]
        stop = await alice.call("POST", f"/tasks/{made.id}/stop")
        assert (stop.status, "yours is **read**" in stop.body["detail"]) == (403, True)


async def test_a_failed_look_up_is_never_a_404(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS, admins="visitor") as (here, alice):
        made = await alice.ask()
        here.stage.time_passes(minutes=5, seconds=1)
        here.stage.fault("GET", "/repos/acme/widgets/collaborators/", "status", times=99)
        answer = await alice.get(made.id)
        assert (answer.status, answer.body["code"]) == (503, "lookup_failed")
        assert "Retry-After" in answer.headers
        operator = await here.client("visitor")
        assert (await operator.get(made.id)).status == 200, "nobody need be asked about them"
        here.stage.sim.faults.clear()
        assert (await alice.get(made.id)).status == 200


async def test_a_task_from_a_comment_is_told_as_well(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        comment = here.stage.comments("bob", "/fix it")
        task = await here.stage.ended()
        told = (await alice.get(task.id)).body
        assert (told["source"], told["issueNumber"]) == ("comment", here.stage.issue.number)
        assert told["commentUrl"].endswith(f"#issuecomment-{comment.id}")
        assert (told["owner"]["login"], told["prompt"]) == ("bob", "it")


async def test_an_error_is_told_with_its_remedy(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command="exit 3") as (here, alice):
        made = await alice.ask()
        await here.ended(made.id)
        error = (await alice.get(made.id)).body["error"]
        assert error.keys() == {"code", "title", "detail", "remedy", "retryable"}
        assert error["code"] == "worker_failed"
