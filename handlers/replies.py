"""Every sentence that Bellhop says on GitHub of its work, one function each.

Whatever a person or a worker wrote passes through `neutral` or `neutral_line` before it stands
in one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from handlers.budgets import Budget
from handlers.commands import COMMANDS, CommandKind, Role
from handlers.decision import Rules
from handlers.own_commands import OwnCommand
from handlers.task import Ending, Status, Task
from handlers.text import code, neutral, neutral_line, neutral_sentence, plain_line

BAR = 10
"""How many blocks the progress bar of a status comment has."""

# Not spelt as GitHub wants it: this text may end up in the message of a merge.
NO_CHECKS = (
    "The agent was shown text by people without write access, so these commits ask GitHub to "
    "*skip CI*: no workflow runs for them. Once you have read the changes, run the checks by "
    "pushing a commit, which may be empty; and leave the mark out of the message when you squash."
)
"""What is said where commits ask for no workflows."""


def help_text(role: Role, app_name: str, own: Sequence[OwnCommand] = ()) -> str:
    """The commands that this person may use here; `own` are the repository's own."""
    mine = [kind for kind in COMMANDS.values() if role >= _least_role(kind)]
    theirs = [one.kind for one in own if role >= one.permission]
    rows = "\n".join(
        [f"| `{kind.usage}` | {kind.summary} |" for kind in mine]
        + [f"| `{kind.usage}` | {neutral_line(kind.summary)} |" for kind in theirs]
    )
    options = ""
    with_options = [f"`/{kind.name}`" for kind in (*mine, *theirs) if kind.takes_options]
    if with_options:
        options = (
            f"\n\nOptions stand before the text of {_listed(with_options)}: `--agent NAME`, "
            "`--model NAME`, `--base BRANCH`, `--time 20m`, `--max-cost 5`."
        )
    return (
        f"What you may use here, as the first thing on a line (`@{app_name} help` means the same "
        f"as `/help`):\n\n| command | does |\n|---|---|\n{rows}{options}"
    )


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _least_role(kind: CommandKind) -> Role:
    """Owners may stop their own tasks with less than the command's role."""
    return Role.TRIAGE if kind.name == "stop" else kind.role


def status_list(
    tasks: Sequence[Task], places: Mapping[str, int], now: datetime, rules: Rules
) -> str:
    """The tasks of an issue; `places` are those in the queue, by task id."""
    if not tasks:
        return "No task was started here yet. `/fix` starts one, `/help` tells more."
    rows = "\n".join(
        f"| {named(task, rules)} | `/{task.wish.command}` | {_how(task, places)} "
        f"| {_since(task, now)} | {_link(task)} |"
        for task in tasks
    )
    return f"| task | command | state | time | pull request |\n|---|---|---|---|---|\n{rows}"


def stopping(ending: Ending) -> str:
    """Why a worker is being stopped, for the current state."""
    return ending.error.title if ending.error else f"stopped by {ending.by}"


def status_comment(task: Task, rules: Rules, now: datetime, place: int) -> str:
    """The one comment that is edited. `place` counts from 1 in the queue."""
    head = f"**`/{task.wish.command}`** · {named(task, rules)}"
    if task.ended:
        return f"{_mark(task)} {head}: {ended_line(task)}"
    if task.status is Status.QUEUED:
        return f"🛎️ {head}\n\n{_queued(task, place)}"
    lines = [f"🛎️ {head}", "", _doing(task)]
    if task.started_at:
        filled = task.progress * BAR // 100
        spent = _spent(task)
        lines.append(
            f"`{'█' * filled}{'░' * (BAR - filled)}` {task.progress} % · "
            f"{span(now - task.started_at)} of {_duration(task.wish.time_limit)}{spent}"
        )
    if task.branches.name and task.branches.head and not task.where.is_pull_request:
        lines += ["", f"Branch: {_branch_link(task.branches.name, task, rules)}"]
    return "\n".join(lines)


