"""Another secret key, while workers are at work and comments stand on GitHub."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from bot.github.comments import OurMark
from bot.rotation import rotate
from bot.runners.base import WorkerKey
from bot.worker_tokens import WorkerTokens
from handlers.task import Status
from tests.story import staged


async def test_work_goes_on_over_a_change_of_the_key(tmp_path: Path) -> None:
    go = tmp_path / "go"
    waits = f"while ! test -e {go}; do sleep 0.05; done; echo mended >> fix.txt; echo 'Mended.'"
    async with staged(tmp_path, agent_command=waits) as stage:
        stage.comments("alice", "/fix it")
        before = await stage.in_state("working")
        await stage.quiet()
        (status,) = stage.replies()
        former = stage.bot.vault
        await stage.stop()
        made = await rotate(stage.settings, stage.clock())
        assert made.done == 1, "the worker's GitHub token"
        await stage.start()
        go.touch()
        task = await stage.ended()
        assert (task.status, task.attempt, task.launch) == (Status.COMPLETED, 1, before.launch)
        status_again, final = stage.replies()
        assert status_again != status, "the same comment, edited"
        assert "pull/" in final
        assert [one.revoked for one in stage.worker_tokens()] == [True]

        vault = stage.bot.vault
        identity = stage.bot.who()
        mark = OurMark(vault.sign, identity.app_id, identity.bot_id, vault.signed_before)
        assert vault.sign("a") != former.sign("a")
        assert former.sign("a") in mark.signed_before("a")


async def test_workers_of_a_key_that_leaked_are_refused_and_another_one_begins(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, agent_command="sleep 600") as stage:
        stage.comments("alice", "/fix it")
        task = await stage.in_state("working")
        old = stage.bot.vault
        await stage.stop()
        await rotate(stage.settings, stage.clock(), leaked=True)
        await stage.start()
        assert stage.bot.vault.former_worker_keys == ()
        assert stage.bot.vault.signed_before("a") == (old.sign("a"),)
        status, _ = await stage.call("POST", "progress", task, {})
        assert status == 200, "a token of the new key"
        key = WorkerKey(task.id, task.attempt, task.launch)
        headers = {"Authorization": f"Bearer {WorkerTokens(old.worker_key).make(key)}"}
        url = f"{stage.settings.public_url}/api/callbacks/progress"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json={}, headers=headers) as answer,
        ):
            assert answer.status == 401
