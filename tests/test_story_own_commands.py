"""Stories of commands that a repository has of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from tests.story import Stage, plain, staged
from tests.test_story_refusals import ALICE

FILE = """\
time_limit: 20m
commands:
  changelog:
    description: write | what @everybody should know of a change
    prompt: |
      Read the last commits.
      Write what users notice into CHANGELOG.md.
    time_limit: 5m
  explain:
    description: explain the code that an issue is about
    prompt: Explain the code that this issue is about.
    result: answer
  release:
    description: make a release
    prompt: Make a release.
    permission: maintain
"""
ASKED = "cat > said.txt; cat said.txt"


def configure(stage: Stage, text: str = FILE) -> None:
    stage.repository.commit("main", {".github/bellhop.yml": text}, "Configure", ALICE)


async def known(stage: Stage) -> None:
    """Bellhop has read the file, since somebody has asked for something."""
    configure(stage)
    stage.comments("alice", "@bellhop status")
    await stage.quiet()


async def test_a_command_that_changes_code(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=ASKED) as stage:
        configure(stage)
        comment = stage.comments("alice", "@bellhop changelog --time 1h since *version 1*")
        task = await stage.ended()
        assert [one.content for one in comment.reactions] == ["eyes"]
        assert (task.wish.command, task.wish.time_limit, task.status) == (
            "changelog",
            300,
            "completed",
        )
        said = stage.repository.read_file(f"bellhop/{task.name}", "said.txt")
        assert said.partition("\n\nEverything between")[0] == snapshot("""\
Read the last commits.
Write what users notice into CHANGELOG.md.

since *version 1*\
""")
        assert stage.replies()[0] == snapshot(
            "✅ **`/changelog`** · [`NAME`](PAGE): completed in SPAN: https://github.test/acme/widgets/pull/2"
        )
        assert plain(stage.repository.pulls[0].body or "").partition("---\n")[2] == snapshot(
            "Asked for by alice with `/changelog` in #1. Written by the agent `command` as `NAME`: review it like any other change."
        )


async def test_a_command_that_answers_and_a_follow_up(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command="head -n 1") as stage:
        configure(stage)
        stage.comments("tina", "/bellhop explain")
        await stage.ended()
        assert stage.replies() == snapshot(
            [
                "✅ **`/explain`** · [`NAME`](PAGE): answered in SPAN",
                """\
Explain the code that this issue is about.

[The log of `NAME`](PAGE)\
""",
            ]
        )
        stage.comments("tina", "/retry")
        await stage.attempt(2)
        await stage.ended()
        stage.comments("alice", "/tell shorter")
        await stage.attempt(3)
        await stage.ended()
        assert stage.final() == snapshot("""\
shorter

[The log of `NAME`](PAGE)\
""")
        assert (stage.repository.branches(), stage.repository.pulls) == (["main"], [])


async def test_the_bare_name_counts_once_the_file_was_read_also_after_a_restart(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, agent_command="head -n 1") as stage:
        configure(stage)
        stage.comments("tina", "/explain")
        await stage.quiet()
        assert stage.replies() == [], "it may be another bot's"
        assert await stage.bot.store.inbox.waiting(1) == []
        stage.comments("tina", "@bellhop status")
        await stage.quiet()
        await stage.stop()
        await stage.start()
        stage.comments("tina", "/explain this\n\n/Explain that\n\n/lgtm")
        await stage.ended(2)
        assert [one.wish.prompt.partition("\n\n")[2] for one in await stage.tasks()] == [
            "this",
            "that\n\n/lgtm",
        ]


async def test_a_name_of_one_repository_means_nothing_in_another(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command="head -n 1") as stage:
        await known(stage)
        other = stage.sim.add_repository("acme/gadgets", {"README.md": "# Gadgets\n"})
        other.set_role("alice", "write")
        stage.sim.install(other)
        issue = stage.sim.open_issue(other, author="alice", title="Why?", body="/explain")
        stage.comments("alice", "/explain", issue)
        await stage.quiet()
        assert [one for one in issue.comments if one.user.login == stage.sim.app.bot_login] == []
        assert issue.reactions == []


async def test_it_is_known_when_the_pull_request_with_it_is_merged(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command="head -n 1") as stage:
        files = {".github/bellhop.yml": FILE}
        stage.repository.commit("topic", files, "Configure", ALICE)
        pull = stage.sim.open_pull(stage.repository, author="alice", head="topic", base="main")
        stage.sim.merge_pull(pull, "alice")
        await stage.quiet()
        stage.comments("tina", "/explain")
        await stage.ended()
        assert len(stage.replies()) == 2


async def test_who_may_not_is_told_and_help_lists_what_one_may(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await known(stage)
        stage.comments("alice", "/release 2.0")
        stage.comments("tina", "/changelog")
        await stage.quiet()
        assert stage.replies()[1:] == snapshot(
            [
                "`/release` needs the **maintain** role on this repository, and yours is **write**. Ask somebody who has it, or a maintainer for the role.",
                "`/changelog` needs the **write** role on this repository, and yours is **triage**. Ask somebody who has it, or a maintainer for the role.",
            ]
        )
        stage.comments("alice", "@bellhop help")
        await stage.quiet()
        assert stage.final() == snapshot("""\