def waits_for_budget(budget: Budget) -> str:
    """Why a task that could have a place does not begin, for the current state."""
    whose = "this repository" if budget.whose == "repository" else "the tasks of its owner"
    spent = f"${budget.spent:.2f} of today's ${budget.limit:.2f} for {whose} are spent"
    if budget.used_up:
        return f"{spent}; it goes on after 00:00 UTC"
    return f"{spent}, and what is at work may spend the rest; it goes on when something is left"


def ended_line(task: Task) -> str:
    """How a task ended, in one line."""
    took = ""
    if task.started_at and task.completed_at:
        took = f" in {span(task.completed_at - task.started_at)}"
    match task.status:
        case Status.COMPLETED if task.pull and task.branches.pushed:
            return f"completed{took}: {task.pull.url}"
        case Status.COMPLETED if task.wish.answers:
            return f"answered{took}"
        case Status.COMPLETED:
            return f"completed{took}, nothing changed"
        case Status.CANCELLED:
            return f"cancelled{took}"
        case _:
            title = task.error.title if task.error else "failed"
            return f"failed{took}: {neutral_sentence(title)}"


def final(task: Task, rules: Rules, *, by: str = "") -> str:
    """The one comment that ends an attempt, and that notifies people."""
    page = _page_of(task, rules)
    return _ending(task, rules, by) + (f"\n\n[The log of `{task.name}`]({page})" if page else "")


def _ending(task: Task, rules: Rules, by: str) -> str:
    match task.status:
        case Status.COMPLETED if task.wish.answers:
            return neutral(task.summary or "The agent gave no answer.")
        case Status.COMPLETED if task.pull and task.branches.pushed:
            return _done(task)
        case Status.COMPLETED if task.pull:
            return (
                f"`{task.name}` ended without changing anything more; "
                f"the pull request is {task.pull.url}" + _words(task)
            )
        case Status.COMPLETED:
            return (
                f"`{task.name}` ended without changing anything, so there is no pull request."
                + _words(task)
            )
        case Status.CANCELLED:
            who = f" by {neutral_line(by)}" if by else ""
            return f"`{task.name}` was stopped{who}. {_again(task, 'starts it again')}"
        case _:
            return _failed(task, rules)


def no_instructions(task: Task) -> str:
    """The prompt of a command that stands alone."""
    if task.where.is_pull_request:
        return "Do what the discussion of this pull request asks for."
    return "Resolve this issue."


def default_title(task: Task) -> str:
    """What commit and pull request are called, unless the agent knows better."""
    first_line = task.wish.prompt.split("\n", 1)[0]
    number = task.where.number
    words = first_line if task.where.is_pull_request or number is None else task.where.title
    return plain_line(words, 72) or (f"Changes for #{number}" if number else "Changes")


def pull_request_title(task: Task) -> str:
    """Plain text, well below GitHub's own limit of 256 characters."""
    return plain_line(task.title or "") or default_title(task)


def pull_request_body(task: Task) -> str:
    """What the pull request says: the worker's words, and the tie to the issue."""
    keyword = "Closes" if task.branches.base == task.branches.default else "Refs"
    words = neutral(task.body or task.summary or "")
    number = task.where.number
    tie = "" if number is None else f"{keyword} #{number}\n\n"
    asked = f"Asked for by {_who_asked(task)} with `/{task.wish.command}`"
    where = "through the API" if number is None else f"in #{number}"
    return (
        f"{words}\n\n{tie}"
        f"---\n{asked} {where}. Written by the agent `{task.wish.agent}`"
        + (f" with {code(task.wish.model)}" if task.wish.model else "")
        + f" as `{task.name}`: review it like any other change."
        + (f"\n\n{NO_CHECKS}" if task.skip_ci else "")
    ).strip()


def _who_asked(task: Task) -> str:
    approval = task.approval
    if approval is None or approval.asker.id == task.owner.id:
        return neutral_line(task.requester.login)
    return f"{neutral_line(approval.asker.login)}, approved by {neutral_line(task.owner.login)},"


def _done(task: Task) -> str:
    url = task.pull.url if task.pull else ""
    if task.where.is_pull_request:
        checks = f"\n\n{NO_CHECKS}" if task.skip_ci else ""
        return f"🛎️ Done: the commits are on this pull request, {url}" + checks + _words(task)
    return f"🛎️ Done: {url}" + _words(task)


