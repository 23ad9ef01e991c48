"""The agent's runs in one attempt: one for the prompt, and another for what is said meanwhile."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from worker.agents import Run, invocation, model_variables
from worker.children import stream
from worker.git import GitFailed
from worker.result import Tail, joined, read_result, read_usage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from worker.agents import Invocation
    from worker.checkout import Checkout
    from worker.contract import Assignment, Message
    from worker.masking import Masker
    from worker.orders import Orders
    from worker.reporter import Reporter
    from worker.result import Result

SAID = 8_000  # characters of what was asked or answered in a run, for the runs after it
REMEMBERED = 5  # runs that a later one is told of: the first, and the last ones


class AgentFailed(Exception):  # noqa: N818  told as the attempt's outcome
    """The agent ended with another code than 0 (negative: by a signal), with these last words.

    With code 0 it said itself that it had failed.
    """

    def __init__(self, code: int, words: str) -> None:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        super().__init__(how if code else "an error of its own")
        self.words = words


@dataclass(frozen=True, slots=True)
class Tools:
    """What a run needs beside what it is asked; `grace` is how many seconds a stopped agent has."""

    place: Path
    reporter: Reporter
    masker: Masker
    orders: Orders
    grace: float


class Turns:
    """Runs the agent of an assignment until nobody has anything more to say to it.

    An agent at work cannot be spoken to: its input was closed. So what is said to it meanwhile
    is the prompt of another run in the same checkout. What waits before the first run belongs to
    the first prompt.

    A message is acknowledged once the run that it began has ended well and its changes are
    committed. Sooner, a message would be lost whose run fails, or whose worker dies: Bellhop
    would believe it done. Not acknowledged, it begins another attempt. Nothing is done twice by
    that, since only what was committed after a good run is pushed: what a failed run left behind
    is not.
    """

    def __init__(self, assignment: Assignment, checkout: Checkout, tools: Tools) -> None:
        self._assignment, self._checkout, self._tools = assignment, checkout, tools
        self._said: list[tuple[str, str]] = []

    def take(self) -> Result:
        """Run the agent as often as it takes; what it has to say in all.

        Raises:
            AgentFailed: The first run failed. Where a later one does, what was done before counts.
            GitFailed: The first run left the repository in a state that cannot be committed.
            Interrupted: An end was ordered.
        """
        reporter = self._tools.reporter
        reporter.state("working", f"The agent {self._assignment.agent} is at work", 10)
        said = self._first(reporter.follow_ups())
        while follow_ups := reporter.follow_ups():
            reporter.state(
                "working", f"The agent {self._assignment.agent} is at work on a follow-up", 50
            )
            try:
                said = self._again(said, follow_ups)
            except (AgentFailed, GitFailed) as error:
                reporter.log(
                    "warning",
                    f"The agent ended with {error} on a follow-up, which is left to another "
                    "attempt. What was done before it counts.",
                )
                break
        return said

    def _first(self, follow_ups: Sequence[Message]) -> Result:
        assignment = self._assignment
        prompt = _paragraphs(assignment.prompt, *(one.text for one in follow_ups))
        result = self._run(replace(assignment, prompt=prompt), assignment.title or prompt)
        self._keep(prompt, result, follow_ups)
        return result

    def _again(self, before: Result, follow_ups: Sequence[Message]) -> Result:
        prompt = _paragraphs(*(one.text for one in follow_ups))
        context = _paragraphs(self._assignment.context, _conversation(self._said))
        self._checkout.make_ready()
        result = self._run(replace(self._assignment, prompt=prompt, context=context), prompt)
        self._keep(prompt, result, follow_ups)
        return joined(before, self._tools.masker.mask(prompt), result)

    def _keep(self, prompt: str, result: Result, follow_ups: Sequence[Message]) -> None:
        """What a run has done is done."""
        if self._assignment.head_branch is not None:
            self._checkout.commit(result.title)
        self._said.append((prompt, result.summary))
        self._tools.reporter.acknowledge(follow_ups)

    def _run(self, assignment: Assignment, title: str) -> Result:
        """Run the agent once; `title` is what its work is called unless it says so itself."""
        tools = self._tools
        number = len(self._said) + 1
        file = tools.place / ("result.json" if number == 1 else f"result-{number}.json")
        agent = invocation(Run(assignment, file, tools.place / "tmp"))
        usage = agent.hearing.usage
        tools.reporter.spending.watch(lambda: read_usage(file) or usage())
        self._checkout.leave_out(agent.litter)
        # Not the whole command: operators may have put keys into it, and many may read the log.
        tools.reporter.log("command", f"{assignment.agent} ({agent.command[0]})")
        output = self._stream(agent, _environment(tools.place, assignment, file))
        said = agent.hearing.answer() or output
        result = read_result(file, title, said, lambda text: tools.reporter.log("warning", text))
        return _masked(replace(result, usage=result.usage or usage()), tools.masker)

    def _stream(self, agent: Invocation, environment: dict[str, str]) -> str:
        """Run the agent in the checkout; the last lines of its standard output.

        Raises:
            AgentFailed: With the last lines of both its outputs.
        """
        tools = self._tools
        spoken, everything = Tail(), Tail()

        def sink(kind: str, line: str) -> None:
            heard = agent.hearing.hear(line) if kind == "info" else ((kind, line),)
            for what, words in heard:
                tools.reporter.log(what, words)
                everything.add(words)
                if what == "info":
                    spoken.add(words)

        code = stream(
            agent.command,
            cwd=tools.place / "checkout",
            environment={**environment, **agent.environment},
            text=agent.text,
            sink=sink,
            masker=tools.masker,
            orders=tools.orders,
            grace=tools.grace,
            longest=agent.hearing.longest,
        )
        if trouble := agent.hearing.trouble:
            tools.reporter.log("error", trouble)
        if code or trouble:
            raise AgentFailed(code, trouble or str(everything))
        return str(spoken)


def _environment(place: Path, assignment: Assignment, file: Path) -> dict[str, str]:
    """All that the agent sees: neither the worker's token nor GitHub's is there."""
    home, temporary = place / "home", place / "tmp"
    home.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    return {
        **assignment.credentials,
        **model_variables(assignment.model),
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "CI": "true",
        "BELLHOP_RESULT_FILE": str(file),
    }


def _masked(result: Result, masker: Masker) -> Result:
    return replace(
        result,
        title=masker.mask(result.title),
        summary=masker.mask(result.summary),
        body=None if result.body is None else masker.mask(result.body),
    )


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text.strip())


def _conversation(said: Sequence[tuple[str, str]]) -> str:
    """What was asked and answered in this attempt, as Markdown for its next run."""
    heading = (
        "# Before, in this attempt\n\n"
        "What follows was asked of you and answered by you already, and the changes are in place: "
        "go on from there."
    )
    parts = [heading]
    missing = len(said) - REMEMBERED
    for number, (prompt, summary) in enumerate(said):
        if number == 1 and missing > 0:
            parts.append(f"(Left out: {missing} things that you were asked after that.)")
        if 0 < number <= missing:
            continue
        parts += ["You were asked:", _quoted(prompt)]
        parts += ["You answered:", _quoted(summary)] if summary.strip() else []
    return "\n\n".join(parts)


def _quoted(text: str) -> str:
    """A text, cut, in a fence that nothing in it can close."""
    note = f"\n(cut: {len(text) - SAID} more characters)" if len(text) > SAID else ""
    text = text[:SAID].strip("\n")
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}{note}"
