"""A Bellhop that is restored from a backup says and does nothing twice."""

from __future__ import annotations

import asyncio
import shlex
import tarfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.backup import back_up
from handlers.on_backup import UNTOLD
from handlers.task import Status
from tests.story import Stage, staged, until
from tests.test_story_refusals import ALICE

COMMENTS = r"/repos/acme/widgets/issues/\d+/comments$"
PULLS = r"/repos/acme/widgets/pulls$"
ROLES = r"/repos/acme/widgets/collaborators/"


def agent(go: Path) -> str:
    """An agent that works until a file is there."""
    wait = f"while ! test -e {shlex.quote(str(go))}; do sleep 0.05; done"
    return f"{wait}; echo fixed >> fix.txt; echo 'Mended.'"


async def backed_up(stage: Stage) -> Path:
    file = stage.folder / "backup.tar"
    await asyncio.to_thread(
        back_up, stage.settings, file, datetime.now(UTC), with_key=True, force=False
    )
    return file


async def restored(stage: Stage, file: Path) -> None:
    """Start from a backup in another folder; the former one is lost."""
    folder = stage.folder / "restored"
    folder.mkdir()
    with tarfile.open(file) as tar:
        tar.extractall(folder, filter="data")
    stage.settings = stage.settings.model_copy(update={"data": folder})
    await stage.start()


async def undecided(stage: Stage) -> None:
    stage.fault("GET", ROLES, "status", times=100_000)
    stage.comments("alice", "/fix it")
    await stage.sim.settled()


async def labelled(stage: Stage) -> None:
    """The same, of a label."""
    file = {".github/bellhop.yml": "labels: {bug: fix}\n"}
    stage.repository.commit("main", file, "Configure", ALICE)
    stage.fault("GET", ROLES, "status", times=100_000)
    stage.sim.label(stage.issue, "bug", "alice")
    await stage.sim.settled()


async def queued(stage: Stage) -> None:
    other = stage.sim.open_issue(stage.repository, author="alice", title="Another", body="Too.")
    stage.comments("alice", "/fix that", issue=other)
    await until(lambda: at_work(stage, other.number))
    stage.comments("alice", "/fix it")
    await stage.in_state("waiting_for_slot")
    await stage.sim.settled()


async def at_work(stage: Stage, number: int) -> bool:
    found = await stage.bot.store.tasks_of_issue(stage.repository.id, number)
    return bool(found) and found[0].state.state == "working"


async def working(stage: Stage) -> None:
    stage.comments("alice", "/fix it")
    await stage.in_state("working")


async def silent(stage: Stage) -> None:
    """Nothing can be written: not even the status comment."""
    stage.fault("POST", COMMENTS, "status", times=100_000)
    await working(stage)


async def opening(stage: Stage) -> None:
    stage.fault("POST", PULLS, "status", times=100_000)
    (stage.folder / "go").touch()
    stage.comments("alice", "/fix it")
    await stage.in_state("opening_pull_request")


async def speaking(stage: Stage) -> None:
    stage.fault("POST", COMMENTS, "status", times=100_000)
    (stage.folder / "go").touch()
    stage.comments("alice", "/fix it")
    await stage.in_state("completed")


async def done(stage: Stage) -> None:
    (stage.folder / "go").touch()
    stage.comments("alice", "/fix it")
    await stage.ended()


@pytest.mark.parametrize(
    "moment",
    [undecided, labelled, queued, working, silent, opening, speaking, done],
    ids=lambda one: one.__name__,
)
async def test_nothing_is_said_or_done_twice(
    tmp_path: Path, moment: Callable[[Stage], Awaitable[None]]
) -> None:
    go = tmp_path / "go"
    async with staged(tmp_path, agent_command=agent(go), max_running=1) as stage:
        await moment(stage)
        file = await backed_up(stage)
        go.touch()
        stage.sim.faults.clear()
        await stage.ended()
        await stage.quiet()
        said = [stage.replies(issue) for issue in stage.repository.issues]
        pulls = len(stage.repository.pulls)
        await stage.stop()
        await restored(stage, file)
        await stage.quiet()
        assert [stage.replies(issue) for issue in stage.repository.issues] == said
        assert len(stage.repository.pulls) == pulls
        found = await stage.tasks()
        assert [(one.status, one.attempt) for one in found] in (
            [(Status.COMPLETED, 1)],
            [],  # it was decided after the backup: only GitHub knows
        )
        assert all(one.pull for one in found)
        assert bool(found) is (moment not in {undecided, labelled})
        # From here on it works like any other.
        assert stage.bot.store.held is None
        stage.comments("alice", "/fix more")
        await stage.ended(len(found) + 1)
        assert stage.final().startswith("🛎️ Done")


async def test_of_an_end_that_only_github_knows_nothing_is_said_anew(tmp_path: Path) -> None:
    """An answer leaves no pull request: whether it was one cannot be told from its comment."""
    go = tmp_path / "go"
    async with staged(tmp_path, agent_command=agent(go)) as stage:
        stage.comments("alice", "/ask why?")
        await stage.in_state("working")
        file = await backed_up(stage)
        go.touch()
        await stage.ended()
        await stage.quiet()
        said = stage.replies()
        await stage.stop()
        await restored(stage, file)
        await stage.quiet()
        assert stage.replies() == said
        task = await stage.task()
        assert (task.status, task.state.state) == (Status.FAILED, UNTOLD)
        assert task.error is not None
        assert task.error.title == "how it ended was lost: Bellhop was restored from a backup"
        # What is asked for anew is a new attempt, and is heard of.
        stage.comments("alice", "/retry")
        await stage.attempt(2)  # until then the task has ended already
        assert (await stage.ended()).status is Status.COMPLETED
        await stage.quiet()
        assert len(stage.replies()) == len(said) + 1


async def test_a_worker_of_which_nothing_is_known_is_lost_and_followed_by_another(
    tmp_path: Path,
) -> None:
    go = tmp_path / "go"
    async with staged(tmp_path, agent_command=agent(go)) as stage:
        await working(stage)
        file = await backed_up(stage)
        await stage.end()
        go.touch()
        await restored(stage, file)
        task = await stage.ended()
        assert (task.status, task.attempt, task.lost) == (Status.COMPLETED, 2, True)
        assert len(stage.repository.pulls) == 1
        finals = [one for one in stage.replies() if one.startswith("🛎️ Done")]
        assert len(finals) == 1


async def test_nothing_begins_before_github_has_said_what_it_knows(tmp_path: Path) -> None:
    go = tmp_path / "go"
    async with staged(tmp_path, agent_command=agent(go)) as stage:
        await working(stage)
        file = await backed_up(stage)
        go.touch()
        await stage.ended()
        await stage.quiet()
        said = stage.replies()
        await stage.stop()
        stage.fault("GET", COMMENTS, "status", times=12)
        await restored(stage, file)
        await stage.quiet()
        assert stage.replies() == said
        assert (await stage.task()).status is Status.COMPLETED
