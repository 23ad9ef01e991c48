"""Who may do what, and who is next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from handlers import refusals
from handlers.apps import app_of
from handlers.budgets import day_end, seconds_left
from handlers.circumstances import Circumstances
from handlers.commands import Command, CommandKind, Role
from handlers.decision import Load, Rules, View
from handlers.deliveries import Asking, IssueLabeled
from handlers.own_commands import plain_kind
from handlers.repo_config import ConfigProblem
from handlers.task import Task, Wish
from handlers.values import ErrorCode, Where, app_slug

REASON = 300
"""Characters of a reply by which it is known again."""
MOST_COMMANDS = 5
"""How many commands of one comment count."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command is not admitted. `reason` is what is explained once an hour.

    `field` is what a program has to change in its request, as the API calls it; None: it is not
    the request that is wrong.
    """

    code: ErrorCode
    reason: str
    reply: str
    field: str | None = None
    wait: int | None = None
    """Seconds after which it may be asked for again, where that is known."""


def deaf_to(text: Asking, app_id: int, app_name: str) -> str | None:
    """Why Bellhop does not even read a text, or look at a label; None where it does.

    An App's own comments raise the same event as everybody's: here the loop is cut, before
    anybody's list of Apps is looked at.
    """
    if isinstance(text, IssueLabeled):
        return "not labelled by a person" if text.sender.is_bot else None
    if text.app_id == app_id or app_slug(text.author.login) == app_name:
        return "Bellhop's own words"
    by_program = text.sender.is_bot or text.author.is_bot or text.app_id is not None
    if by_program and app_of(text) is None:
        return "not written by a person"
    if text.sender.id != text.author.id:
        return "sent by somebody else than its author"
    if text.transferred:
        return "transferred from another repository"
    return None


def refuse_role(kind: CommandKind, role: Role) -> Refusal | None:
    """The refusal of somebody whose role is too low for a command."""
    if role >= kind.role:
        return None
    reason = f"{ErrorCode.NOT_PERMITTED}:{kind.name}"
    return Refusal(ErrorCode.NOT_PERMITTED, reason, refusals.not_permitted(kind, role))


def refuse_more(wish: Wish, found: Circumstances) -> Refusal | None:
    """The refusal of somebody whose role is too low to ask for more of a task."""
    return refuse_role(kind_for_more(wish, found), found.role)


def kind_for_more(wish: Wish, found: Circumstances) -> CommandKind:
    """The row that says who may ask for more of a task.

    What the repository says of its own command today counts, as long as there is such a command.
    Where that makes something else of it by now, what was said then counts, too: who may only be
    answered must not be able to push.
    """
    then, today = kind_then(wish), found.kind_of(wish.command)
    if today is None or today.result == wish.result:
        return today or then
    return replace(then, role=max(then.role, today.role))


def kind_then(wish: Wish) -> CommandKind:
    """The row of the command as it was when a task was asked for."""
    return plain_kind(wish.command, wish.role, wish.result)


def refuse_config(problems: Sequence[ConfigProblem]) -> Refusal:
    """The refusal to guess what a repository wants whose settings cannot be read."""
    return refusal_of(ErrorCode.BAD_CONFIG, refusals.bad_config(problems))


def refuse_work(command: Command, where: Where, found: Circumstances) -> Refusal | None:
    """The refusal of what cannot be worked on; None where it can."""
    if command.options.base and where.is_pull_request:
        return _bad(refusals.base_on_pull_request(), "branch")
    if command.options.base and found.base_missing:
        return _bad(refusals.no_such_base(command.options.base), "branch")
    return None


def refuse_pull(found: Circumstances) -> Refusal | None:
    """The refusal to push to a pull request's branch; None where it may be pushed."""
    pull = found.pull
    if pull is None:
        return None
    if not pull.same_repository:
        return _bad(refusals.pull_of_fork(), "issueNumber")
    if not pull.open:
        return _bad(refusals.pull_closed(), "issueNumber")
    if pull.protected or pull.head == found.default_branch:
        return _bad(refusals.pull_branch_guarded(pull.head), "issueNumber")
    return None


def refuse_another(view: View, owner_id: int, now: datetime) -> Refusal | None:
    """The refusal of one more attempt of an owner's tasks, for which there is no room today."""
    return _refuse_budget(view, owner_id, now) or _refuse_queue(view, owner_id)


def _refuse_budget(view: View, owner_id: int, now: datetime) -> Refusal | None:
    """What is only promised to others is no reason to refuse: the task waits for what is left."""
    spent = next((one for one in view.budgets.get(owner_id, ()) if one.used_up), None)
    if spent is None:
        return None
    reply = refusals.over_budget(spent, day_end(now))
    reason = f"{ErrorCode.OVER_BUDGET}:{spent.whose}"
    return Refusal(ErrorCode.OVER_BUDGET, reason, reply, wait=seconds_left(now))


def _refuse_queue(view: View, owner_id: int) -> Refusal | None:
    """The refusal of one more task that waits, of somebody of whom as many wait as may."""
    most = view.rules.max_queued_per_owner
    if view.waiting.get(owner_id, 0) < most:
        return None
    return Refusal(ErrorCode.OVER_BUDGET, "queue_full", refusals.queue_full(most))


def may_start(task: Task, load: Load, rules: Rules) -> bool:
    """Whether a place is free for this task. Two tasks never work on one branch at a time."""
    per_repository = min(
        rules.max_running_per_repository, task.wish.concurrency or rules.max_running_per_repository
    )
    return (
        load.total < rules.max_running
        and load.repository < per_repository
        and load.owner < rules.max_running_per_owner
        and not load.branch_busy
    )


def silent(view: View, refusal: Refusal) -> bool:
    """Whether this was explained to this person within the hour."""
    return refusal.reason in view.refused


def refusal_of(code: ErrorCode, reply: str, field: str | None = None) -> Refusal:
    """The refusal that is explained once an hour for each mistake: it is known by its words."""
    return Refusal(code, f"{code}:{reply[:REASON]}", reply, field)


def _bad(reply: str, field: str | None = None) -> Refusal:
    return refusal_of(ErrorCode.BAD_COMMAND, reply, field)
