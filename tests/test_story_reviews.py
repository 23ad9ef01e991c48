"""Stories of reviews: with a command, and of Bellhop's own pull requests without one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from inline_snapshot import snapshot

from simulator.model import PullRequest, Review
from tests.http_tasks import WAITS
from tests.story import AGENT, Stage, staged, until

ALICE = "alice <alice@example.org>"


async def _own(stage: Stage) -> PullRequest:
    """The pull request of a task that is done."""
    stage.comments("alice", "/fix it")
    await stage.ended()
    (pull,) = stage.repository.pulls
    return pull


async def _prompts(stage: Stage) -> list[str]:
    brief = await stage.bot.store.brief((await stage.task()).id)
    assert brief is not None
    return [one.prompt for one in brief.attempts]


async def test_a_review_that_requests_changes_is_another_attempt(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        pull = await _own(stage)
        stage.sim.review(
            pull,
            author="bob",
            body="Nearly.",
            state="changes_requested",
            comments=[("fix.txt", 1, "Say *what* is fixed.")],
        )
        await stage.attempt(2)
        task = await stage.ended()
        assert (task.attempt, task.status, task.requester.login) == (2, "completed", "bob")
        assert stage.repository.pulls == [pull], "the work goes to the same branch"
        assert [one.content for one in pull.reactions] == ["eyes"]
        assert (await _prompts(stage))[1] == snapshot("""\
A review of the pull request that requests changes:

Nearly.

On `fix.txt`, line 1:

```text
@@ -0,0 +1 @@
+fixed
```

Say *what* is fixed.\
""")
        assert len(stage.replies()) == 3, "the status, and each attempt's end"


async def test_a_review_that_comes_late_begins_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        pull = await _own(stage)
        await stage.stop()
        stage.sim.review(pull, author="alice", body="Nearly.", state="changes_requested")
        await stage.sim.settled()
        stage.clock.offset += timedelta(hours=3)
        await stage.start()
        for missed in [one for one in stage.sim.deliveries if one.status != "OK"]:
            stage.sim.redeliver(missed)
        await stage.quiet()
        assert (await stage.task()).attempt == 1
        assert stage.replies(pull)[-1] == (
            "Nothing was started for this review. It is 3 h 0 min old: I could not hear it sooner. "
            "If it still holds, say with `/tell` what is to be done."
        )


async def test_comments_alone_are_heard_and_an_approval_is_not(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        pull = await _own(stage)
        stage.sim.review(pull, author="alice", body="Well done.", state="approved")
        stage.sim.review(pull, author="tina", body="I would not.", state="changes_requested")
        stage.sim.review(pull, author="robot[bot]", comments=[("fix.txt", 1, "A typo?")])
        await stage.quiet()
        assert (await stage.task()).attempt == 1
        assert await stage.bot.store.inbox.waiting(1) == []
        stage.sim.review(pull, author="alice", comments=[("fix.txt", 1, "A full stop, please.")])
        await stage.attempt(2)
        await stage.ended()
        stage.sim.close_pull(pull, "alice")
        stage.sim.review(pull, author="alice", body="A last word.")
        await stage.quiet()
        assert (await stage.task()).attempt == 2


async def test_who_is_at_work_is_told_a_review(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=f"test ! -e fix.txt || {WAITS}\n{AGENT}") as stage:
        pull = await _own(stage)
        stage.comments("alice", "/retry")
        await until(lambda: stage.at_work(2))
        stage.sim.review(pull, author="bob", body="Say more.")
        await stage.quiet()
        task = await stage.task()
        assert (task.attempt, task.status) == (2, "running")
        said = [one for one in await stage.bot.store.timeline(task.id) if one.type == "message"]
        assert [(one.data["by"], one.message) for one in said] == snapshot(
            [
                (
                    "bob",
                    """\
A review of the pull request:

Say more.\
""",
                )
            ]
        )


async def _other(stage: Stage) -> PullRequest:
    """Somebody's own pull request."""
    stage.repository.commit("topic", {"topic.txt": "one\ntwo\nthree\n"}, "Topic", ALICE)
    return stage.sim.open_pull(stage.repository, author="alice", head="topic", title="A topic")


def _asks(stage: Stage, pull: PullRequest, author: str, body: str) -> Review:
    return stage.sim.review(
        pull,
        author=author,
        body=body,
        comments=[("topic.txt", 2, "This one."), ("topic.txt", 3, "And `this`.")],
    )


async def test_a_command_in_a_review_is_one_task_with_the_comments_beside_it(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        pull = await _other(stage)
        _asks(stage, pull, "bob", "Some things:\n\n/fix what I marked")
        task = await stage.ended(issue=pull)
        assert len(await stage.tasks(pull)) == 1
        assert (task.status, task.origin.kind, task.requester.login) == (
            "completed",
            "review",
            "bob",
        )
        brief = await stage.bot.store.brief(task.id)
        assert brief is not None
        (attempt,) = brief.attempts
        assert attempt.prompt == "what I marked"
        assert attempt.context[attempt.context.index("## The review") :] == snapshot("""\
## The review with the command, by bob

```text
Some things:

/fix what I marked
```

On `topic.txt`, line 2:

```text
@@ -0,0 +1,3 @@
+one
+two
```

```text
This one.
```

On `topic.txt`, line 3:

```text
@@ -0,0 +1,3 @@
+one
+two
+three
```

```text
And `this`.
```\
""")


async def test_commands_in_reviews_are_for_writers(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        pull = await _other(stage)
        _asks(stage, pull, "tina", "/fix it")
        await stage.quiet()
        assert stage.replies(pull) == snapshot(
            [
                "`/fix` needs the **write** role on this repository, and yours is **triage**. Ask somebody who has it, or a maintainer for the role."
            ]
        )
        _asks(stage, pull, "tina", "/ask why?")
        await stage.quiet()
        assert stage.replies(pull)[1:] == snapshot(
            [
                "Commands in reviews count from people with the **write** role, and yours is **triage**. Write it in a comment of its own."
            ]
        )
        assert await stage.tasks(pull) == ()


async def test_what_others_say_of_others_pull_requests_is_theirs(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        pull = await _other(stage)
        _asks(stage, pull, "bob", "I do not like it.")
        stage.sim.review(pull, author="bob", body="No.", state="changes_requested")
        await stage.quiet()
        assert stage.replies(pull) == []
        stored = await stage.bot.store.arrivals.page(10, None)
        assert [one.event for one in stored] == [], "and costs no write"


async def test_a_review_that_cannot_be_worked_on_is_told_why(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        pull = await _own(stage)
        stage.repository.commit("main", {".github/bellhop.yml": "agnet: x\n"}, "Oh", ALICE)
        stage.sim.review(pull, author="bob", body="Nearly.", state="changes_requested")
        await stage.quiet()
        assert stage.replies(pull) == snapshot(
            [
                """\
Nothing was started for this review. `.github/bellhop.yml` on the default branch has mistakes, so nothing was started:

- line 1, `agnet`: There is no key `agnet`. Did you mean `agent`? The keys are `agent`, `model`, `runner`, `image`, `time_limit`, `max_cost`, `concurrency`, `outsiders`, `context`, `ci`, `request_review`, `labels`, `commands`, `allow_apps`.

Mend them there and ask again.\
"""
            ]
        )
        stage.sim.review(pull, author="bob", body="Again.", state="changes_requested")
        await stage.quiet()
        assert len(stage.replies(pull)) == 1, "the same is told once an hour"
