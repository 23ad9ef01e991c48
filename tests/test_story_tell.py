"""Stories of `/tell`: to who is at work, after the end, and on the pull request."""

from __future__ import annotations

import json
from pathlib import Path

from inline_snapshot import snapshot

from simulator.model import Comment
from tests.story import Stage, staged, until
from tests.test_story_followups import Gates, read


def deliver_again(stage: Stage, comment: Comment, times: int = 9) -> None:
    """GitHub delivers a comment again and again."""
    first = next(
        one
        for one in stage.sim.deliveries
        if one.event == "issue_comment" and json.loads(one.body)["comment"]["id"] == comment.id
    )
    for _ in range(times):
        stage.sim.redeliver(first)


async def test_an_agent_at_work_is_told_once_however_often_it_is_delivered(
    tmp_path: Path,
) -> None:
    gates = Gates(tmp_path)
    async with staged(tmp_path, agent_command=gates.agent()) as stage:
        stage.comments("alice", "/fix it please")
        await gates.begun(0)
        comment = stage.comments("bob", "/tell in green, @alice")
        await stage.sim.settled()
        await until(lambda: bool(comment.reactions), "a sign that it was read")
        deliver_again(stage, comment)
        await stage.sim.settled()
        task = await stage.task()
        assert [one.text for one in task.pending] == ["in green, @alice"]
        gates.go_on(0)
        await gates.run(1)
        task = await stage.ended()
        assert (task.attempt, task.status, task.pending) == (1, "completed", ())
        assert [one.content for one in comment.reactions] == ["eyes"]
        assert stage.replies() == snapshot(
            [
                "✅ **`/fix`** · [`NAME`](PAGE): completed in SPAN: https://github.test/acme/widgets/pull/2",
                """\
🛎️ Done: https://github.test/acme/widgets/pull/2

did 0

On “in green, @&#x200B;alice”:

did 1

[The log of `NAME`](PAGE)\
""",
            ]
        )
        assert read(stage, task.name, 1).startswith("in green, @alice\n\n")


async def test_after_the_end_it_is_another_attempt(tmp_path: Path) -> None:
    gates = Gates(tmp_path)
    async with staged(tmp_path, agent_command=gates.agent()) as stage:
        stage.comments("alice", "/fix it please")
        await gates.run(0)
        await stage.ended()
        comment = stage.comments("bob", "/tell in green")
        await gates.run(1)
        deliver_again(stage, comment)
        task = await stage.ended()
        assert (task.attempt, task.requester.login, task.owner.login) == (2, "bob", "alice")
        assert len(stage.repository.pulls) == 1
        assert [one.content for one in comment.reactions] == ["eyes"]
        assert stage.replies() == snapshot(
            [
                "✅ **`/fix`** · [`NAME`](PAGE): completed in SPAN: https://github.test/acme/widgets/pull/2",
                """\
🛎️ Done: https://github.test/acme/widgets/pull/2

did 0

[The log of `NAME`](PAGE)\
""",
                """\
🛎️ Done: https://github.test/acme/widgets/pull/2

did 1

[The log of `NAME`](PAGE)\
""",
            ]
        )
        assert read(stage, task.name, 1).startswith("in green\n\n")


async def test_an_answer_is_asked_about_again(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command="head -n 1") as stage:
        stage.comments("tina", "/ask why does it squeak?")
        await stage.ended()
        stage.comments("alice", "/tell and since when?")
        await stage.attempt(2)
        await stage.ended()
        assert stage.final() == snapshot("""\
and since when?

[The log of `NAME`](PAGE)\
""")
        assert stage.repository.branches() == ["main"]


async def test_on_the_pull_request_the_task_that_opened_it_is_meant(tmp_path: Path) -> None:
    gates = Gates(tmp_path)
    async with staged(tmp_path, agent_command=gates.agent()) as stage:
        stage.comments("alice", "/fix it please")
        await gates.run(0)
        first = await stage.ended()
        (pull,) = stage.repository.pulls
        stage.comments("bob", "The colour is wrong.", pull)
        stage.comments("alice", "/tell in green", pull)
        await gates.run(1)
        task = await stage.ended()
        assert (task.id, task.attempt, task.where.number) == (first.id, 2, stage.issue.number)
        assert stage.repository.pulls == [pull]
        told = read(stage, task.name, 1)
        assert told.startswith("in green\n\n")
        assert [line for line in told.splitlines() if line.startswith("# ")] == snapshot(
            ["# Issue #1", "# Pull request #2", "# Earlier attempts at this task"]
        )
        assert "The colour is wrong." in told
        assert stage.replies(pull) == [], "what there is to say stands on the issue"
        assert len(stage.replies()) == 3

        stage.comments("bob", "/status", pull)
        await stage.quiet()
        assert stage.reply(pull) == snapshot("""\
| task | command | state | time | pull request |
|---|---|---|---|---|
| [`NAME`](PAGE) | `/fix` | completed | SPAN | https://github.test/acme/widgets/pull/2 |\
""")
        stage.comments("bob", "/retry", pull)
        await gates.begun(2)
        stage.comments("bob", "/stop", pull)
        task = await stage.ended()
        assert (task.attempt, task.status) == (3, "cancelled")
        assert stage.final() == snapshot("""\
`NAME` was stopped by bob. `/retry NAME` starts it again.

[The log of `NAME`](PAGE)\
""")

        stage.comments("alice", "/fix the rest", pull)
        await gates.run(3)
        own = await stage.ended(2, issue=pull)
        assert (own.id != first.id, own.where.number) == (True, pull.number)


async def test_what_cannot_be_told_now_is_said(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command="trap '' TERM; sleep 60 & wait; wait") as stage:
        stage.comments("alice", "@bellhop tell it to hurry")
        await stage.quiet()
        stage.comments("alice", "/tell it to hurry")
        stage.comments("alice", "/fix it")
        await stage.in_state("working")
        stage.comments("tina", "/tell it to hurry")
        stage.comments("alice", "/stop")
        stage.comments("alice", "/tell it to hurry")
        await until(lambda: len(stage.replies()) > 3, "three answers beside the status comment")
        said = [text for text in stage.replies() if "**`/fix`**" not in text]
        assert said == snapshot(
            [
                "There is no task of this issue that I could tell. `/status` lists them.",
                "`/tell` needs the **write** role on this repository, and yours is **triage**. Ask somebody who has it, or a maintainer for the role.",
                "`NAME` was not told: It is being stopped. Send the message once it has ended.",
            ]
        )


async def test_it_is_told_when_github_answers_again(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command="head -n 1; echo x >> x") as stage:
        stage.comments("alice", "/fix it")
        await stage.ended()
        stage.fault("GET", r".*/permission$", "status", times=3, status=502)
        stage.comments("alice", "/tell in green")
        await stage.attempt(2)
        task = await stage.ended()
        assert (task.attempt, len(stage.replies())) == (2, 3)
