"""Stories of a GitHub that fails on every call that Bellhop makes, each once."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from simulator import Fault
from simulator.faults import Kind
from tests.story import Stage, staged

CALLS = (
    ("GET", r"/app$"),
    ("GET", r"/users/"),
    ("POST", r"/app/installations/\d+/access_tokens$"),
    ("GET", r"/repos/acme/widgets/collaborators/alice/permission$"),
    ("GET", r"/repos/acme/widgets/contents/"),
    ("GET", r"/repos/acme/widgets/issues/1/comments$"),
    ("POST", r"/repos/acme/widgets/issues/comments/\d+/reactions$"),
    ("POST", r"/repos/acme/widgets/issues/1/comments$"),
    ("PATCH", r"/repos/acme/widgets/issues/comments/\d+$"),
    ("GET", r"/repos/acme/widgets/pulls$"),
    ("POST", r"/repos/acme/widgets/pulls$"),
    ("POST", r"/repos/acme/widgets/pulls/2/requested_reviewers$"),
    ("GET", r"/acme/widgets.git/info/refs\?service=git-receive-pack$"),
    ("POST", r"/acme/widgets.git/git-receive-pack$"),
    ("GET", r"/repos/acme/widgets/git/ref/"),
    ("DELETE", r"/installation/token$"),
)
"""Every call of the loop from an issue to its pull request."""
ON_A_PULL_REQUEST = (
    ("GET", r"/repos/acme/widgets/pulls/2$"),
    ("GET", r"/repos/acme/widgets/branches/topic$"),
    ("GET", r"/acme/widgets.git/info/refs\?service=git-receive-pack$"),
    ("POST", r"/acme/widgets.git/git-receive-pack$"),
    ("PATCH", r"/repos/acme/widgets/git/refs/heads/topic$"),
    ("DELETE", r"/repos/acme/widgets/git/refs/bellhop/"),
)
"""Every call that the loop makes on a pull request and not on an issue, and of its push."""
ASKED_AFTER = r"/repos/acme/widgets/git/ref/"
"""It is asked where no verdict on a push was heard; a limit is one, as is what was cut after it."""
SPARED = {path for method, path in CALLS if method == "PATCH" or "reactions" in path}
"""The calls that are spared while GitHub's pace is short."""

FAULTS = {
    "500": Fault(method="", path="", kind="status", status=500),
    "403 with retry-after": Fault(
        method="", path="", kind="rate_limited", status=403, retry_after=2
    ),
    "403 with nothing left": Fault(
        method="", path="", kind="rate_limited", status=403, reset_after=3
    ),
    "429": Fault(method="", path="", kind="rate_limited", status=429, retry_after=2),
    "cut before": Fault(method="", path="", kind="cut_before"),
    "cut after": Fault(method="", path="", kind="cut_after"),
}


def break_all(stage: Stage, calls: tuple[tuple[str, str], ...], fault: Fault) -> None:
    for method, path in calls:
        stage.fault(
            method,
            path,
            fault.kind,
            status=fault.status,
            retry_after=fault.retry_after,
            reset_after=fault.reset_after,
        )


@pytest.mark.parametrize("name", list(FAULTS))
async def test_every_call_fails_once(tmp_path: Path, name: str) -> None:
    async with staged(tmp_path, start=False) as stage:
        break_all(stage, CALLS, FAULTS[name])
        await stage.start()
        comment = stage.comments("alice", "/fix it")
        task = await stage.ended()
        assert task.status == "completed"
        eyes = [one.content for one in comment.reactions]
        left = {one.path for one in stage.sim.faults.left}
        if FAULTS[name].kind == "rate_limited":  # then the first of what is not owed is left out
            assert eyes in ([], ["eyes"])
            assert left <= SPARED | {ASKED_AFTER}
        else:
            needless = {ASKED_AFTER} if name == "cut after" else set[str]()
            assert (eyes, left) == (["eyes"], needless)
        assert len(stage.repository.pulls) == 1
        assert "Done: " in stage.final()
        assert len(stage.replies()) == 2 or left, "one status comment and one final one"
        assert all(one.revoked for one in stage.worker_tokens())


