"""Stories of what is refused, and of what is not even heard."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from tests.story import Stage, staged

ALICE = "alice <alice@example.org>"
VISITOR = "visitor <visitor@example.org>"
BROKEN = """\
agent: command
time_limit: fast
modle: gpt-5
"""


async def test_no_write_permission(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.comments("tina", "/fix it")
        await stage.quiet()
        assert stage.reply() == snapshot(
            "`/fix` needs the **write** role on this repository, and yours is **triage**. Ask somebody who has it, or a maintainer for the role."
        )
        stage.comments("tina", "/fix it now")
        await stage.quiet()
        assert len(stage.replies()) == 1, "the same is told once an hour"
        stage.time_passes(hours=1, seconds=1)
        stage.comments("tina", "/fix it at last")
        await stage.quiet()
        assert len(stage.replies()) == 2
        assert await stage.tasks() == ()


async def test_a_permission_that_is_lost_before_the_launch(tmp_path: Path) -> None:
    async with staged(tmp_path, max_running=1, agent_command="sleep 60") as stage:
        stage.comments("bob", "/fix one")
        await stage.in_state("working")
        other = stage.sim.open_issue(stage.repository, author="alice", title="Two", body="")
        stage.comments("alice", "/fix two", other)
        await stage.in_state("queued", other)
        stage.repository.set_role("alice", "triage")
        stage.comments("bob", "/stop")
        task = await stage.ended(issue=other)
        assert task.error is not None
        assert task.error.code == "not_permitted"
        assert stage.replies(other) == snapshot(
            [
                "❌ **`/fix`** · [`NAME`](PAGE): failed: alice may no longer use /fix here",
                """\
❌ `NAME` failed: alice may no longer use /fix here.

Ask somebody with the role to write the command.

[The log of `NAME`](PAGE)\
""",
            ]
        )


async def test_the_unheard(tmp_path: Path) -> None:
    """A Bot, Bellhop itself, a transferred issue, code, quotations, HTML comments, others' words."""
    async with staged(tmp_path) as stage:
        stage.repository.set_role("robot[bot]", "write")
        stage.comments("robot[bot]", "/fix it")
        stage.comments(stage.sim.app.bot_login, "/fix it")
        for text in (
            "```\n/fix it\n```",
            "    /fix it",
            "`\n/fix it\n`",
            "> /fix it",
            "<!--\n/fix it\n-->",
            "Please /fix it",
            "/fixed it",
            "/etc/passwd",
        ):
            stage.comments("alice", text)
        await stage.quiet()
        assert stage.replies() == ["/fix it"], "these words were put into its mouth"
        assert await stage.tasks() == ()


async def test_a_transferred_issue_asks_for_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        attic = stage.sim.add_repository("acme/attic", {"README.md": "# Attic\n"})
        issue = stage.sim.open_issue(attic, author="alice", title="Old", body="/fix it")
        moved = stage.sim.transfer_issue(issue, stage.repository)
        await stage.quiet()
        assert await stage.tasks(moved) == ()
        assert stage.replies(moved) == []


async def test_an_unknown_command(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.comments("alice", "@bellhop fiks it")
        await stage.quiet()
        assert stage.reply() == snapshot(
            "I know no command `fiks`. Did you mean `/fix`? The commands are `/fix`, `/ask`, `/tell`, `/stop`, `/retry`, `/status`, `/approve`, `/help`; `/bellhop help` says what they do."
        )


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (
            "/fix --agnt claude it",
            snapshot(
                "I know no option `--agnt`. Did you mean `--agent`? The options are `--agent`, `--model`, `--base`, `--time`, `--max-cost`. If it belongs to your text, write ` -- ` before the text."
            ),
        ),
        (
            "/fix --agent claude it",
            snapshot("This Bellhop has no agent `claude`. It has: `command`."),
        ),
        (
            "/fix --time 2d it",
            snapshot(
                "`2d` cannot be used for `--time`: it takes from `60s` to `1d` with the unit (s, m, h, d), for example `--time 20m`."
            ),
        ),
        (
            "/fix --base nowhere it",
            snapshot("There is no branch `nowhere` here. Name one that exists."),
        ),
        ("/ask", snapshot("`/ask` needs a text: `/ask question`.")),
    ],
)
async def test_a_bad_option(tmp_path: Path, command: str, reply: str) -> None:
    async with staged(tmp_path) as stage:
        stage.comments("alice", command)
        await stage.quiet()
        assert stage.reply() == reply


async def test_a_broken_configuration(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.repository.commit("main", {".github/bellhop.yml": BROKEN}, "Configure", ALICE)
        stage.comments("alice", "/fix it")
        await stage.quiet()
        assert stage.reply() == snapshot("""\
`.github/bellhop.yml` on the default branch has mistakes, so nothing was started:

- line 2, `time_limit`: `time_limit` must be a time from `60s` to `1d` with its unit (s, m, h, d), for example `20m`.
- line 3, `modle`: There is no key `modle`. Did you mean `model`? The keys are `agent`, `model`, `runner`, `image`, `time_limit`, `max_cost`, `concurrency`, `outsiders`, `context`, `ci`, `request_review`, `labels`, `commands`, `allow_apps`.

Mend them there and ask again.\
""")


async def test_more_commands_than_count(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command="true") as stage:
        stage.comments("alice", "\n\n".join(f"/ask number {number}?" for number in range(7)))
        await stage.ended(5)
        assert len(await stage.tasks()) == 5
        assert [one for one in stage.replies() if "first 5" in one] == snapshot(
            ["Only the first 5 commands of a comment count. Put the others in another comment."]
        )


async def _pull(stage: Stage, head: str) -> None:
    pull = stage.sim.open_pull(
        stage.repository, author="alice", head=head, base="base", title="A topic"
    )
    stage.comments("alice", "/fix it", pull)
    await stage.quiet()
    assert await stage.tasks(pull) == ()


async def test_branches_that_bellhop_never_pushes_to(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.repository.commit("base", {"b.txt": "b\n"}, "Base", ALICE)
        stage.repository.commit("release", {"r.txt": "r\n"}, "Release", ALICE)
        stage.sim.protect_branch(stage.repository, "release")
        await _pull(stage, "release")
        stage.repository.commit("main", {"m.txt": "m\n"}, "Main", ALICE)
        await _pull(stage, "main")
        fork = stage.sim.fork(stage.repository, "visitor")
        fork.commit("topic", {"t.txt": "t\n"}, "Topic", VISITOR)
        pull = stage.sim.open_pull(
            stage.repository,
            author="visitor",
            head="topic",
            base="main",
            from_fork=fork,
            title="From afar",
        )
        stage.comments("alice", "/fix it", pull)
        await stage.quiet()
        said = [stage.reply(one) for one in stage.repository.pulls]
        assert said == snapshot(
            [
                "`release` is the default or a protected branch, and Bellhop never pushes to those. Open the pull request from a branch of its own.",
                "`main` is the default or a protected branch, and Bellhop never pushes to those. Open the pull request from a branch of its own.",
                "This pull request comes from a fork, and Bellhop pushes only to branches of this repository. `/ask` works here; for a change, push the branch to this repository first.",
            ]
        )
