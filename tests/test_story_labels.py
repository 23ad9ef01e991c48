"""Stories of labels that ask for a command."""

from __future__ import annotations

from pathlib import Path

from inline_snapshot import snapshot

from tests.story import Stage, staged, until
from tests.test_story_refusals import ALICE

FILE = """\
labels:
  "Ring the bell": fix
  explain this: explain
commands:
  explain:
    description: explain the code
    prompt: Explain the code.
    result: answer
"""


def configure(stage: Stage, text: str = FILE) -> None:
    stage.repository.commit("main", {".github/bellhop.yml": text}, "Configure", ALICE)


async def test_a_label_asks_for_a_fix(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        configure(stage)
        label = stage.sim.label(stage.issue, "ring the bell", "alice")
        task = await stage.ended()
        assert (task.wish.command, task.wish.prompt, task.owner.login) == ("fix", "", "alice")
        assert (task.origin.kind, task.origin.url) == (
            "label",
            f"{stage.sim.url}/acme/widgets/issues/1",
        )
        assert [one.content for one in stage.issue.reactions] == ["eyes"]
        assert stage.replies() == snapshot(
            [
                "✅ **`/fix`** · [`NAME`](PAGE): completed in SPAN: https://github.test/acme/widgets/pull/2",
                """\
🛎️ Done: https://github.test/acme/widgets/pull/2

Added the missing line.

[The log of `NAME`](PAGE)\
""",
            ]
        )
        for one in list(stage.sim.deliveries):
            if one.action == "labeled":
                stage.sim.redeliver(one)
        await stage.quiet()
        assert len(await stage.tasks()) == 1
        stage.sim.unlabel(stage.issue, label, "alice")
        stage.sim.label(stage.issue, "ring the bell", "bob")
        again = await stage.ended(2)
        assert (again.owner.login, len(stage.repository.pulls)) == ("bob", 2)


async def test_a_label_asks_for_an_own_command(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command="head -n 1") as stage:
        configure(stage)
        stage.sim.label(stage.issue, "Explain this", "tina")
        await stage.ended()
        assert stage.final() == snapshot("""\
Explain the code.

[The log of `NAME`](PAGE)\
""")


async def test_while_it_is_done_the_label_asks_for_nothing_more(tmp_path: Path) -> None:
    agent = f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; echo x > x"
    async with staged(tmp_path, agent_command=agent) as stage:
        configure(stage)
        label = stage.sim.label(stage.issue, "Ring the bell", "alice")
        await stage.in_state("working")
        stage.sim.unlabel(stage.issue, label, "alice")
        stage.sim.label(stage.issue, "Ring the bell", "alice")
        await stage.sim.settled()

        async def taken() -> bool:
            return not await stage.bot.store.inbox.waiting(1)

        await until(taken, "a look at the label")
        assert len(await stage.tasks()) == 1
        (tmp_path / "go").touch()
        await stage.ended()
        assert len(stage.replies()) == 2


async def test_the_labeller_needs_the_role(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        configure(stage)
        stage.sim.label(stage.issue, "Ring the bell", "tina")
        await stage.quiet()
        assert stage.reply() == snapshot(
            "To tina, whose label asks for `/fix`: `/fix` needs the **write** role on this repository, and yours is **triage**. Ask somebody who has it, or a maintainer for the role."
        )
        other = stage.sim.open_issue(stage.repository, author="alice", title="Two")
        stage.sim.label(other, "Ring the bell", "tina")
        await stage.quiet()
        assert stage.replies(other) == [], "the same is told once an hour"
        assert (await stage.tasks(), await stage.tasks(other)) == ((), ())


async def test_what_is_no_trigger_is_looked_at_once_in_a_while(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.repository.set_role("robot[bot]", "write")
        configure(stage)
        stage.sim.label(stage.issue, "bug", "alice")
        await stage.quiet()
        stage.sim.label(stage.issue, "Ring the bell", "robot[bot]")
        stage.sim.label(stage.issue, "wontfix", "alice")
        await stage.quiet()
        outcomes = [one.status_code for one in stage.sim.deliveries if one.action == "labeled"]
        assert outcomes == [202, 200, 200]
        assert stage.replies() == []
        configure(stage, FILE.replace("Ring the bell", "wontfix"))
        stage.time_passes(minutes=6)
        other = stage.sim.open_issue(stage.repository, author="alice", title="Two")
        stage.sim.label(other, "wontfix", "alice")
        await stage.ended(issue=other)
        assert len(stage.replies(other)) == 2


async def test_a_file_that_broke_is_told_where_the_label_was_known(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        configure(stage)
        stage.sim.label(stage.issue, "bug", "alice")
        await stage.quiet()
        configure(stage, FILE.replace("explain this: explain", "explain this: ask"))
        stage.sim.label(stage.issue, "Ring the bell", "alice")
        await stage.quiet()
        assert stage.reply() == snapshot("""\
To alice, whose label asks for `/fix`: `.github/bellhop.yml` on the default branch has mistakes, so nothing was started:

- line 3, `labels.explain this`: `/ask` needs more than a label says: a label can ask for `fix`, or for one of `commands`.

Mend them there and ask again.\
""")
        stage.time_passes(minutes=6)
        stage.sim.label(stage.issue, "wontfix", "alice")
        await stage.quiet()
        assert len(stage.replies()) == 1


async def test_github_does_not_tell_of_a_label_for_an_hour(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        configure(stage)
        stage.fault("GET", r".*/bellhop.yml$", "status", times=10_000, status=502)
        stage.sim.label(stage.issue, "Ring the bell", "alice")
        await stage.sim.settled()
        assert len(await stage.bot.store.inbox.waiting(1)) == 1
        stage.time_passes(hours=1, minutes=1)
        await stage.quiet()
        assert stage.replies() == [], "nobody knows that it asked for anything"
        stage.sim.faults.clear()
        stage.sim.label(stage.issue, "bug", "alice")
        await stage.quiet()
        stage.fault("GET", r".*/bellhop.yml$", "status", times=10_000, status=502)
        other = stage.sim.open_issue(stage.repository, author="alice", title="Two")
        stage.sim.label(other, "Ring the bell", "alice")
        await stage.sim.settled()
        stage.time_passes(hours=1, minutes=1)
        await stage.quiet()
        assert stage.reply(other).startswith("GitHub did not answer for an hour")
