"""What a decision must know of the database, read inside its transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlite_utils import Database

from handlers.budgets import Budget
from handlers.commands import Command
from handlers.decision import Rules, View
from handlers.events import (
    CommandGiven,
    Event,
    ExtensionRequested,
    FollowUpDue,
    MessageSent,
    PlaceOffered,
    RetryRequested,
    ReviewGiven,
    WorkRequested,
)
from handlers.task import Status, Task
from handlers.values import Person, Where
from storage import app_commands, approvals, budgets, preferences, tasks, turns
from storage.times import to_text

HOUR = timedelta(hours=1)


def view_for(db: Database, event: Event, rules: Rules, now: datetime) -> View:
    """Everything that the decision about an event looks at."""
    if isinstance(event, CommandGiven):
        return _of_command(db, event, rules, now)
    if isinstance(event, ReviewGiven):
        return _of_review(db, event, rules, now)
    if isinstance(event, WorkRequested):
        kept = preferences.kept(db, event.where.installation_id, event.sender.id)
        name = tasks.free_name(db, event.where.repository_id, event.task_id)
        mine = {event.sender.id}
        waiting = _waiting(db, rules, mine)
        spent = _spent(db, rules, event.where, mine, now)
        return View(rules, name=name, kept=kept, waiting=waiting, budgets=spent)
    task = tasks.load(db, event.task_id)
    if task is not None and (who := _asks_again(event, task)) is not None:
        kept = preferences.kept(db, task.where.installation_id, who.id)
        theirs = {task.owner.id}
        waiting = _waiting(db, rules, theirs)
        spent = _spent(db, rules, task.where, theirs, now)
        return View(rules, task, kept=kept, waiting=waiting, budgets=spent)
    if task is not None and isinstance(event, ExtensionRequested):
        kept = preferences.kept(db, task.where.installation_id, task.requester.id)
        return View(rules, task, kept=kept)
    if task is not None and isinstance(event, PlaceOffered):
        spent = _spent(db, rules, task.where, {task.owner.id}, now)
        return View(rules, task, load=turns.load_of(db, task), budgets=spent)
    return View(rules, task)


def remember_refusal(
    db: Database, event: CommandGiven | ReviewGiven, reason: str, now: datetime
) -> None:
    """A person was told why: for an hour the same is not told again."""
    db.conn.execute(
        "INSERT OR REPLACE INTO refusals (person_id, repository_id, reason, at) "
        "VALUES (?, ?, ?, ?)",
        (event.sender.id, event.where.repository_id, reason, to_text(now)),
    )


def forget_refusals(db: Database, now: datetime) -> None:
    """Remove what may be told again."""
    db.conn.execute("DELETE FROM refusals WHERE at <= ?", (to_text(now - HOUR),))


def _asks_again(event: Event, task: Task) -> Person | None:
    """Who asks for a new attempt, where the event may lead to one."""
    match event:
        case RetryRequested():
            return event.sender
        case MessageSent():
            return event.message.sender
        case FollowUpDue() if task.pending:
            return task.pending[-1].sender
        case _:
            return None


def _of_command(db: Database, event: CommandGiven, rules: Rules, now: datetime) -> View:
    where = event.where
    named = event.command.task if isinstance(event.command, Command) else None
    number = where.number
    issue_tasks = () if number is None else tasks.of_issue(db, where.repository_id, number)
    awaiting = () if number is None else approvals.of_issue(db, where.repository_id, number)
    named_task = tasks.named(db, where.repository_id, named) if named else None
    queued = (task for task in issue_tasks if task.status is Status.QUEUED)
    mine = {task.id for task in queued if not task.awaiting}
    line = enumerate(turns.line(db), 1) if mine else ()
    owners = _owners(event, named_task, issue_tasks)
    return View(
        rules,
        issue_tasks=issue_tasks,
        awaiting=awaiting,
        crowd=approvals.crowd_of(db, where, event.sender, now),
        places={task_id: place for place, task_id in line if task_id in mine},
        named=named_task,
        waiting=_waiting(db, rules, owners),
        budgets=_spent(db, rules, where, owners, now),
        name=tasks.free_name(db, where.repository_id, event.task_id),
        refused=_refused(db, event, now),
        by_apps=app_commands.count(db, where, now) if event.app else 0,
        kept=preferences.kept(db, where.installation_id, event.sender.id),
    )


def _of_review(db: Database, event: ReviewGiven, rules: Rules, now: datetime) -> View:
    where = event.where
    task = None if where.number is None else tasks.opened(db, where.repository_id, where.number)
    if task is None:
        return View(rules)
    theirs = {task.owner.id}
    return View(
        rules,
        task,
        refused=_refused(db, event, now),
        kept=preferences.kept(db, where.installation_id, event.sender.id),
        waiting=_waiting(db, rules, theirs),
        budgets=_spent(db, rules, where, theirs, now),
    )


def _refused(db: Database, event: CommandGiven | ReviewGiven, now: datetime) -> frozenset[str]:
    rows = db.conn.execute(
        "SELECT reason FROM refusals WHERE person_id = ? AND repository_id = ? AND at > ?",
        (event.sender.id, event.where.repository_id, to_text(now - HOUR)),
    )
    return frozenset(reason for (reason,) in rows)


def _owners(event: CommandGiven, named: Task | None, there: tuple[Task, ...]) -> set[int]:
    """Whose task may have to wait after a command: its writer's, or one that is asked for again."""
    kind = event.found.kind_of(event.command.name)
    if event.command.name == "approve" or (kind is not None and kind.makes_task):
        return {event.sender.id}
    if event.command.name in {"retry", "tell"}:
        return {task.owner.id for task in (*there, *([named] if named else []))}
    return set()


def _waiting(db: Database, rules: Rules, owners: Collection[int]) -> dict[int, int]:
    most = rules.max_queued_per_owner
    return {owner: turns.waiting_of(db, owner, most) for owner in owners}


def _spent(
    db: Database, rules: Rules, where: Where, owners: Collection[int], now: datetime
) -> dict[int, tuple[Budget, ...]]:
    place = where.repository_id
    return {owner: budgets.of_place(db, rules, place, owner, now) for owner in owners}
