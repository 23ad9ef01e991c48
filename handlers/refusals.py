"""Every sentence with which Bellhop says that it will not, or cannot, do what somebody asked.

Whatever a person wrote passes through `code` or `neutral_line` before it stands in one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from handlers.budgets import Budget
from handlers.commands import CommandKind, Role
from handlers.repo_config import ConfigProblem
from handlers.task import Task
from handlers.text import code, neutral_line, neutral_sentence


def not_permitted(kind: CommandKind, role: Role) -> str:
    """Somebody may not do what they asked for."""
    return (
        f"`/{kind.name}` needs the **{kind.role.name.lower()}** role on this repository, and yours "
        f"is **{role.name.lower()}**. Ask somebody who has it, or a maintainer for the role."
    )


def to_labeller(login: str, command: str, reply: str) -> str:
    """A refusal of what somebody asked for with a label."""
    return f"To {neutral_line(login)}, whose label asks for `/{command}`: {reply}"


def too_many(limit: int) -> str:
    """A comment holds more commands than count."""
    return f"Only the first {limit} commands of a comment count. Put the others in another comment."


def too_many_of_apps(limit: int) -> str:
    """Apps have asked for as much on an issue as may be in a day."""
    return (
        f"Only {limit} commands of Apps count on an issue within a day. "
        "Somebody with the role can write the command."
    )


def reviews_of_writers(role: Role) -> str:
    """A command in a review by somebody whose role is enough for it, but not for reviews."""
    return (
        "Commands in reviews count from people with the **write** role, and yours is "
        f"**{role.name.lower()}**. Write it in a comment of its own."
    )


def review_unheard(why: str) -> str:
    """A review of a task's pull request that is not worked on; `why` is a sentence of ours."""
    return f"Nothing was started for this review. {why}"


def queue_full(limit: int) -> str:
    """As many tasks of a person wait as may."""
    tasks = "1 task waits" if limit == 1 else f"{limit} tasks wait"
    return (
        f"{tasks} for a free place already, and no more may wait of one person. "
        "Ask again once some have begun, or stop those that are not wanted any more."
    )


def too_many_waiting() -> str:
    """As many commands wait for approval as may, of one person, on one issue or in all."""
    return (
        "More commands wait for approval already than may, so this one was not taken. Ask again "
        "once somebody with write access has looked at them: `/approve` lets one run, `/stop` "
        "turns one away."
    )


def command_gone(name: str) -> str:
    """What waits for approval is a command that the repository has no more."""
    return (
        f"This repository has no command `/{name}` any more, so what waits cannot run. Put it back "
        "into `.github/bellhop.yml`, or turn the task away with `/stop`."
    )


def too_long_to_approve(limit: int) -> str:
    """A command that could not be quoted whole to whoever is to approve it."""
    return (
        "This command is too long to be shown whole to whoever approves it: at most "
        f"{limit:,} characters, where each that nobody sees counts for eight. Write a shorter one."
    )


def may_not_approve(name: str, least: Role, role: Role) -> str:
    """Somebody may not let this command of somebody else's run."""
    return (
        f"To approve a `/{name}` needs the **{least.name.lower()}** role on this repository, and "
        f"yours is **{role.name.lower()}**. Ask somebody who has it."
    )


def over_budget(budget: Budget, ends: datetime) -> str:
    """What may be spent on a day is spent."""
    setting = f"BELLHOP_DAILY_COST_PER_{budget.whose.upper()}"
    return (
        f"${budget.spent:.2f} of today's ${budget.limit:.2f} for {_PAYS[budget.whose]} are spent, "
        f"so nothing more is admitted before {ends:%Y-%m-%d %H:%M} UTC. Ask again then, or ask "
        f"whoever operates this Bellhop for a higher `{setting}`."
    )


_PAYS = {"repository": "this repository", "owner": "the tasks of one person"}


def bad_config(problems: Sequence[ConfigProblem]) -> str:
    """The repository's configuration cannot be used."""
    rows = "\n".join(
        f"- line {one.line}"
        + (f", {code(one.key)}" if one.key else "")
        + f": {neutral_sentence(one.message)}"
        for one in problems
    )
    return (
        "`.github/bellhop.yml` on the default branch has mistakes, so nothing was started:\n\n"
        f"{rows}\n\nMend them there and ask again."
    )


def not_offered(what: str, value: str, offered: Sequence[str]) -> str:
    """An agent, a runner or an image that this Bellhop does not have."""
    known = ", ".join(f"`{one}`" for one in offered) or "none"
    return f"This Bellhop has no {what} {code(value)}. It has: {known}."


def no_work(command: str) -> str:
    """A program names a command that makes no task there."""
    return (
        f"There is no command {code(command)} that makes a task. Name `fix`, `ask`, or one of the "
        "`commands` in the repository's `.github/bellhop.yml`."
    )


def no_such_base(base: str) -> str:
    """`--base` names a branch that is not there."""
    return f"There is no branch {code(base)} here. Name one that exists."


def base_on_pull_request() -> str:
    """`--base` makes no sense where the branch is given."""
    return "A base branch is for issues: on a pull request the work goes to its own branch."


def pull_of_fork() -> str:
    """A pull request whose branch lies elsewhere."""
    return (
        "This pull request comes from a fork, and Bellhop pushes only to branches of this "
        "repository. `/ask` works here; for a change, push the branch to this repository first."
    )


def pull_branch_guarded(branch: str) -> str:
    """A pull request whose branch nobody should push to."""
    return (
        f"{code(branch)} is the default or a protected branch, and Bellhop never "
        "pushes to those. Open the pull request from a branch of its own."
    )


def pull_closed() -> str:
    """A pull request that takes no more commits."""
    return "This pull request is closed. Reopen it, or ask on an issue."


def undecidable(detail: str) -> str:
    """GitHub did not say what admission must know."""
    return (
        f"GitHub did not answer for an hour ({neutral_line(detail)}), so this command was never "
        "started. Write it again once GitHub works."
    )


def nothing_to(verb: str, named: str | None) -> str:
    """`/stop`, `/retry` or `/tell` without a task that it could apply to."""
    if named:
        return (
            f"There is no task {code(named)} here that I could {verb}. "
            "`/status` lists the tasks of this issue."
        )
    return f"There is no task of this issue that I could {verb}. `/status` lists them."


def not_told(task: Task, why: str) -> str:
    """A message that a task does not take as things stand."""
    return f"`{task.name}` was not told: {neutral_line(why)}"


def elsewhere(task: Task, verb: Literal["retry", "tell"]) -> str:
    """`/retry` or `/tell` away from a task's issue, whose discussion its worker must be told."""
    if task.where.number is None:
        does = "tried again" if verb == "retry" else "told more"
        return f"`{task.name}` was asked for by a program, and is {does} by one, or on its page."
    return (
        f"`{task.name}` belongs to #{task.where.number}: write `/retry {task.name}` there, so that "
        "its worker is told that discussion."
    )


def too_late_to_stop(task: Task) -> str:
    """The work is done already."""
    return f"`{task.name}` is done and its pull request is being opened: too late to stop it."


def stop_not_yours(role: Role) -> str:
    """Somebody may not stop this task."""
    return (
        "`/stop` needs the **write** role on this repository, or your own task and the **triage** "
        f"role; yours is **{role.name.lower()}**."
    )
