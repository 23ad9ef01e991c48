"""What a decision must know of the database, read inside its transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlite_utils import Database

from handlers.commands import Command
from handlers.decision import Rules, View
from handlers.events import (
    CommandGiven,
    Event,
    FollowUpDue,
    MessageSent,
    PlaceOffered,
    RetryRequested,
    WorkRequested,
)
from handlers.task import Status, Task
from handlers.values import Person
from storage import preferences, tasks
from storage.times import to_text

HOUR = timedelta(hours=1)


def view_for(db: Database, event: Event, rules: Rules, now: datetime) -> View:
    """Everything that the decision about an event looks at."""
    if isinstance(event, CommandGiven):
        return _of_command(db, event, rules, now)
    if isinstance(event, WorkRequested):
        kept = preferences.kept(db, event.where.installation_id, event.sender.id)
        name = tasks.free_name(db, event.where.repository_id, event.task_id)
        return View(rules, name=name, kept=kept)
    task = tasks.load(db, event.task_id)
    if task is not None and (who := _asks_again(event, task)) is not None:
        return View(rules, task, kept=preferences.kept(db, task.where.installation_id, who.id))
    if task is not None and isinstance(event, PlaceOffered):
        return View(rules, task, load=tasks.load_of(db, task))
    return View(rules, task)


def remember_refusal(db: Database, event: CommandGiven, reason: str, now: datetime) -> None:
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
    rows = db.conn.execute(
        "SELECT reason FROM refusals WHERE person_id = ? AND repository_id = ? AND at > ?",
        (event.sender.id, where.repository_id, to_text(now - HOUR)),
    )
    number = where.number
    issue_tasks = () if number is None else tasks.of_issue(db, where.repository_id, number)
    mine = {task.id for task in issue_tasks if task.status is Status.QUEUED}
    line = enumerate(tasks.queue(db), 1) if mine else ()
    return View(
        rules,
        issue_tasks=issue_tasks,
        places={task_id: place for place, task_id in line if task_id in mine},
        named=tasks.named(db, where.repository_id, named) if named else None,
        name=tasks.free_name(db, where.repository_id, event.task_id),
        refused=frozenset(reason for (reason,) in rows),
        kept=preferences.kept(db, where.installation_id, event.sender.id),
    )
