"""The flow of one attempt: claim, clone, let the agent work, push, complete."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from worker import outcome
from worker.agents import AgentUnknown, Run, invocation
from worker.checkout import Checkout
from worker.children import GRACE
from worker.client import PATIENCE, Client, Refused, Unreachable
from worker.contract import ContractError, read_assignment, read_token
from worker.git import Git, GitFailed
from worker.masking import Masker
from worker.orders import Interrupted, Order, Orders
from worker.reporter import HEARTBEAT, Reporter
from worker.turns import AgentFailed, Tools, Turns

if TYPE_CHECKING:
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
        # What cannot be run need not be cloned for.
        invocation(Run(assignment, place / "result.json", place))
        git = Git(place / "checkout", self._masker, self._orders, self._options.patience)
        checkout = Checkout(git, assignment)
        try:
            self._reporter.state("cloning", "Cloning the repository", 5)
            checkout.prepare(self._fresh(assignment.github_token).token)
        except GitFailed as error:
            return outcome.clone_failed(error)
        tools = Tools(place, self._reporter, self._masker, self._orders, self._options.grace)
        try:
            result = Turns(assignment, checkout, tools).take()
        except AgentFailed as error:
            return outcome.agent_failed(str(error), error.words)
        except GitFailed as error:
            return outcome.commit_failed(error)
        if assignment.head_branch is None:
            return outcome.completed(result, None)
        return self._deliver(checkout, result)

    def _deliver(self, checkout: Checkout, result: Result) -> Outcome:
        """Push what there is."""
        if not checkout.changed:
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

    def _complete(self, done: Outcome) -> int:
        """Send what is still to be said, then the outcome: after it, nothing more is heard."""
        self._reporter.close(self._options.patience if self._orders.given is None else PARTING)
        if self._orders.given is Order.VANISH:
            return NOT_OURS
        body = done.body(self._options.task_id, self._masker.mask)
        self._client.call("POST", "complete", body)
        return TOLD

    def _say(self, error: Exception) -> None:
        print(f"worker: {self._masker.mask(str(error))}", file=sys.stderr, flush=True)  # noqa: T201
