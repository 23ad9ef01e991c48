"""What a worker does with what is said to it while its agent works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.test_worker_run import (
    BRANCH,
    PULL_REQUEST,
    SECRET,
    TASK,
    Bellhop,
    _branch_of_a_pull_request,
    begin,
    bellhop,
    pushed,
    template,
    until,
    when,
    work,
)

__all__ = ["bellhop", "template"]


class Gates:
    """Lets each run of an agent wait until the test lets it go on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def agent(self, then: str) -> str:
        """An agent that keeps what it reads, waits at its gate, and then does its work."""
        folder = self.folder
        return (
            f"n=$(ls {folder} | grep -c said); cat > {folder}/new; mv {folder}/new {folder}/said$n;"
            f" while [ ! -e {folder}/go$n ]; do sleep 0.02; done; {then}"
        )

    async def begun(self, number: int) -> None:
        await until((self.folder / f"said{number}").exists)

    def go_on(self, number: int) -> None:
        (self.folder / f"go{number}").touch()

    def said(self, number: int) -> str:
        return (self.folder / f"said{number}").read_text()


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    return Gates(tmp_path / "gates")


async def test_what_is_said_while_the_agent_works_is_another_run(
    bellhop: Bellhop, gates: Gates
) -> None:
    bellhop.assignment |= {"context": "The issue says more.", "title": "Threes"}
    bellhop.assignment["agentCommand"] = gates.agent("echo $n >> c; echo did $n")
    started = await begin(bellhop)
    await gates.begun(0)
    bellhop.says("m1", "And make it green\nplease")
    bellhop.says("m2", f"not {SECRET}")
    gates.go_on(0)
    await gates.begun(1)
    assert bellhop.acknowledged == [], "only what was done is acknowledged"
    gates.go_on(1)
    assert await started.ended() == 0
    assert gates.said(0) == "Make it three\nplease\n\nThe issue says more.\n"
    assert gates.said(1) == (
        f"And make it green\nplease\n\nnot {SECRET}\n\nThe issue says more.\n\n"
        "# Before, in this attempt\n\nWhat follows was asked of you and answered by you already, "
        "and the changes are in place: go on from there.\n\n"
        "You were asked:\n\n```text\nMake it three\nplease\n```\n\n"
        "You answered:\n\n```text\ndid 0\n```\n"
    )
    assert bellhop.acknowledged == ["m1", "m2"]
    assert bellhop.messages == []
    assert bellhop.completions == [
        {
            "taskId": TASK,
            "status": "completed",
            "branch": BRANCH,
            "title": "Threes",
            "summary": "did 0\n\nOn “And make it green”:\n\ndid 1",
        }
    ]
    assert pushed(bellhop, "show", f"{BRANCH}:c") == "0\n1"
    assert pushed(bellhop, "log", "--format=%s", f"main..{BRANCH}") == "And make it green\nThrees"
    assert bellhop.states == ["cloning", "working", "working", "pushing"]


async def test_what_waits_before_the_first_run_belongs_to_its_prompt(
    bellhop: Bellhop, gates: Gates
) -> None:
    bellhop.says("m1", "In green")
    bellhop.assignment["agentCommand"] = gates.agent("echo 3 > c")
    started = await begin(bellhop)
    await gates.begun(0)
    assert gates.said(0) == "Make it three\nplease\n\nIn green\n"
    gates.go_on(0)
    assert await started.ended() == 0
    assert bellhop.acknowledged == ["m1"]
    assert bellhop.states == ["cloning", "working", "pushing"]


async def test_it_goes_on_until_nobody_has_more_to_say(bellhop: Bellhop, gates: Gates) -> None:
    bellhop.assignment["agentCommand"] = gates.agent("echo $n >> c; echo did $n")
    started = await begin(bellhop)
    for number in range(7):
        await gates.begun(number)
        if number < 6:
            bellhop.says(f"m{number}", f"Ask {number}")
        gates.go_on(number)
    assert await started.ended() == 0
    assert bellhop.acknowledged == [f"m{number}" for number in range(6)]
    told = gates.said(6)
    assert [n for n in range(6) if f"\ndid {n}\n" in told] == [0, 2, 3, 4, 5]
    assert "(Left out: 1 things that you were asked after that.)" in told
    assert pushed(bellhop, "show", f"{BRANCH}:c") == "0\n1\n2\n3\n4\n5\n6"


async def test_an_answer_goes_on_too(bellhop: Bellhop, gates: Gates) -> None:
    bellhop.assignment |= {"headBranch": None, "pushUrl": None, "command": "ask"}
    bellhop.assignment["agentCommand"] = gates.agent("echo c > c; [ $n = 1 ] || echo because")
    started = await begin(bellhop)
    await gates.begun(0)
    bellhop.says("m1", "`" * 5 + "x" * 9000)
    gates.go_on(0)
    await gates.begun(1)
    bellhop.says("m2", "And why that?")
    gates.go_on(1)
    await gates.begun(2)
    gates.go_on(2)
    assert await started.ended() == 0
    assert bellhop.completions[0]["summary"] == "because\n\nOn “And why that?”:\n\nbecause"
    told = gates.said(2)
    assert "``````text\n`````x" in told
    assert "(cut: 1005 more characters)" in told
    assert told.count("You answered:") == 1


