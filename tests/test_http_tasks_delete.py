"""Tasks that are removed."""

from __future__ import annotations

from pathlib import Path

from tests.http_tasks import WAITS, desk


async def test_a_running_task_goes_after_its_worker(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        stage = here.stage
        made = await alice.ask(issueNumber=stage.issue.number)
        await here.in_state(made.id, "working")
        going = await alice.call("DELETE", f"/tasks/{made.id}")
        assert (going.status, going.body) == (202, {"deletedCount": 0})
        again = await alice.call("DELETE", f"/tasks/{made.id}")
        assert again.status in {202, 404}
        await here.gone(made.id)
        await stage.quiet()
        assert (await alice.get(made.id)).status == 404
        assert await stage.bot.runners["process"].alive() == set()
        assert len(stage.replies()) == 2, "what was owed is said"


async def test_a_queued_task_goes_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS, max_running=1) as (here, alice):
        await alice.ask()
        made = await alice.ask()
        gone = await alice.call("DELETE", f"/tasks/{made.id}")
        assert (gone.status, gone.body) == (200, {"deletedCount": 1})
        assert (await alice.get(made.id)).status == 404
        assert (await alice.call("DELETE", f"/tasks/{made.id}")).status == 404
        await here.gone(made.id)


async def test_an_ended_task_goes_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        made = await alice.ask()
        await here.ended(made.id)
        gone = await alice.call("DELETE", f"/v1/tasks/{made.id}")
        assert (gone.status, gone.body) == (200, {"deletedCount": 1})
        assert (await alice.get(made.id)).status == 404
        await here.gone(made.id)


async def test_a_task_whose_pull_request_is_being_opened_goes_after_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        here.stage.fault("POST", "/repos/acme/widgets/pulls", "status", times=30)
        made = await alice.ask(issueNumber=here.stage.issue.number)
        await here.in_state(made.id, "opening_pull_request")
        going = await alice.call("DELETE", f"/tasks/{made.id}")
        assert (going.status, going.body) == (202, {"deletedCount": 0})
        here.stage.sim.faults.clear()
        await here.gone(made.id)
        assert len(here.stage.repository.pulls) == 1


async def test_a_task_goes_after_the_tokens_of_its_worker(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        here.stage.fault("DELETE", "/installation/token", "status", times=None)
        made = await alice.ask()
        await here.in_state(made.id, "completed")
        assert (await alice.call("DELETE", f"/tasks/{made.id}")).status == 200
        for _ in range(3):  # it is looked again each second
            here.stage.time_passes(seconds=2)
            await here.stage.bot.store.owed_kinds()
        assert await here.stage.bot.store.task(made.id) is not None
        here.stage.sim.faults.clear()
        await here.gone(made.id)
        assert "RevokeTokens" not in await here.stage.bot.store.owed_kinds()


async def test_only_owners_and_operators_remove(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        made = await alice.ask()
        await here.ended(made.id)
        bob = await here.client("bob")
        refused = await bob.call("DELETE", f"/tasks/{made.id}")
        assert (refused.status, refused.body["code"]) == (403, "forbidden")
        assert (await alice.get(made.id)).status == 200


async def test_many_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command="test -e fail && exit 1; exit 0") as (here, alice):
        other = here.stage.sim.add_repository("acme/other", {"fail": "x"})
        other.set_role("alice", "write")
        here.stage.sim.install(other)
        bob = await here.client("bob")
        done = [(await alice.ask("Look.", command="ask")).id for _ in range(3)]
        failed = [(await alice.ask(repoUrl="acme/other")).id for _ in range(2)]
        bobs = (await bob.ask("Look.", command="ask")).id
        for task in (*done, *failed, bobs):
            await here.ended(task)
        statuses = [(await here.task(task)).status.value for task in (*done, *failed)]
        assert statuses == ["completed"] * 3 + ["failed"] * 2

        async def remove(query: str) -> int:
            answer = await alice.call("DELETE", f"/tasks?{query}")
            assert answer.status == 200, query
            return answer.body["deletedCount"]

        assert await remove("action=cancelled") == 0
        assert await remove("action=failed&repository=Acme/Widgets") == 0
        assert await remove("action=completed,failed&repository=acme/other") == 2
        assert await remove("action=completed&action=failed") == 3
        assert await remove("action=completed,failed,cancelled") == 0
        assert (await bob.get(bobs)).status == 200
        for task in (*done, *failed):
            await here.gone(task)


async def test_what_is_out_of_sight_is_not_removed(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command="exit 1") as (here, alice):
        made = await alice.ask()
        await here.ended(made.id)
        here.stage.repository.private = True
        here.stage.repository.set_role("alice", "none")
        here.stage.time_passes(minutes=6)
        answer = await alice.call("DELETE", "/tasks?action=failed")
        assert answer.body == {"deletedCount": 0}
        assert await here.task(made.id)


async def test_actions_that_are_none(tmp_path: Path) -> None:
    async with desk(tmp_path) as (_, alice):
        for query in (
            "",
            "?action=",
            "?action=queued",
            "?action=running,failed",
            "?action=failed,",
            "?action=all",
            "?action=rejected",
            "?repository=acme/widgets",
        ):
            answer = await alice.call("DELETE", f"/tasks{query}")
            assert (answer.status, answer.fields) == (422, ["action"]), query
        for repository in ("widgets", "a/b/c", "acme/%00", "acme/w%20x"):
            query = f"?action=failed&repository={repository}"
            answer = await alice.call("DELETE", f"/tasks{query}")
            assert (answer.status, answer.fields) == (422, ["repository"]), query