What you may use here, as the first thing on a line (`@bellhop help` means the same as `/help`):

| command | does |
|---|---|
| `/fix [instructions]` | change code to resolve the issue and open a pull request; on a pull request, push to its branch |
| `/ask question` | answer with a comment; nothing is pushed |
| `/tell message` | say something more: to the worker of the newest task, or, once that has ended, as a new attempt on the same branch |
| `/stop [task]` | cancel a task: the newest one, or the one you name |
| `/retry [task]` | try again what failed, was cancelled or is completed |
| `/status` | list the tasks of this issue with their state and links |
| `/approve HASH` | let a command run that waits for approval |
| `/help` | list the commands you may use here |
| `/changelog [text]` | write \\| what @&#x200B;everybody should know of a change |
| `/explain [text]` | explain the code that an issue is about |

Options stand before the text of `/fix`, `/ask`, `/changelog` and `/explain`: `--agent NAME`, `--model NAME`, `--base BRANCH`, `--time 20m`, `--max-cost 5`.\
""")
        stage.comments("alice", "@bellhop explan it")
        await stage.quiet()
        assert stage.final() == snapshot(
            "I know no command `explan`. Did you mean `/explain`? The commands are `/fix`, `/ask`, `/tell`, `/stop`, `/retry`, `/status`, `/approve`, `/help`, `/changelog`, `/explain`, `/release`; `/bellhop help` says what they do."
        )
        stage.comments("alice", "/changelog --agnt x")
        await stage.quiet()
        assert stage.final().startswith("I know no option `--agnt`. Did you mean `--agent`?")


@pytest.mark.parametrize("text", ["/explain", "@bellhop explain", "@bellhop anything"])
async def test_with_a_broken_file_nothing_is_guessed(tmp_path: Path, text: str) -> None:
    async with staged(tmp_path) as stage:
        await known(stage)
        configure(stage, FILE.replace("result: answer", "result: poem"))
        before = len(stage.replies())
        stage.comments("alice", text)
        await stage.quiet()
        assert stage.replies()[before:] == [
            """\
`.github/bellhop.yml` on the default branch has mistakes, so nothing was started:

- line 12, `commands.explain.result`: `commands.explain.result` must be `pull_request` or `answer`.

Mend them there and ask again.\
"""
        ]
        stage.comments("visitor", text)
        await stage.quiet()
        assert len(stage.replies()) <= before + 2
        assert await stage.tasks() == ()


async def test_github_does_not_tell_of_the_file_for_an_hour(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await known(stage)
        before = len(stage.replies())
        stage.fault("GET", r".*/bellhop.yml$", "status", times=10_000, status=502)
        stage.comments("alice", "/explain")
        await stage.sim.settled()
        stage.time_passes(hours=1, minutes=1)
        await stage.quiet()
        (said,) = stage.replies()[before:]
        assert said.startswith("GitHub did not answer for an hour")


async def test_a_permission_that_is_lost_before_the_launch_of_an_own_command(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, max_running=1, agent_command="sleep 60") as stage:
        await known(stage)
        stage.comments("bob", "/fix one")
        await stage.in_state("working")
        stage.repository.set_role("alice", "maintain")
        other = stage.sim.open_issue(stage.repository, author="alice", title="Two", body="")
        stage.comments("alice", "/release", other)
        await stage.in_state("queued", other)
        stage.repository.set_role("alice", "write")
        stage.comments("bob", "/stop")
        task = await stage.ended(issue=other)
        assert task.error is not None
        assert task.error.title == "alice may no longer use /release here"