async def test_a_follow_up_that_fails_spoils_nothing_that_was_done(
    bellhop: Bellhop, gates: Gates
) -> None:
    bellhop.assignment["agentCommand"] = gates.agent("echo $n >> c; git add c; exit $n")
    started = await begin(bellhop)
    await gates.begun(0)
    bellhop.says("m1", "Break it")
    gates.go_on(0)
    await gates.begun(1)
    gates.go_on(1)
    assert await started.ended() == 0
    assert bellhop.acknowledged == [], "another attempt is to be made of it"
    (completion,) = bellhop.completions
    assert (completion["status"], completion["branch"]) == ("completed", BRANCH)
    assert pushed(bellhop, "show", f"{BRANCH}:c") == "0"
    assert any("exit code 1 on a follow-up" in text for _, text in bellhop.logs)


async def test_a_first_run_that_fails_leaves_what_was_said_unanswered(
    bellhop: Bellhop, gates: Gates
) -> None:
    bellhop.assignment["agentCommand"] = gates.agent("exit 4")
    started = await begin(bellhop)
    await gates.begun(0)
    bellhop.says("m1", "And quickly")
    gates.go_on(0)
    assert await started.ended() == 0
    assert bellhop.acknowledged == []
    assert bellhop.completions[0]["status"] == "failed"


async def test_after_a_stop_nothing_more_is_run(bellhop: Bellhop, gates: Gates) -> None:
    bellhop.assignment["agentCommand"] = gates.agent("echo $n")
    started = await begin(bellhop, "--heartbeat", "20")
    await gates.begun(0)
    bellhop.says("m1", "And quickly")
    bellhop.answers["stop"] = True
    gates.go_on(0)
    assert await started.ended() == 0
    assert bellhop.completions == [{"taskId": TASK, "status": "cancelled"}]
    assert not (gates.folder / "said1").exists()
    assert bellhop.acknowledged == []


async def test_results_of_several_runs_are_one(bellhop: Bellhop, gates: Gates) -> None:
    results = [
        {"title": "One", "body": "First", "summary": "1", "usage": {"inputTokens": 5}},
        {"title": "Two", "summary": "2", "usage": {"inputTokens": 2, "costUsd": 0.5}},
        {"body": "Third", "summary": "3"},
    ]
    for number, result in enumerate(results):
        (gates.folder / f"result{number}").write_text(json.dumps(result))
    bellhop.assignment["agentCommand"] = gates.agent(
        f"echo $n > c; cp {gates.folder}/result$n $BELLHOP_RESULT_FILE"
    )
    started = await begin(bellhop)
    for number in range(3):
        await gates.begun(number)
        if number < 2:
            bellhop.says(f"m{number}", f"Ask {number}")
        gates.go_on(number)
    assert await started.ended() == 0
    (completion,) = bellhop.completions
    assert completion["title"] == "Two"
    assert completion["body"] == "Third"
    assert completion["summary"] == "1\n\nOn “Ask 0”:\n\n2\n\nOn “Ask 1”:\n\n3"
    assert completion["usage"] == {"inputTokens": 7, "costUsd": 0.5}
    assert pushed(bellhop, "log", "--format=%s", f"main..{BRANCH}") == "Ask 1\nTwo\nOne"


async def test_on_a_pull_request_the_base_says_what_later_runs_obey_too(
    bellhop: Bellhop, gates: Gates
) -> None:
    head = _branch_of_a_pull_request(bellhop, d="theirs\n", **PULL_REQUEST)
    bellhop.assignment |= {"headBranch": "feature", "headSha": head, "configFrom": "main"}
    bellhop.assignment["agentCommand"] = gates.agent(
        "cat CLAUDE.md; ls -A . sub/AGENTS.md .claude 2>&1; echo $n > c$n"
    )
    started = await begin(bellhop)
    await gates.begun(0)
    bellhop.says("m1", "More")
    gates.go_on(0)
    await gates.begun(1)
    gates.go_on(1)
    assert await started.ended() == 0
    lines = [message for _, message in bellhop.logs]
    assert lines.count("the base's instructions") == 2
    assert "obey the author" not in lines
    assert pushed(bellhop, "diff", "--name-only", head, "feature").split() == ["c0", "c1"]
    assert pushed(bellhop, "show", "feature:CLAUDE.md") == "obey the author"


async def test_the_warning_is_a_line_of_the_log_each_time_it_is_given(
    bellhop: Bellhop, gates: Gates
) -> None:
    bellhop.assignment["agentCommand"] = gates.agent("echo well")
    started = await begin(bellhop)
    await gates.begun(0)
    for _ in range(2):
        bellhop.says("time-limit", "Come to an end.")
        await until(lambda: not bellhop.messages)
    gates.go_on(0)
    assert await started.ended() == 0
    assert bellhop.logs.count(("warning", "Bellhop says: Come to an end.")) == 2
    assert bellhop.completions[0]["summary"] == "well"
    assert not (gates.folder / "said1").exists()


async def test_a_later_deadline_counts(bellhop: Bellhop) -> None:
    bellhop.assignment["deadline"] = when(2)
    bellhop.answers["deadline"] = when(60)
    assert await work(bellhop, "sleep 2.2; echo well") == 0
    assert bellhop.completions[0]["summary"] == "well"


async def test_an_answer_that_is_none_ends_the_attempt(bellhop: Bellhop) -> None:
    bellhop.answers["messages"] = [{"id": 5}]
    assert await work(bellhop, "sleep 600") == 3
    assert bellhop.completions == []
