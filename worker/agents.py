"""How each coding agent is run: one short function an agent, all in one table.

None of them asks before it acts: nobody is there to answer, and the worker's user, container and
branch are what keeps them in. The options are those of Claude Code 2.1, Codex 0.171, opencode 1.18,
Gemini CLI 0.61, aider 0.86 and mini-swe-agent 2.4.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from worker.events import Claude, Codex, Gemini, Opencode
from worker.hearing import Hearing
from worker.ledgers import Aider, MiniSweAgent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from worker.contract import Assignment

LARGEST_ARGUMENT = 120_000  # bytes; Linux takes 131,071 in one argument of a program


@dataclass(frozen=True, slots=True)
class Invocation:
    """What to run in the checkout, what it reads on standard input, and how it is understood.

    `environment` comes to what every agent has. `litter` are files in the repository's root that
    the agent keeps for itself, as patterns of gitignore: they are no part of its work.
    """

    command: tuple[str, ...]
    text: str = ""
    hearing: Hearing = field(default_factory=Hearing)
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    litter: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One run of an agent: what it is asked, where it leaves its result, and a folder for it."""

    assignment: Assignment
    result: Path
    temporary: Path

    @property
    def asked(self) -> str:
        """The prompt and the context."""
        parts = (self.assignment.prompt, self.assignment.context)
        return "\n\n".join(part for part in parts if part.strip())

    @property
    def told(self) -> str:
        """The same for an agent that has commands of its own: aider's `/run` asks no model."""
        own = self.asked.lstrip().startswith(("/", "!"))
        return f"The task:\n\n{self.asked}" if own else self.asked

    @property
    def text(self) -> str:
        """The same, and how to end, for an agent that knows nothing of Bellhop."""
        if self.assignment.head_branch is None:
            return f"{self.told}\n\n{_ANSWER}\n"
        return f"{self.told}\n\n{_CHANGE.format(file=self.result)}\n"

    @property
    def model(self) -> str:
        """The model's name without its provider; empty where none was chosen."""
        return (self.assignment.model or "").partition("/")[2] or self.assignment.model or ""


_ANSWER = """\
# How to end

Change nothing: only an answer is wanted. Your last message is posted as a comment, in Markdown."""
_CUT = "\n\n(cut: there was no room for the rest)"
_CHANGE = """\
# How to end

What you changed is committed and pushed for you, and a pull request is opened: do none of that. \
Write a JSON object to the file `{file}` when you are done: `title` names the pull request in at \
most 72 characters, `body` says in Markdown what you changed and why. Your last message is posted \
as a comment."""


