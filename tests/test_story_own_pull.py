"""Stories of more work on a pull request that Bellhop opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.model import Issue
from tests.story import Stage, staged, until


@pytest.mark.parametrize(
    ("author", "text", "skips"),
    [
        ("alice", "/tell more", False),
        ("alice", "/fix more", False),
        ("visitor", "/tell more", True),
        ("visitor", "/fix more", True),
    ],
)
async def test_workflows_run_as_for_what_it_came_of(
    tmp_path: Path, author: str, text: str, *, skips: bool
) -> None:
    async with staged(tmp_path) as stage:
        issue = stage.sim.open_issue(stage.repository, author=author, title="A", body="B")
        stage.comments("alice", "/fix it", issue)
        task = await stage.ended(issue=issue)
        assert task.outsiders is skips
        (pull,) = stage.repository.pulls
        stage.comments("alice", text, pull)
        await stage.quiet()
        await until(lambda: all_done(stage, pull))
        tasks = await stage.tasks(pull)
        assert (sum(one.attempt for one in tasks), tasks[-1].outsiders) == (2, skips)
        message = stage.repository.log(pull.head_branch)[0].message
        assert ("[skip ci]" in message) is skips


async def all_done(stage: Stage, pull: Issue) -> bool:
    return all(task.status == "completed" for task in await stage.tasks(pull))
