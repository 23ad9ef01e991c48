"""Stories of Apps that a repository listens to."""

from __future__ import annotations

from pathlib import Path

from inline_snapshot import snapshot

from tests.story import Stage, staged

ALICE = "alice <alice@example.org>"
ROBOT = "robot[bot]"


def _allow(stage: Stage, commands: str, app: str = "robot") -> None:
    text = f"allow_apps:\n  {app}: [{commands}]\n"
    stage.repository.commit("main", {".github/bellhop.yml": text}, "Allow", ALICE)


async def test_an_app_on_the_list_gets_its_pull_request(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        _allow(stage, "fix")
        stage.comments(ROBOT, "/fix it")
        task = await stage.ended()
        assert (task.status, task.owner.login) == ("completed", ROBOT)
        (pull,) = stage.repository.pulls
        assert pull.requested_reviewers == []
        stage.comments(ROBOT, "/ask why?")
        stage.comments(ROBOT, "/retry")
        await stage.quiet()
        assert (await stage.task()).attempt == 1
        assert len(stage.replies()) == 2, "what is not on the list is not even refused"


async def test_an_app_that_may_only_tell_has_its_new_attempt(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        _allow(stage, "tell")
        stage.comments("alice", "/fix it")
        await stage.ended()
        stage.comments(ROBOT, "/tell the checks fail")
        await stage.quiet()
        task = await stage.ended()
        assert (task.status, task.attempt, task.error) == ("completed", 2, None)


async def test_what_an_app_tells_a_worker_at_work_waits_for_one_that_skips_workflows(
    tmp_path: Path,
) -> None:
    go = tmp_path / "go"
    agent = f"while [ ! -e {go} ]; do sleep 0.02; done; echo x >> x; cat"
    async with staged(tmp_path, agent_command=agent) as stage:
        _allow(stage, "tell")
        stage.comments("alice", "/fix it")
        await stage.in_state("working")
        stage.comments(ROBOT, "/tell the checks fail")
        await stage.quiet()
        assert [one.text for one in (await stage.task()).pending] == ["the checks fail"]
        go.touch()
        task = await stage.ended()
        assert (task.attempt, task.pending, task.skip_ci) == (2, (), True)
        (pull,) = stage.repository.pulls
        messages = [one.message for one in stage.repository.log(pull.head_branch)]
        assert ["[skip ci]" in one for one in messages[:2]] == [True, False]


async def test_apps_have_so_many_commands_on_an_issue_in_a_day(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command="true") as stage:
        _allow(stage, "ask")
        for number in range(7):
            stage.comments(ROBOT, f"/ask number {number}?")
            await stage.quiet()
        await stage.ended(5)
        assert len(await stage.tasks()) == 5
        assert [one for one in stage.replies() if "Apps" in one] == snapshot(
            [
                "Only 5 commands of Apps count on an issue within a day. Somebody with the role can write the command."
            ]
        )
        other = stage.sim.open_issue(stage.repository, author=ROBOT, title="Two", body="/ask why?")
        await stage.ended(issue=other)
        stage.time_passes(hours=24, seconds=1)
        stage.comments(ROBOT, "/ask again?")
        await stage.ended(6)


async def test_bellhop_does_not_listen_to_itself_whatever_the_list_says(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        own = stage.sim.app.bot_login
        _allow(stage, "fix, ask, status, help", own.removesuffix("[bot]"))
        stage.repository.set_role(own, "write")
        stage.comments(own, "/fix it")
        stage.comments(own, "/help")
        await stage.quiet()
        assert stage.replies() == ["/fix it", "/help"], "these words were put into its mouth"
        assert await stage.tasks() == ()


async def test_an_app_that_is_taken_off_the_list_while_it_waits(tmp_path: Path) -> None:
    async with staged(tmp_path, max_running=1, agent_command="sleep 60") as stage:
        _allow(stage, "fix")
        stage.comments("alice", "/fix one")
        await stage.in_state("working")
        other = stage.sim.open_issue(stage.repository, author="alice", title="Two", body="")
        stage.comments(ROBOT, "/fix two", other)
        await stage.in_state("queued", other)
        _allow(stage, "ask")
        stage.comments("alice", "/stop")
        task = await stage.ended(issue=other)
        assert (task.status, task.error and task.error.code) == ("failed", "not_permitted")
