"""Stories of stops, silences, limits and queues."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import aiohttp
from inline_snapshot import snapshot
from structlog.testing import capture_logs

from tests.story import staged, until

HANGS = "echo 'I think.'; sleep 600"


async def test_a_stop_in_the_middle(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        stage.comments("alice", "/fix it")
        await stage.in_state("working")
        stage.comments("bob", "/stop")
        task = await stage.ended()
        assert (task.status, task.pull) == ("cancelled", None)
        assert stage.replies() == snapshot(
            [
                "⏹️ **`/fix`** · [`NAME`](PAGE): cancelled in SPAN",
                """\
`NAME` was stopped by bob. `/retry NAME` starts it again.

[The log of `NAME`](PAGE)\
""",
            ]
        )
        assert await stage.bot.runners["process"].alive() == set()
        assert stage.repository.pulls == []


async def test_a_completion_after_the_stop(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        stage.comments("alice", "/fix it")
        task = await stage.in_state("working")
        stage.comments("alice", "/stop")
        await stage.in_state("stopping")
        status = await stage.report(task, {"status": "completed", "summary": "Done all the same."})
        assert status in {200, 409}
        ended = await stage.ended()
        assert (ended.status, ended.pull) == ("cancelled", None)
        assert stage.repository.pulls == []
        assert stage.final() == snapshot(
            """\
`NAME` was stopped by alice. `/retry NAME` starts it again.

[The log of `NAME`](PAGE)\
"""
        )


async def test_an_owner_with_triage_may_stop_an_own_task(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        stage.comments("tina", "/ask why?")
        await stage.in_state("working")
        stage.comments("visitor", "/stop")
        await stage.quiet()
        assert stage.final() == snapshot(
            "`/stop` needs the **write** role on this repository, or your own task and the **triage** role; yours is **read**."
        )
        stage.comments("tina", "/stop")
        assert (await stage.ended()).status == "cancelled"


async def test_an_agent_that_hangs(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        stage.comments("alice", "/fix --time 10m it")
        await stage.in_state("working")
        await stage.minutes_pass(8)
        await until(stage.warned, "the warning")
        await stage.minutes_pass(2)
        task = await stage.ended()
        assert task.error is not None
        assert task.error.code == "timeout"
        assert stage.replies() == snapshot(
            [
                "❌ **`/fix`** · [`NAME`](PAGE): failed in 10 min: the time limit of 10 minutes is over",
                """\
❌ `NAME` failed: the time limit of 10 minutes is over.

Ask for less at a time, or for more time with `--time`. `/retry NAME` tries again.

[The log of `NAME`](PAGE)\
""",
            ]
        )


async def test_a_worker_that_dies_in_silence(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        stage.comments("alice", "/fix it")
        with capture_logs() as logs:
            for attempt in (1, 2):
                await until(lambda number=attempt: stage.at_work(number), f"attempt {attempt}")
                await stage.kill_worker()
            task = await stage.ended()
        lost = [one for one in logs if one["event"] == "worker lost"]
        assert [(one["name"], one["code"]) for one in lost] == [(task.name, -9)] * 2
        assert (task.attempt, task.status) == (2, "failed")
        assert stage.replies() == snapshot(
            [
                "❌ **`/fix`** · [`NAME`](PAGE): failed in SPAN: its worker was lost twice",
                """\
❌ `NAME` failed: its worker was lost twice.

the worker ended with code -9

Bellhop's own log, which its operator reads, says more of `NAME`. `/retry NAME` tries again.

[The log of `NAME`](PAGE)\
""",
            ]
        )


async def test_a_worker_that_falls_silent(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        stage.comments("alice", "/fix it")
        await stage.in_state("working")
        await stage.freeze_worker()
        stage.time_passes(minutes=2, seconds=1)
        await until(lambda: stage.at_work(2), "the second attempt")
        stage.comments("alice", "/stop")
        assert (await stage.ended()).status == "cancelled"
        assert len(stage.replies()) == 2


async def test_a_full_queue(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS, max_running=1) as stage:
        stage.comments("alice", "/fix one")
        await stage.in_state("working")
        issues = [
            stage.sim.open_issue(stage.repository, author="bob", title=f"Issue {number}", body="")
            for number in range(3)
        ]
        for issue in issues:
            stage.comments("bob", "/ask two?", issue)
            await stage.in_state("queued", issue)
            await until(lambda one=issue: bool(stage.replies(one)), "the status comment")
        assert [stage.reply(issue) for issue in issues] == snapshot(
            [
                """\
🛎️ **`/ask`** · [`NAME`](PAGE)

Waiting for a free place: number 1 in the queue.\
""",
                """\
🛎️ **`/ask`** · [`NAME`](PAGE)

Waiting for a free place: number 2 in the queue.\
""",
                """\
🛎️ **`/ask`** · [`NAME`](PAGE)

