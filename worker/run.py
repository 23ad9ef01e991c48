"""The flow of one attempt: claim, clone, run the agent, commit, push, complete."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from worker import outcome
from worker.agents import AgentUnknown, invocation, model_variables
from worker.checkout import Checkout
from worker.children import GRACE, stream
from worker.client import PATIENCE, Client, Refused, Unreachable
from worker.contract import ContractError, read_assignment, read_token
from worker.git import Git, GitFailed
from worker.masking import Masker
from worker.orders import Interrupted, Order, Orders
from worker.reporter import HEARTBEAT, Reporter
from worker.result import Tail, read_result

if TYPE_CHECKING:
    from worker.agents import Invocation
    from worker.contract import Assignment, GitHubToken
    from worker.outcome import Outcome
    from worker.result import Result

TOLD, UNTOLD, MISUSED, NOT_OURS = 0, 1, 2, 3  # exit codes
STALE = 300  # seconds before its expiry from which a GitHub token is not used any more
PARTING = 10.0  # seconds for the last log lines once a stop was ordered


@dataclass(frozen=True, slots=True)
class Options:
    """Where the worker works and how patient it is; all times in seconds."""

    url: str
    token: str
    task_id: str
    folder: Path
    heartbeat: float = HEARTBEAT
    patience: float = PATIENCE
    grace: float = GRACE


class Worker:
    """One attempt."""

    def __init__(self, options: Options, orders: Orders) -> None:
        self._options, self._orders = options, orders
        self._masker = Masker()
        self._masker.add(options.token)
        self._client = Client(options.url, options.token, options.patience)
        self._reporter = Reporter(self._client, orders, self._masker, options.heartbeat)

    def run(self) -> int:
        """Do it all; the process's exit code: told, untold, or the attempt is not ours."""
        try:
            data = self._client.call("GET", "task", pause=self._orders.pause)
            return self._complete(self._attempt(data))
        except Refused as error:
            self._say(error)
            return NOT_OURS if error.lost else UNTOLD
        except (Unreachable, ContractError, Interrupted) as error:
            self._say(error)
            return UNTOLD

    def _attempt(self, data: dict[str, object]) -> Outcome:
        """From the assignment to the outcome, whatever happens."""
        try:
            assignment = read_assignment(data, self._options.task_id)
        except ContractError as error:
            return outcome.broken(f"The assignment could not be read: {error}")
        self._masker.add(assignment.github_token.token, *assignment.credentials.values())
        self._orders.deadline = assignment.deadline
        self._reporter.start()
        try:
            return self._work(assignment)
        except Interrupted as error:
            return outcome.interrupted(error.order)
        except AgentUnknown as error:
            title = "The agent cannot be run"
            return outcome.failed("worker_failed", title, str(error), error.remedy, retryable=False)
        except Exception as error:  # noqa: BLE001  whatever it is, Bellhop must hear of it
            # Only its kind is told to everybody: the words may name this machine's folders.
            self._reporter.log("error", f"{type(error).__name__}: {error}")
            return outcome.broken(f"{type(error).__name__}: the task's log says more.")

    def _work(self, assignment: Assignment) -> Outcome:
        folder = self._options.folder
        folder.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix="attempt-", dir=folder)).resolve()
        try:
            return self._work_in(place, assignment)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _work_in(self, place: Path, assignment: Assignment) -> Outcome:
        agent = invocation(assignment)
        git = Git(place / "checkout", self._masker, self._orders, self._options.patience)
        checkout = Checkout(git, assignment)
        try:
            self._reporter.state("cloning", "Cloning the repository", 5)
            checkout.prepare(self._fresh(assignment.github_token).token)
        except GitFailed as error:
            return outcome.clone_failed(error)
        self._reporter.state("working", f"The agent {assignment.agent} is at work", 10)
        code, output = self._run_agent(place, assignment, agent)
        if code != 0:
            return outcome.agent_failed(code, str(output))
        result = read_result(
            place / "result.json", assignment.title or assignment.prompt, output, self._warn
        )
        result = self._masked(result)
        if assignment.head_branch is None:
            return outcome.completed(result, None)
        return self._deliver(checkout, result)

    def _run_agent(
        self, place: Path, assignment: Assignment, agent: Invocation
    ) -> tuple[int, Tail]:
        """Run the agent in the checkout: its exit code and its last words.

        Of a failed agent those are the last lines of both outputs, otherwise of standard output.
        """
        spoken, everything = Tail(), Tail()

        def sink(kind: str, line: str) -> None:
            self._reporter.log(kind, line)
            everything.add(line)
            if kind == "info":
                spoken.add(line)

        self._reporter.spending.watch(place / "result.json")
        # Not the whole command: operators may have put keys into it, and many may read the log.
        self._reporter.log("command", f"{assignment.agent} ({agent.command[0]})")
        code = stream(
            agent.command,
            cwd=place / "checkout",
            environment=_agent_environment(place, assignment),
            text=agent.text,
            sink=sink,
            masker=self._masker,
            orders=self._orders,
            grace=self._options.grace,
        )
        return code, everything if code else spoken

    def _deliver(self, checkout: Checkout, result: Result) -> Outcome:
        """Commit and push what there is."""
        try:
            changed = checkout.commit(result.title)
        except GitFailed as error:
            return outcome.commit_failed(error)
        if not changed:
            self._reporter.log("info", "The agent changed nothing.")
            return outcome.completed(result, None)
        self._reporter.state("pushing", "Pushing the branch", 90)
        try:
            branch = checkout.push(self._options.token)
        except GitFailed as error:
            return outcome.push_failed(error)
        self._reporter.log("success", f"Pushed {branch}.")
        return outcome.completed(result, branch)

    def _fresh(self, token: GitHubToken) -> GitHubToken:
        """The token, or another one where it is about to expire."""
        if token.expires - time.time() > STALE:
            return token
        token = read_token(self._client.call("POST", "token", {}, pause=self._orders.pause))
        self._masker.add(token.token)
        return token

    def _masked(self, result: Result) -> Result:
        mask = self._masker.mask
        return replace(
            result,
            title=mask(result.title),
            summary=mask(result.summary),
            body=None if result.body is None else mask(result.body),
        )

    def _warn(self, text: str) -> None:
        self._reporter.log("warning", text)

    def _complete(self, done: Outcome) -> int:
        """Send the last log lines, then the outcome."""
        self._reporter.close(self._options.patience if self._orders.given is None else PARTING)
        if self._orders.given is Order.VANISH:
            return NOT_OURS
        body = done.body(self._options.task_id, self._masker.mask)
        self._client.call("POST", "complete", body)
        return TOLD

    def _say(self, error: Exception) -> None:
        print(f"worker: {self._masker.mask(str(error))}", file=sys.stderr, flush=True)  # noqa: T201


def _agent_environment(place: Path, assignment: Assignment) -> dict[str, str]:
    """All that the agent sees: neither the worker's token nor GitHub's is there."""
    home, temporary = place / "home", place / "tmp"
    home.mkdir()
    temporary.mkdir()
    return {
        **assignment.credentials,
        **model_variables(assignment.model),
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "CI": "true",
        "BELLHOP_RESULT_FILE": str(place / "result.json"),
    }
