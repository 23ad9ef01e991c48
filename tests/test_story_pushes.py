"""Stories of the push gate: real `git push` to a Bellhop whose GitHub is the simulator."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from bot.runners.base import WorkerKey
from bot.worker_tokens import WorkerTokens
from handlers.task import Task
from tests.story import Stage, plain, staged

HANGS = "sleep 600"
WORDS = re.compile(r"^(?: ! .*|remote: .*|fatal: .*|error: .*)$", re.MULTILINE)


class Clone:
    """A clone of the repository, and what git says of pushes from it."""

    def __init__(self, stage: Stage, task: Task, token: str) -> None:
        self.folder = stage.folder / f"clone-{len(list(stage.folder.iterdir()))}"
        self.stage, self.task = stage, task
        push_url = f"{stage.settings.public_url}/api/git/{task.id}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(stage.folder),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": "3",
            "GIT_CONFIG_KEY_0": f"http.{push_url}.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Bearer {token}",
            "GIT_CONFIG_KEY_1": "user.name",
            "GIT_CONFIG_VALUE_1": "worker",
            "GIT_CONFIG_KEY_2": "user.email",
            "GIT_CONFIG_VALUE_2": "worker@example.org",
        }
        self.push_url = push_url

    async def git(self, *arguments: str, inside: bool = True) -> str:
        """Run git; what it prints."""
        process = await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            cwd=self.folder if inside else None,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return output.decode()

    async def make(self) -> None:
        url = f"{self.stage.sim.url}/acme/widgets.git"
        await self.git("clone", "--quiet", url, str(self.folder), inside=False)
        await self.commit("one")

    async def commit(self, name: str) -> None:
        (self.folder / name).write_text(name)
        await self.git("add", name)
        await self.git("commit", "--quiet", "-m", name)

    async def push(self, *refs: str) -> list[str]:
        """Push; the words by which git tells a refusal."""
        output = await self.git("push", self.push_url, *refs)
        said = plain(output).replace(self.push_url, "PUSH_URL")
        return WORDS.findall(said)


def token_of(stage: Stage, task: Task) -> str:
    tokens = WorkerTokens(stage.bot.vault.worker_key)
    return tokens.make(WorkerKey(task.id, task.attempt, task.launch))


async def begun(stage: Stage, text: str) -> tuple[Task, Clone]:
    stage.comments("alice", text)
    task = await stage.in_state("working")
    clone = Clone(stage, task, token_of(stage, task))
    await clone.make()
    return task, clone


async def test_what_may_be_pushed_and_what_not(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        task, clone = await begun(stage, "/fix it")
        branch = f"refs/heads/bellhop/{task.name}"
        refused = {
            "another branch": await clone.push("HEAD:refs/heads/other"),
            "the default branch": await clone.push("HEAD:refs/heads/main"),
            "two refs": await clone.push(f"HEAD:{branch}", "HEAD:refs/heads/other"),
            "a tag": await clone.push("HEAD:refs/tags/v1"),
        }
        assert stage.repository.branches() == ["main"]
        assert await clone.push(f"HEAD:{branch}") == []
        first = stage.repository.log(f"bellhop/{task.name}")[0].sha
        await clone.commit("two")
        assert await clone.push(f"HEAD:{branch}") == []
        second = stage.repository.log(f"bellhop/{task.name}")[0].sha
        await clone.git("reset", "--quiet", "--hard", first)
        await clone.commit("three")
        refused |= {
            "a force": await clone.push("--force", f"HEAD:{branch}"),
            "a delete": await clone.push(f":{branch}"),
        }
        assert stage.repository.log(f"bellhop/{task.name}")[0].sha == second
        assert stage.repository.branches() == [f"bellhop/{task.name}", "main"]
        assert refused == snapshot(
            {
                "another branch": [
                    " ! [remote rejected] HEAD -> other (this task may push only to its own branch, bellhop/NAME)",
                    "error: failed to push some refs to 'PUSH_URL'",
                ],
                "the default branch": [
                    " ! [remote rejected] HEAD -> main (this task may push only to its own branch, bellhop/NAME)",
                    "error: failed to push some refs to 'PUSH_URL'",
                ],
                "two refs": [
                    " ! [remote rejected] HEAD -> bellhop/NAME (one branch at a time; push only bellhop/NAME)",
                    " ! [remote rejected] HEAD -> other (one branch at a time; push only bellhop/NAME)",
                    "error: failed to push some refs to 'PUSH_URL'",
                ],
                "a tag": [
                    " ! [remote rejected] HEAD -> v1 (this task may push only to its own branch, bellhop/NAME)",
                    "error: failed to push some refs to 'PUSH_URL'",
                ],
                "a force": [
                    " ! [remote rejected] HEAD -> bellhop/NAME (Update is not a fast forward)",
                    "error: failed to push some refs to 'PUSH_URL'",
                ],
                "a delete": [
                    " ! [remote rejected] bellhop/NAME (this task may not delete its branch; push a commit instead)",
                    "error: failed to push some refs to 'PUSH_URL'",
                ],
            }
        )


async def test_tokens_that_open_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        task, _ = await begun(stage, "/fix it")
        branch = f"HEAD:refs/heads/bellhop/{task.name}"
        old = token_of(stage, task)
        await stage.kill_worker()
        await stage.attempt(2)
        other = stage.sim.open_issue(stage.repository, author="alice", title="Two", body="")
        stage.comments("alice", "/fix two", other)
        another = await stage.in_state("working", other)
        said: dict[str, list[str]] = {}
        tokens = {
            "of an older attempt": old,
            "of another task": token_of(stage, another),
            "made up": "bhw_nonsense",
        }
        for whose, token in tokens.items():
            clone = Clone(stage, task, token)
            await clone.make()
            said[whose] = await clone.push(branch)
        assert said == snapshot(
            {
                "of an older attempt": [
                    "remote: this token is not of this task, or of an older attempt of it",
                    "fatal: unable to access 'PUSH_URL/': The requested URL returned error: 403",
                ],
                "of another task": [
                    "remote: this token is not of this task, or of an older attempt of it",
                    "fatal: unable to access 'PUSH_URL/': The requested URL returned error: 403",
                ],
                "made up": [
                    "remote: this token is not of this task, or of an older attempt of it",
                    "fatal: unable to access 'PUSH_URL/': The requested URL returned error: 403",
                ],
            }
        )
        assert stage.repository.branches() == ["main"]


async def test_an_answer_is_not_pushed(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        _, clone = await begun(stage, "/ask why?")
        assert await clone.push("HEAD:refs/heads/answer") == snapshot(
            [
                "remote: an answer was asked for, so nothing can be pushed",
                "fatal: unable to access 'PUSH_URL/': The requested URL returned error: 403",
            ]
        )
        assert stage.repository.branches() == ["main"]


async def test_a_stopped_task_pushes_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        task, clone = await begun(stage, "/fix it")
        stage.comments("alice", "/stop")
        await stage.ended()
        assert await clone.push(f"HEAD:refs/heads/bellhop/{task.name}") == snapshot(
            [
                "remote: this attempt has ended or was stopped, so nothing can be pushed any more",
                "fatal: unable to access 'PUSH_URL/': The requested URL returned error: 409",
            ]
        )
        assert stage.repository.branches() == ["main"]


async def test_a_stop_while_a_push_goes_up_leaves_the_branch_where_it_was(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        task, clone = await begun(stage, "/fix it")
        branch = f"bellhop/{task.name}"
        assert await clone.push(f"HEAD:refs/heads/{branch}") == []
        first = stage.repository.log(branch)[0].sha
        await clone.commit("two")
        stage.fault("POST", "/acme/widgets.git/git-receive-pack", "slow", seconds=30)
        push = asyncio.create_task(clone.push(f"HEAD:refs/heads/{branch}"))
        await stage.sim.faults.held()
        stage.comments("alice", "/stop")
        await stage.ended()
        stage.sim.faults.release()
        assert await push == snapshot(
            [
                " ! [remote rejected] HEAD -> bellhop/NAME (the task has ended or was stopped; nothing was pushed)",
                "error: failed to push some refs to 'PUSH_URL'",
            ]
        )
        assert stage.repository.log(branch)[0].sha == first
        assert stage.repository.branches() == [branch, "main"]


@pytest.mark.parametrize("ref", ["refs/heads/mine", "refs/heads/main"])
async def test_the_workers_github_token_cannot_push(tmp_path: Path, ref: str) -> None:
    async with staged(tmp_path, agent_command=HANGS) as stage:
        _, clone = await begun(stage, "/fix it")
        (token,) = stage.worker_tokens()
        url = (
            f"{stage.sim.url.replace('://', f'://x-access-token:{token.value}@')}/acme/widgets.git"
        )
        output = await clone.git("push", url, f"HEAD:{ref}")
        assert "403" in output or "denied" in output.lower()
        assert stage.repository.branches() == ["main"]