Waiting for a free place: number 3 in the queue.\
""",
            ]
        )
        for issue in (stage.issue, *issues):
            await stage.in_state("working", issue)
            stage.comments("alice", "/stop", issue)
            await stage.in_state("cancelled", issue)
        for issue in (stage.issue, *issues):
            assert (await stage.ended(issue=issue)).status == "cancelled"


async def test_ten_completions_make_one_comment(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        stage.comments("alice", "/ask why?")
        task = await stage.in_state("working")
        said = {"status": "completed", "summary": "Because."}
        statuses = await stage.report_together(task, said, 10)
        assert statuses == [200] * 10
        await stage.ended()
        assert stage.replies() == snapshot(
            [
                "✅ **`/ask`** · [`NAME`](PAGE): answered in SPAN",
                """\
Because.

[The log of `NAME`](PAGE)\
""",
            ]
        )
        assert await stage.report(task, said | {"summary": "Not so."}) == 409
        assert await stage.report(task, said) == 200
        await stage.quiet()
        assert len(stage.replies()) == 2


async def test_a_dear_agent(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        stage.comments("alice", "/fix --max-cost 2 it")
        task = await stage.in_state("working")
        await stage.call("POST", "progress", task, {"usage": {"costUsd": 2.5}})
        ended = await stage.ended()
        assert ended.error is not None
        assert ended.error.code == "cost_limit"
        assert stage.final() == snapshot("""\
❌ `NAME` failed: the cost limit of $2.00 is reached.

Ask again with a higher `--max-cost`, or for less. `/retry NAME` tries again.

[The log of `NAME`](PAGE)\
""")


async def test_an_issue_that_goes_away(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        stage.comments("alice", "/fix it")
        await stage.in_state("working")
        stage.sim.delete_issue(stage.issue)
        task = await stage.ended()
        assert task.error is not None
        assert (task.error.code.value, task.error.title) == snapshot(
            ("repository_gone", "the issue was deleted")
        )


async def test_an_app_that_is_removed(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        stage.comments("alice", "/fix it")
        await stage.in_state("working")
        stage.sim.uninstall(stage.installation)
        task = await stage.ended()
        assert task.error is not None
        assert (task.error.code.value, task.error.title) == snapshot(
            ("repository_gone", "the App's installation was deleted")
        )


async def test_a_worker_cannot_push_with_its_github_token(tmp_path: Path) -> None:
    command = "env | sort > seen.txt; echo ok"
    async with staged(tmp_path, agent_command=command) as stage:
        stage.comments("alice", "/fix it")
        task = await stage.ended()
        seen = stage.repository.read_file(f"bellhop/{task.name}", "seen.txt") or ""
        assert "ghs_" not in seen
        assert "bhw_" not in seen
        assert "BELLHOP_TOKEN" not in seen
        assert [one.revoked for one in stage.worker_tokens()] == [True]
        assert all(one.permissions["contents"] == "read" for one in stage.worker_tokens())


async def test_a_restart_lets_workers_go_on(tmp_path: Path) -> None:
    command = "while [ ! -e ../../../../../go ]; do sleep 0.05; done; echo x >> fix.txt; echo ok"
    async with staged(tmp_path, agent_command=command) as stage:
        stage.comments("alice", "/fix it")
        await stage.in_state("working")
        await stage.stop()
        await stage.start()
        (stage.folder / "go").touch()
        for folder in (stage.folder / "data").rglob("checkout"):
            (folder / "../../../../../go").resolve().touch()
        task = await stage.ended()
        assert (task.status, task.attempt) == ("completed", 1)
        assert len(stage.repository.pulls) == 1


async def test_health(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, aiohttp.ClientSession() as session:
        for path in ("/healthz", "/readyz"):
            async with session.get(f"{stage.settings.public_url}{path}") as answer:
                assert (answer.status, await answer.json()) == (200, {"status": "ok"})


SPOIL = """
CREATE TABLE debts (id INTEGER REFERENCES effects (id) DEFERRABLE INITIALLY DEFERRED);
CREATE TRIGGER spoil AFTER INSERT ON candidates BEGIN INSERT INTO debts VALUES (-1); END;
"""


async def test_who_asks_whether_it_is_ready_hears_that_the_database_fails(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, aiohttp.ClientSession() as session:

        async def ready() -> int:
            async with session.get(f"{stage.settings.public_url}/readyz") as answer:
                return answer.status

        with closing(sqlite3.connect(stage.settings.data / "bellhop.db")) as db:
            db.executescript(SPOIL)

            async def heard() -> bool:
                """Whatever Bellhop can still write in between says that all is well again."""
                stage.comments("alice", "/help")
                await stage.sim.settled()
                assert stage.sim.deliveries[-1].status_code == 503
                return await ready() == 503

            await until(heard)
            db.executescript("DROP TRIGGER spoil")
        stage.comments("alice", "/help")
        await stage.quiet()
        assert (stage.sim.deliveries[-1].status_code, await ready()) == (202, 200)


async def test_a_task_is_tried_again_after_the_app_was_installed_anew(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.comments("alice", "/fix it")
        assert (await stage.ended()).status == "completed"
        stage.sim.uninstall(stage.installation)
        again = stage.sim.install(stage.repository)
        stage.comments("alice", "/retry")
        await stage.attempt(2)
        task = await stage.ended()
        assert (task.attempt, task.status) == (2, "completed")
        assert task.where.installation_id == again.id != stage.installation.id