def _failed(task: Task, rules: Rules) -> str:
    error = task.error
    if error is None:  # a failed task always says why; this is for the type alone
        return f"`{task.name}` failed."
    detail = f"\n\n{neutral(error.detail, 3000)}" if error.detail else ""
    remedy = neutral_sentence(error.remedy)
    again = _again(task, "tries again") if error.retryable else ""
    advice = " ".join(part for part in (remedy, again) if part)
    branch = ""
    if task.branches.pushed and task.branches.name:
        branch = f"\n\nWhat was pushed is on {_branch_link(task.branches.name, task, rules)}."
    return f"❌ `{task.name}` failed: {neutral_sentence(error.title)}.{detail}{branch}" + (
        f"\n\n{advice}" if advice else ""
    )


def _again(task: Task, does: str) -> str:
    """How there can be another attempt, where there is none already."""
    if task.deleting:
        return "It is being removed."
    if task.pending:
        return "Another attempt begins with what was said meanwhile."
    return f"`/retry {task.name}` {does}."


def approval_hash(task: Task) -> str:
    """By which a task is approved; empty for one that never waited for that."""
    return task.approval.hash if task.approval else ""


def named(task: Task, rules: Rules) -> str:
    """A task's name, which leads to its page where there is a way there."""
    page = _page_of(task, rules)
    return f"[`{task.name}`]({page})" if page else f"`{task.name}`"


def _page_of(task: Task, rules: Rules) -> str:
    return f"{rules.pages_url}/tasks/{task.id}" if rules.pages_url else ""


def _branch_link(name: str, task: Task, rules: Rules) -> str:
    """A branch of a pull request is called as its author liked."""
    url = f"{rules.web_url}/{task.where.repository}/tree/{quote(name, safe='/')}"
    return f"[{code(name, 250)}]({url})"


def _words(task: Task) -> str:
    return f"\n\n{neutral(task.summary)}" if task.summary else ""


def _how(task: Task, places: Mapping[str, int]) -> str:
    if task.awaiting:
        return f"waits for `/approve {approval_hash(task)}`"
    if task.id in places and task.clocks.budget_at:
        return f"queued, number {places[task.id]}, waits for a daily budget"
    if task.id in places:
        return f"queued, number {places[task.id]}"
    if task.status is Status.RUNNING:
        return f"{neutral_line(task.state.state)}, {task.progress} %"
    return task.status.value


def _since(task: Task, now: datetime) -> str:
    if task.started_at is None:
        return "-"
    return span((task.completed_at or now) - task.started_at)


def _link(task: Task) -> str:
    return task.pull.url if task.pull else "-"


def _mark(task: Task) -> str:
    return {Status.COMPLETED: "✅", Status.CANCELLED: "⏹️"}.get(task.status, "❌")


def _queued(task: Task, place: int) -> str:
    if task.awaiting:
        return f"Waiting for `/approve {approval_hash(task)}`."
    if task.clocks.retry_at:
        return f"The launch failed and is tried again: {neutral_line(task.state.message)}"
    if task.clocks.budget_at:
        return f"Waiting: {neutral_sentence(task.state.message)}."
    return f"Waiting for a free place: number {place} in the queue."


def _doing(task: Task) -> str:
    state = neutral_line(task.state.state.replace("_", " ").capitalize())
    message = neutral_line(task.state.message, 300)
    return f"{state}: {message}" if message else f"{state} …"


def _spent(task: Task) -> str:
    if not task.usage.cost_usd:
        return ""
    limit = f" of ${task.wish.max_cost:.2f}" if task.wish.max_cost else ""
    return f" · ${task.usage.cost_usd:.2f}{limit}"


def span(delta: timedelta) -> str:
    """A time as people say it: `5 s`, `3 min`, `2 h 5 min`."""
    return _duration(max(0, int(delta.total_seconds())))


def _duration(seconds: int) -> str:
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds} s"
    if seconds < 3600:  # noqa: PLR2004 - an hour
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
