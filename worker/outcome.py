"""How an attempt ended, as `POST /api/callbacks/complete` takes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from worker.orders import Order

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.git import GitFailed
    from worker.result import Result

DETAIL = 4_000  # characters


@dataclass(frozen=True, slots=True)
class Outcome:
    """`status` is completed, failed or cancelled; `fields` is what else there is to say."""

    status: str
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    error: dict[str, Any] | None = None

    def body(self, task_id: str, mask: Callable[[str], str]) -> dict[str, Any]:
        """The completion as it is sent, with the error's detail masked."""
        body = {"taskId": task_id, "status": self.status, **self.fields}
        if self.error is not None:
            body["error"] = {**self.error, "detail": mask(self.error["detail"])[-DETAIL:]}
        return body


def completed(result: Result, branch: str | None) -> Outcome:
    """The agent did its work; with a branch, something was pushed to it."""
    fields: dict[str, Any] = {"summary": result.summary}
    if branch is not None:
        fields |= {"branch": branch, "title": result.title}
        if result.body is not None:
            fields["body"] = result.body
    if result.usage is not None:
        fields["usage"] = result.usage
    return Outcome("completed", fields)


def failed(code: str, title: str, detail: str, remedy: str, *, retryable: bool) -> Outcome:
    """Something went wrong; `remedy` says what a person can do about it."""
    error = {
        "code": code,
        "title": title,
        "detail": detail,
        "remedy": remedy,
        "retryable": retryable,
    }
    return Outcome("failed", error=error)


def clone_failed(error: GitFailed) -> Outcome:
    """Git could not get the repository."""
    if error.away:
        return failed(
            "github_unavailable",
            "The repository could not be cloned",
            str(error),
            "GitHub could not be reached; it may come back.",
            retryable=True,
        )
    return failed(
        "worker_failed",
        "The repository could not be cloned",
        str(error),
        "Check that the branch still exists and that the App may read the repository.",
        retryable=True,
    )


def agent_failed(how: str, last_lines: str) -> Outcome:
    """The agent came to no good end; `how` is half a sentence.

    What it said is in the log and stays there: anybody may read a final comment.
    """
    return failed(
        "worker_failed",
        "The agent failed",
        f"The agent ended with {how}. The task's log has what it said last." if last_lines
        else f"The agent ended with {how} and said nothing.",
        "Change what it says there first." if last_lines
        else "An operator can run the agent's command by hand, to see why.",
        retryable=True,
    )  # fmt: skip


def commit_failed(error: GitFailed) -> Outcome:
    """The agent left a repository that cannot be committed."""
    return failed(
        "worker_failed",
        "The changes could not be committed",
        str(error),
        "If it happens again, tell the agent not to touch `.git`.",
        retryable=True,
    )


def push_failed(error: GitFailed) -> Outcome:
    """The gate said no; Bellhop's own address is of no use to those who read this."""
    told = [
        line
        for line in str(error).splitlines()
        if not line.startswith(("To ", "error: failed to push"))
    ]
    return failed(
        "push_refused",
        "The push was refused",
        "\n".join(told).strip(),
        "If the branch has moved meanwhile, the next try begins from where it is now.",
        retryable=True,
    )


def interrupted(order: Order) -> Outcome:
    """The work was ended before it was done."""
    if order is Order.TIME_OUT:
        return failed(
            "timeout",
            "The time limit was reached",
            "The agent was still at work when its time was up, and was stopped.",
            "Ask for less at once, or allow more time with `--time`.",
            retryable=True,
        )
    return Outcome("cancelled")


def broken(detail: str) -> Outcome:
    """The worker itself does not work."""
    return failed(
        "worker_failed",
        "The worker failed",
        detail,
        "This is a fault of the worker or of its installation: show this to the operator.",
        retryable=False,
    )
