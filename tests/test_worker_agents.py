"""Every agent's program as the worker runs and understands it, from what the real ones printed.

`make test-agents` runs the real programs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import startup
from tests.test_worker_parts import ASSIGNMENT
from tests.test_worker_run import BRANCH, Bellhop, begin, pushed
from tests.test_worker_run import bellhop as bellhop  # noqa: PLC0414 - a fixture
from tests.test_worker_run import template as template  # noqa: PLC0414 - a fixture
from worker.agents import AGENTS, AgentUnknown, Run, invocation
from worker.contract import read_assignment
from worker.events import Claude, Codex, Gemini, Opencode
from worker.hearing import EventHearing, Hearing
from worker.ledgers import Aider, MiniSweAgent

RECORDED = Path(__file__).parent / "recorded"
SAID = "I mended it: mended.txt says so."
EVENTS: list[type[EventHearing]] = [Claude, Codex, Opencode, Gemini]


@dataclass
class Program:
    """A program that prints what is in a file, and keeps what it was given."""

    folder: Path
    name: str

    def kept(self, what: str) -> str:
        return (self.folder / f"{self.name}.{what}").read_text()

    @property
    def arguments(self) -> list[str]:
        return self.kept("arguments").splitlines()

    @property
    def environment(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.kept("environment").splitlines())


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., Program]:
    folder = tmp_path / "bin"
    folder.mkdir()

    def put(name: str, prints: Path | str, also: str = "true") -> Program:
        if isinstance(prints, str):
            (folder / f"{name}.prints").write_text(prints)
            prints = folder / f"{name}.prints"
        (folder / name).write_text(
            '#!/bin/sh\nprintf "%s\\n" "$@" > "$0.arguments"\ncat > "$0.input"\n'
            f'env > "$0.environment"\nprintf "mended\\n" > mended.txt\ncat {prints}\n{also}\n'
        )
        (folder / name).chmod(0o755)
        return Program(folder, name)

    return put


async def attempt(bellhop: Bellhop, program: Program, agent: str, **fields: Any) -> dict[str, Any]:
    bellhop.assignment |= {"agent": agent, "agentCommand": None, **fields}
    worker = await begin(bellhop, PATH=f"{program.folder}:{os.environ['PATH']}")
    assert await worker.ended() == 0
    return bellhop.completions[0]


async def test_claude_code(bellhop: Bellhop, install: Callable[..., Program]) -> None:
    program = install("claude", RECORDED / "claude.jsonl")
    bellhop.assignment["credentials"] = {"ANTHROPIC_API_KEY": "sk-ant-very-secret"}
    done = await attempt(bellhop, program, "claude", model="anthropic/claude-opus-4-8", maxCost=1.5)
    assert (done["status"], done["summary"]) == ("completed", SAID)
    assert done["usage"] == {
        "inputTokens": 224,
        "outputTokens": 40,
        "costUsd": pytest.approx(0.00313875),
    }
    assert pushed(bellhop, "show", f"{BRANCH}:mended.txt") == "mended"
    assert bellhop.logs[:-1] == [
        ("command", "claude (claude)"),
        ("warning", "The provider answered 529 (overloaded) at try 1 of 10"),
        ("info", "I will mend it."),
        ("command", "printf 'mended\\n' > mended.txt"),
        ("info", "(Bash completed with no output)"),
        ("info", SAID),
    ]
    assert program.arguments == [
        *("--print", "--verbose", "--output-format", "stream-json"),
        *("--dangerously-skip-permissions", "--model", "claude-opus-4-8"),
        *("--max-budget-usd", "1.500000"),
    ]
    assert program.environment["ANTHROPIC_API_KEY"] == "sk-ant-very-secret"
    assert program.environment["IS_SANDBOX"] == "1"


async def test_codex(bellhop: Bellhop, install: Callable[..., Program]) -> None:
    program = install("codex", RECORDED / "codex.jsonl")
    bellhop.assignment["credentials"] = {"OPENAI_API_KEY": "sk-very-secret"}
    done = await attempt(bellhop, program, "codex", model="gpt-5")
    assert (done["summary"], done["usage"]) == (SAID, {"inputTokens": 200, "outputTokens": 40})
    assert bellhop.logs[2:-1] == [
        ("command", "/bin/bash -lc \"printf 'mended\\\\n' > mended.txt\""),
        ("info", SAID),
    ]
    assert program.arguments == [
        *("exec", "--json", "--dangerously-bypass-approvals-and-sandbox", "--ephemeral"),
        *("--model", "gpt-5", "-"),
    ]
    assert program.environment["CODEX_API_KEY"] == "sk-very-secret"


async def test_opencode(bellhop: Bellhop, install: Callable[..., Program]) -> None:
    program = install("opencode", RECORDED / "opencode.jsonl")
    done = await attempt(bellhop, program, "opencode", model="gemini/gemini-2.5-pro")
    assert done["summary"] == SAID
    assert done["usage"] == {
        "inputTokens": 224,
        "outputTokens": 40,
        "costUsd": pytest.approx(0.0012555),
    }
    assert bellhop.logs[1:-1] == [
        ("info", "I will mend it."),
        ("command", "printf 'mended\\n' > mended.txt"),
        ("info", "(no output)"),
        ("info", SAID),
    ]
    assert program.arguments[-2:] == ["--model", "google/gemini-2.5-pro"]


async def test_gemini_cli(bellhop: Bellhop, install: Callable[..., Program]) -> None:
    program = install("gemini", RECORDED / "gemini.jsonl")
    done = await attempt(bellhop, program, "gemini", model="gemini/gemini-2.5-pro")
    assert (done["summary"], done["usage"]) == (SAID, {"inputTokens": 200, "outputTokens": 40})
    assert bellhop.logs[1:-1] == [
        ("command", "printf 'mended\\n' > mended.txt"),
        ("info", SAID),
    ]
    assert program.arguments[-2:] == ["--model", "gemini-2.5-pro"]


async def test_aider_keeps_its_files_out_of_the_commit(
    bellhop: Bellhop, install: Callable[..., Program]
) -> None:
    printed = (
        "Mended.\nTokens: 2.3k sent, 500 cache hit, 104 received. Cost: $0.0005 message, $0.0005 "
        "session.\nTokens: 100 sent, 20 received. Cost: $0.0004 message, $0.0009 session.\n"
        "Tokens: 7 sent, 1 received.\n"
    )
    program = install("aider", printed, "mkdir .aider.tags.cache.v4; touch .aider.tags.cache.v4/x")
    done = await attempt(bellhop, program, "aider", model="openai/gpt-5")
    assert done["usage"] == {"inputTokens": 2907, "outputTokens": 125, "costUsd": 0.0009}
    assert done["summary"].startswith("Mended.\n")
    assert pushed(bellhop, "show", "--name-only", "--format=", BRANCH) == "mended.txt"
    assert program.arguments[:2] == ["--message-file", "/dev/stdin"]
    assert program.arguments[-2:] == ["--model", "openai/gpt-5"]
    assert program.kept("input") == "Make it three\nplease\n"


async def test_mini_swe_agent(bellhop: Bellhop, install: Callable[..., Program]) -> None:
    info = {"model_stats": {"instance_cost": 0.25}, "submission": f"{SAID}\n"}
    put = (
        f"for last; do :; done; file=$(grep -A1 -x -e --output $0.arguments | tail -1)\n"
        f"cat > $file <<'X'\n{json.dumps({'info': info})}\nX"
    )
    program = install("mini", "step 1\n", put)
    done = await attempt(bellhop, program, "mini-swe-agent", model="openai/gpt-5", maxCost=2)
    assert (done["summary"], done["usage"]) == (SAID, {"costUsd": 0.25})
    assert "2.000000" in program.arguments
    assert program.environment["MSWEA_CONFIGURED"] == "true"


async def test_what_an_agent_is_told_beside_its_prompt(
    bellhop: Bellhop, install: Callable[..., Program]
) -> None:
    """It names the pull request in the file that it is told of, which is the first to count."""
    result = """{"title": "Mend it", "body": "Mended.", "usage": {"costUsd": 3}}"""
    program = install(
        "claude", RECORDED / "claude.jsonl", f"echo '{result}' > $BELLHOP_RESULT_FILE"
    )
    done = await attempt(bellhop, program, "claude", context="# Context")
    assert (done["title"], done["body"], done["usage"]) == ("Mend it", "Mended.", {"costUsd": 3})
    told = program.kept("input")
    assert told.startswith("Make it three\nplease\n\n# Context\n\n# How to end\n")
    assert program.environment["BELLHOP_RESULT_FILE"] in told


async def test_an_agent_that_is_asked_a_question_is_told_to_change_nothing(
    bellhop: Bellhop, install: Callable[..., Program]
) -> None:
    program = install("claude", RECORDED / "claude.jsonl")
    done = await attempt(bellhop, program, "claude", headBranch=None, pushUrl=None, command="ask")
    assert done["summary"] == SAID
    assert "branch" not in done
    assert "Change nothing: only an answer is wanted." in program.kept("input")


@pytest.mark.parametrize(
    ("agent", "event", "words"),
    [
        (
            "claude",
            {"type": "result", "is_error": True, "subtype": "error_max_budget_usd"},
            "error_max_budget_usd",
        ),
        ("claude", {"type": "result", "is_error": True, "result": "Not logged in"}, "Not logged"),
        ("codex", {"type": "turn.failed", "error": {"message": "401: no such key"}}, "401: no"),
        ("opencode", {"type": "error", "error": {"data": {"message": "no such key"}}}, "no such"),
        ("opencode", {"type": "error", "error": {"name": "APIError"}}, "APIError"),
        ("gemini", {"type": "result", "status": "error", "error": {"message": "no"}}, "no"),
        ("codex", {"type": "turn.failed", "error": "odd"}, "It gave no reason."),
        ("gemini", {"type": "result", "status": "error"}, "It gave no reason."),
    ],
)
async def test_an_agent_that_says_that_it_failed_has_failed(
    bellhop: Bellhop,
    install: Callable[..., Program],
    agent: str,
    event: dict[str, Any],
    words: str,
) -> None:
    done = await attempt(bellhop, install(agent, json.dumps(event)), agent)
    assert done["status"] == "failed"
    assert done["error"]["detail"] == (
        "The agent ended with an error of its own. The task's log has what it said last."
    )
    assert any(kind == "error" and words in text for kind, text in bellhop.logs)


async def test_a_key_in_an_event_is_masked_however_json_writes_it(
    bellhop: Bellhop, install: Callable[..., Program]
) -> None:
    key = 'sk-a"b\\c-secret'
    bellhop.assignment["credentials"] = {"ANTHROPIC_API_KEY": key}
    said = {"type": "text", "text": f"It is {key}."}
    event = {"type": "assistant", "message": {"content": [said]}}
    done = await attempt(bellhop, install("claude", json.dumps(event)), "claude")
    assert done["summary"] == "It is ***."
    assert ("info", "It is ***.") in bellhop.logs


async def test_a_program_that_is_not_there_is_told_before_anything_is_cloned(
    bellhop: Bellhop, install: Callable[..., Program]
) -> None:
    done = await attempt(bellhop, install("another", ""), "claude")
    assert done["error"]["detail"] == "There is no program `claude` where the worker runs."
    assert done["error"]["remedy"]
    assert bellhop.states == []


def test_bellhop_takes_the_agents_that_the_worker_knows() -> None:
    assert tuple(startup.PROGRAMS) == tuple(AGENTS)


def run_of(tmp_path: Path, agent: str, **fields: Any) -> Run:
    assignment = read_assignment(ASSIGNMENT | {"agent": agent, **fields}, "t")
    return Run(assignment, tmp_path / "result.json", tmp_path)


@pytest.mark.parametrize(
    ("agent", "model", "words"),
    [
        ("claude", "openai/gpt-5", "Claude Code has no models of openai"),
        ("codex", "anthropic/claude", "Codex has no models of anthropic"),
        ("gemini", "openai/gpt-5", "Gemini CLI has no models of openai"),
        ("mini-swe-agent", None, "no model of its own"),
    ],
)
def test_an_agent_that_cannot_have_its_model_says_what_to_do(
    tmp_path: Path, agent: str, model: str | None, words: str
) -> None:
    with pytest.raises(AgentUnknown, match=words) as error:
        invocation(run_of(tmp_path, agent, model=model))
    assert "--model" in error.value.remedy


@pytest.mark.parametrize("agent", ["claude", "codex", "opencode", "gemini", "aider"])
@pytest.mark.parametrize("prompt", ["/run env", "\n !env"])
def test_a_prompt_is_no_command_of_the_agents_own(tmp_path: Path, agent: str, prompt: str) -> None:
    made = AGENTS[agent](run_of(tmp_path, agent, prompt=prompt, model=None))
    assert made.text.startswith(f"The task:\n\n{prompt}")
    plain = AGENTS[agent](run_of(tmp_path, agent, prompt="run env", model=None))
    assert plain.text.startswith("run env")


def test_a_task_too_long_for_an_argument_is_cut(tmp_path: Path) -> None:
    def task_of(prompt: str) -> str:
        made = AGENTS["mini-swe-agent"](
            run_of(tmp_path, "mini-swe-agent", model="m", prompt=prompt)
        )
        return made.command[made.command.index("--task") + 1]

    task = task_of("ä" * 100_000)
    assert 119_990 < len(task.encode()) <= 120_000
    assert task.endswith("ä\n\n(cut: there was no room for the rest)")
    assert "cut" not in task_of("short")
    assert task_of("a\0b").startswith("ab"), "no argument can hold it"


def heard(hearing: Hearing, *events: object) -> list[tuple[str, str]]:
    return [line for one in events for line in hearing.hear(json.dumps(one))]


def claude(*content: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"type": role, "message": {"content": list(content)}}


def test_what_claude_codes_tools_answer() -> None:
    use = {"type": "tool_use", "id": "1", "name": "Read", "input": {"file_path": "a.py"}}
    answer = {"type": "tool_result", "tool_use_id": "1", "content": "a\nb"}
    wrong = {**answer, "is_error": True, "content": [{"type": "text", "text": "no such file"}]}
    todo = {"type": "tool_use", "id": "2", "name": "TodoWrite", "input": {"todos": []}}
    thought = {"type": "thinking", "thinking": "hm"}
    silent = {"type": "text", "text": " \n"}
    assert heard(
        Claude(),
        claude(use, todo, thought, silent, role="assistant"),
        claude(answer, wrong),
        {"type": "system", "subtype": "init"},
    ) == [("command", "Read a.py"), ("command", "TodoWrite"), ("warning", "no such file")]


def test_what_codex_does() -> None:
    def item(**fields: object) -> dict[str, Any]:
        return {"type": "item.completed", "item": fields}

    ran = item(type="command_execution", aggregated_output="x" * 2_000, exit_code=1)
    changed = item(type="file_change", changes=[{"path": "a"}, {"path": "b"}])
    lines = heard(
        Codex(),
        ran,
        changed,
        item(type="web_search", query="how"),
        item(type="mcp_tool_call", tool="look"),
        item(type="reasoning", text="hm"),
        {"type": "item.started", "item": {"type": "agent_message"}},
        {"type": "error", "message": "Reconnecting"},
    )
    assert lines == [
        ("info", "x" * 1_000 + " …"),
        ("warning", "It ended with exit code 1"),
        ("command", "edit a, b"),
        ("command", "web_search how"),
        ("command", "look"),
        ("warning", "Reconnecting"),
    ]


def test_what_opencode_and_gemini_do() -> None:
    failed = {"tool": "edit", "state": {"status": "error", "error": "not found", "input": {}}}
    read = {"tool": "read", "state": {"status": "completed", "output": "a", "input": {}}}
    assert heard(
        Opencode(),
        {"type": "tool_use", "part": failed},
        {"type": "tool_use", "part": read},
        {"type": "step_start"},
    ) == [("command", "edit"), ("warning", "not found"), ("command", "read")]
    assert heard(
        Gemini(),
        {"type": "message", "role": "assistant", "content": "a"},
        {"type": "message", "role": "assistant", "content": "b\nc"},
        {"type": "tool_result", "status": "error", "output": "no"},
        {"type": "error", "message": "slow"},
    ) == [("info", "ab"), ("info", "c"), ("warning", "no"), ("warning", "slow")]


def test_what_is_no_event_stands_in_the_log_as_it_is() -> None:
    assert list(Codex().hear("Reading prompt")) == [("info", "Reading prompt")]
    assert list(Codex().hear("  ")) == []
    assert list(Codex().hear("[" * 100_000)) == [("info", "[" * 1_000)]
    with pytest.raises(NotImplementedError):
        list(EventHearing().hear("{}"))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def shaken(event: object, value: object, place: int) -> object:
    """The event with another value in one of its places."""
    places: list[tuple[Any, Any]] = []

    def walk(one: Any) -> Iterator[tuple[Any, Any]]:
        pairs = one.items() if isinstance(one, dict) else enumerate(one)
        for key, inner in list(pairs):
            yield one, key
            if isinstance(inner, dict | list):
                yield from walk(inner)

    places = list(walk(event))
    holder, key = places[place % len(places)]
    holder[key] = value
    return event


@given(data=st.data(), value=JSON, place=st.integers(0, 500))
def test_no_event_ends_the_work(data: st.DataObject, value: object, place: int) -> None:
    kind = data.draw(st.sampled_from(EVENTS))
    lines = (RECORDED / f"{kind.__name__.lower()}.jsonl").read_text().splitlines()
    event = shaken(json.loads(data.draw(st.sampled_from(lines))), value, place)
    hearing = kind()
    for said, words in hearing.hear(json.dumps(event)):
        assert said in {"info", "command", "warning", "error"}
        assert isinstance(words, str)
    usage = hearing.usage() or {}
    assert all(isinstance(one, int | float) for one in usage.values())


@pytest.mark.parametrize("text", ["", "[]", "{", '{"info": {"model_stats": 3}}'])
def test_a_trajectory_that_is_not_there_yet_says_nothing(tmp_path: Path, text: str) -> None:
    hearing = MiniSweAgent(tmp_path / "trajectory.json")
    assert (hearing.usage(), hearing.answer()) == (None, None)
    (tmp_path / "trajectory.json").write_text(text)
    assert (hearing.usage(), hearing.answer()) == (None, None)


def test_a_pipe_in_the_place_of_a_trajectory_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "trajectory.json")
    assert MiniSweAgent(tmp_path / "trajectory.json").usage() is None


def test_a_trajectory_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "trajectory.json").open("wb") as file:
        file.truncate(200_000_001)
    assert MiniSweAgent(tmp_path / "trajectory.json").usage() is None


@pytest.mark.parametrize("value", ["1e999", "-1e999", "NaN", "-5", "1" * 4000])
def test_what_is_no_amount_is_not_counted(tmp_path: Path, value: str) -> None:
    usage = f'"usage": {{"input_tokens": {value}, "output_tokens": 2}}'
    claude, codex = Claude(), Codex()
    list(claude.hear(f'{{"type": "result", {usage}, "total_cost_usd": {value}}}'))
    list(codex.hear(f'{{"type": "turn.completed", {usage}}}'))
    assert claude.usage() == {"inputTokens": 0, "outputTokens": 2, "costUsd": 0}
    assert codex.usage() == {"inputTokens": 0, "outputTokens": 2}
    (tmp_path / "t.json").write_text(f'{{"info": {{"model_stats": {{"instance_cost": {value}}}}}}}')
    assert MiniSweAgent(tmp_path / "t.json").usage() == {"costUsd": 0}


@pytest.mark.parametrize("count", ["1.2.3k", "...", f"{'9' * 400}M"])
def test_a_line_that_only_looks_like_aiders_count_ends_nothing(count: str) -> None:
    hearing = Aider()
    line = f"Tokens: {count} sent, 7 received. Cost: ${count} message, ${count} session."
    assert list(hearing.hear(line)) == [("info", line)]
    assert (hearing.usage() or {})["outputTokens"] == 7


def test_aider_may_know_no_price() -> None:
    hearing = Aider()
    assert hearing.usage() is None
    list(hearing.hear("Tokens: 1.5M sent, 1k cache write, 2 received."))
    assert hearing.usage() == {"inputTokens": 1_501_000, "outputTokens": 2}
