"""How each coding agent is run: one short function an agent, all in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from worker.contract import Assignment


@dataclass(frozen=True, slots=True)
class Invocation:
    """What to run in the checkout, and what it reads on standard input."""

    command: tuple[str, ...]
    text: str


class AgentUnknown(Exception):  # noqa: N818  said to the person who asked
    """This worker cannot run the agent that was asked for. `remedy` says what can be done."""

    def __init__(self, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.remedy = remedy


def _command(assignment: Assignment) -> Invocation:
    """Any shell command; it reads the prompt and the context on standard input."""
    if not assignment.agent_command:
        raise AgentUnknown(
            "The agent `command` has no command to run.",
            "The operator sets it with BELLHOP_AGENT_COMMAND.",
        )
    parts = (assignment.prompt, assignment.context)
    text = "\n\n".join(part for part in parts if part.strip())
    return Invocation(("sh", "-c", assignment.agent_command), f"{text}\n")


AGENTS: Mapping[str, Callable[[Assignment], Invocation]] = {"command": _command}


def invocation(assignment: Assignment) -> Invocation:
    """How to run the agent of an assignment.

    Raises:
        AgentUnknown: This worker has no such agent.
    """
    agent = AGENTS.get(assignment.agent)
    if agent is None:
        raise AgentUnknown(
            f"This worker does not know the agent `{assignment.agent}`.",
            f"Choose one of: {', '.join(AGENTS)}. Or use a worker that has it.",
        )
    return agent(assignment)


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