class AgentUnknown(Exception):  # noqa: N818  said to the person who asked
    """This worker cannot run the agent that was asked for. `remedy` says what can be done."""

    def __init__(self, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.remedy = remedy


def _command(run: Run) -> Invocation:
    """Any shell command; it reads the prompt and the context on standard input."""
    if not run.assignment.agent_command:
        raise AgentUnknown(
            "The agent `command` has no command to run.",
            "The operator sets it with BELLHOP_AGENT_COMMAND.",
        )
    return Invocation(("sh", "-c", run.assignment.agent_command), f"{run.asked}\n")


def _claude(run: Run) -> Invocation:
    """Claude Code: https://code.claude.com/docs/en/headless."""
    _only(run, "Claude Code", "anthropic")
    options = ["--print", "--verbose", "--output-format", "stream-json"]
    options += ["--dangerously-skip-permissions", *_model("--model", run.model)]
    if run.assignment.max_cost is not None:
        options += ["--max-budget-usd", f"{run.assignment.max_cost:.6f}"]
    # As root it skips no permissions unless it is told that it is shut in.
    environment = {"IS_SANDBOX": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    return Invocation(("claude", *options), run.text, Claude(), environment)


def _codex(run: Run) -> Invocation:
    """Codex: https://developers.openai.com/codex/noninteractive."""
    _only(run, "Codex", "openai")
    options = ["exec", "--json", "--dangerously-bypass-approvals-and-sandbox", "--ephemeral"]
    key = run.assignment.credentials.get("OPENAI_API_KEY")
    environment = {"CODEX_API_KEY": key} if key else {}
    options += [*_model("--model", run.model), "-"]
    return Invocation(("codex", *options), run.text, Codex(), environment)


def _opencode(run: Run) -> Invocation:
    """The agent opencode: https://opencode.ai/docs/cli."""
    provider, slash, name = (run.assignment.model or "").partition("/")
    model = f"{'google' if provider == 'gemini' else provider}{slash}{name}"
    options = ["run", "--format", "json", "--auto", *_model("--model", model)]
    return Invocation(
        ("opencode", *options), run.text, Opencode(), {"OPENCODE_DISABLE_AUTOUPDATE": "1"}
    )


def _gemini(run: Run) -> Invocation:
    """Gemini CLI: https://geminicli.com/docs/cli/headless."""
    _only(run, "Gemini CLI", "gemini", "google")
    options = ["--yolo", "--skip-trust", "--output-format", "stream-json"]
    return Invocation(("gemini", *options, *_model("--model", run.model)), run.text, Gemini())


def _aider(run: Run) -> Invocation:
    """The agent aider: https://aider.chat/docs/scripting.html."""
    options = ["--message-file", "/dev/stdin", "--yes-always", "--no-auto-commits"]
    options += ["--no-stream", "--no-pretty", "--no-gitignore", "--no-check-update"]
    options += ["--no-show-model-warnings", "--no-show-release-notes", "--analytics-disable"]
    for kept in ("chat", "input"):
        options += [f"--{kept}-history-file", str(run.temporary / f"aider-{kept}-history")]
    options += _model("--model", run.assignment.model or "")
    return Invocation(("aider", *options), f"{run.told}\n", Aider(), litter=("/.aider*",))


def _mini(run: Run) -> Invocation:
    """The agent mini-swe-agent: https://mini-swe-agent.com/latest/usage/mini/."""
    if not run.assignment.model:
        raise AgentUnknown(
            "The agent `mini-swe-agent` has no model of its own.",
            "Name one: `--model provider/name`, or in the defaults or `.github/bellhop.yml`.",
        )
    trajectory = run.temporary / f"{run.result.stem}-trajectory.json"
    options = ["--yolo", "--exit-immediately", "--model", run.assignment.model]
    options += ["--task", _argument(run.asked), "--output", str(trajectory)]
    options += ["--cost-limit", f"{run.assignment.max_cost or 0:.6f}"]
    # The price of a model that it does not know is no reason to end.
    environment = {"MSWEA_CONFIGURED": "true", "MSWEA_COST_TRACKING": "ignore_errors"}
    return Invocation(("mini", *options), hearing=MiniSweAgent(trajectory), environment=environment)


AGENTS: Mapping[str, Callable[[Run], Invocation]] = MappingProxyType(
    {
        "command": _command,
        "claude": _claude,
        "codex": _codex,
        "opencode": _opencode,
        "gemini": _gemini,
        "aider": _aider,
        "mini-swe-agent": _mini,
    }
)


def invocation(run: Run) -> Invocation:
    """How to run the agent of an assignment.

    Raises:
        AgentUnknown: This worker has no such agent, or it cannot work as it was asked to.
    """
    name = run.assignment.agent
    agent = AGENTS.get(name)
    if agent is None:
        raise AgentUnknown(
            f"This worker does not know the agent `{name}`.",
            f"Choose one of: {', '.join(AGENTS)}. Or use a worker that has it.",
        )
    made = agent(run)
    if shutil.which(made.command[0]) is None:
        raise AgentUnknown(
            f"There is no program `{made.command[0]}` where the worker runs.",
            "The operator installs it there, or in the worker's image.",
        )
    return made


def model_variables(model: str | None) -> dict[str, str]:
    """The model that was asked for, as the agent's environment has it.

    It is `name` or `provider/name`; without one, nothing is set.
    """
    if not model:
        return {}
    provider, slash, name = model.partition("/")
    return (
        {"BELLHOP_PROVIDER": provider, "BELLHOP_MODEL": name} if slash else {"BELLHOP_MODEL": model}
    )


def _argument(text: str) -> str:
    """A text as an argument of a program, cut to what one may hold."""
    whole = text.replace("\0", "").encode(errors="replace")
    room = LARGEST_ARGUMENT - len(_CUT)
    if len(whole) <= LARGEST_ARGUMENT:
        return whole.decode()
    return whole[:room].decode(errors="ignore") + _CUT


def _only(run: Run, title: str, *providers: str) -> None:
    """Refuse the models of others for an agent that has those of one provider."""
    provider, slash, _ = (run.assignment.model or "").partition("/")
    if slash and provider.lower() not in providers:
        raise AgentUnknown(
            f"{title} has no models of {provider}.",
            f"Name one of {providers[0]}'s, such as `--model {providers[0]}/NAME`, or another "
            "agent: opencode, aider and mini-swe-agent take any provider's.",
        )


def _model(option: str, name: str) -> tuple[str, ...]:
    return (option, name) if name else ()