@pytest.mark.parametrize("name", list(FAULTS))
async def test_every_call_on_a_pull_request_fails_once(tmp_path: Path, name: str) -> None:
    async with staged(tmp_path) as stage:
        stage.repository.commit("topic", {"new.txt": "new\n"})
        pull = stage.sim.open_pull(stage.repository, author="bob", head="topic", title="Topic")
        await stage.quiet()
        break_all(stage, ON_A_PULL_REQUEST, FAULTS[name])
        stage.comments("alice", "/fix the rest", pull)
        task = await stage.ended(issue=pull)
        assert (task.status, task.error) == ("completed", None)
        assert stage.sim.faults.left == ()
        assert "Done: " in stage.final(pull)
        assert stage.repository.read_file("topic", "fix.txt") == "fixed\n"
        assert stage.repository.branches() == ["main", "topic"]


async def test_a_limit_that_lasts_while_a_branch_is_moved(tmp_path: Path) -> None:
    """It lasts for longer than the gate waits: the worker pushes again."""
    async with staged(tmp_path) as stage:
        stage.repository.commit("topic", {"new.txt": "new\n"})
        pull = stage.sim.open_pull(stage.repository, author="bob", head="topic", title="Topic")
        moving = r"/repos/acme/widgets/git/refs/heads/topic$"
        stage.fault("PATCH", moving, "rate_limited", status=429, retry_after=9)
        stage.comments("alice", "/fix the rest", pull)
        task = await stage.ended(issue=pull)
        assert (task.status, task.error) == ("completed", None)
        assert stage.repository.read_file("topic", "fix.txt") == "fixed\n"


KINDS: tuple[Kind, ...] = ("status", "cut_before", "cut_after")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_push_that_github_does_not_take_at_once(tmp_path: Path, kind: Kind) -> None:
    async with staged(tmp_path) as stage:
        stage.fault("POST", r"/acme/widgets.git/git-receive-pack$", kind, times=2, status=500)
        stage.comments("alice", "/fix it")
        task = await stage.ended()
        assert task.status == "completed"
        assert len(stage.repository.pulls) == 1
        assert len(stage.replies()) == 2


async def test_a_push_that_github_refuses(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.fault("POST", r"/acme/widgets.git/git-receive-pack$", "status", times=9, status=403)
        stage.comments("alice", "/fix it")
        task = await stage.ended()
        assert task.error is not None
        assert task.error.code == "push_refused"
        assert stage.repository.branches() == ["main"]
        assert stage.final() == snapshot("""\
❌ `NAME` failed: The push was refused.

! [remote rejected] HEAD -> bellhop/NAME (GitHub did not take Bellhop's push (HTTP 403); ask Bellhop's operator whether the App may write to this repository)

If the branch has moved meanwhile, the next try begins from where it is now. `/retry NAME` tries again.

[The log of `NAME`](PAGE)\
""")


async def test_a_pull_request_that_github_refuses(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.fault("POST", r"/repos/acme/widgets/pulls$", "status", times=100, status=422)
        stage.comments("alice", "/fix it")
        task = await stage.ended()
        assert task.error is not None
        assert task.error.code == "pr_failed"
        assert stage.final() == snapshot("""\
❌ `NAME` failed: the pull request could not be opened.

Fault 422

What was pushed is on [`bellhop/NAME`](https://github.test/acme/widgets/tree/bellhop/NAME).

Open the pull request by hand from the branch, or ask again. `/retry NAME` tries again.

[The log of `NAME`](PAGE)\
""")


async def test_a_github_that_is_gone_for_an_hour(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.fault("GET", r"/repos/acme/widgets/collaborators/", "status", times=10_000)
        stage.comments("alice", "/fix it")
        await stage.sim.settled()
        stage.time_passes(hours=1, minutes=1)
        await stage.quiet()
        assert await stage.tasks() == ()
        assert stage.reply() == snapshot(
            "GitHub did not answer for an hour (GitHub answered 500), so this command was never started. Write it again once GitHub works."
        )
