"""Decisions: what they must know is read, and what follows is stored, in one transaction."""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from handlers import decide
from handlers.decision import NOTHING, Decision, Rules
from handlers.ending import status_edit
from handlers.events import (
    BranchSeen,
    CommandGiven,
    CommandUndecidable,
    Event,
    PlaceOffered,
    PushBegun,
    Pushed,
    PushFailed,
    ReviewGiven,
    StatusCommented,
    WorkerReported,
)
from handlers.task import Status
from storage import app_commands, budgets, candidates, outbox, tasks, timeline, turns, views
from storage.moves import Moved, move_of
from storage.numbers import Book

NEXT = 3
"""How many of those who wait are told that the queue has moved; more edits would cost pace."""
_FREES_NO_PLACE = (WorkerReported, PushBegun, Pushed, PushFailed, StatusCommented, BranchSeen)
"""What neither frees a place nor lets anybody wait for one: the line is not looked at for it."""


class Decider:
    """Decides inside the writer's transactions, one at a time."""

    def __init__(self, book: Book, rules: Rules) -> None:
        self._book = book
        self.rules = rules
        self.held: datetime | None = None
        """When this database was made as a backup, until somebody has gone on from it.

        Until then nobody is given a place: GitHub may know more than the backup does.
        """
        self.moves: list[Moved] = []
        """The moves of the transaction that is under way."""

    def apply_and_offer(self, db: Database, event: Event, now: datetime) -> Decision:
        """Decide about an event, and offer the places that it may have freed."""
        decision = self.apply(db, event, now)
        if decision.task is not None and not isinstance(event, _FREES_NO_PLACE):
            self.offer(db, now)
        return decision

    def apply(self, db: Database, event: Event, now: datetime) -> Decision:
        """Decide about an event, and store what follows.

        Raises:
            IllegalMove: the lifecycle has no such move.
        """
        asked = isinstance(event, CommandGiven | ReviewGiven | CommandUndecidable)
        if asked and not candidates.is_open(db, event.task_id):
            return NOTHING  # it was decided before Bellhop was last stopped
        view = views.view_for(db, event, self.rules, now)
        decision = decide(view, event, now)
        self._save(db, event, decision, now)
        if decision.task is not None and (move := move_of(view, decision.task, now)) is not None:
            self.moves.append(move)
        if asked:
            candidates.decided(db, event.task_id, _state_of(event, decision), now)
        if decision.then is not None:
            self.apply(db, decision.then, now)
        return decision

    def _save(self, db: Database, event: Event, decision: Decision, now: datetime) -> None:
        task = decision.task
        before = tasks.load(db, task.id) if task is not None and task.ended else None
        if task is not None:
            task = tasks.save(db, task, decision.brief)
            timeline.append(db, self._book, task, decision.timeline, now)
        outbox.wish(db, decision.effects, now)
        if before is not None and before.status is Status.QUEUED and not before.awaiting:
            # It has left the line.
            self._tell_the_next(db, now)
        if decision.refusal is not None and isinstance(event, CommandGiven | ReviewGiven):
            views.remember_refusal(db, event, decision.refusal, now)
        if isinstance(event, CommandGiven) and event.app and decision.effects:
            app_commands.remember(db, event, now)

    def offer(self, db: Database, now: datetime) -> None:
        """Offer places, one at a time, until nobody in line can take one."""
        if self.held is not None:
            return
        given = 0
        for _ in range(self.rules.max_running):
            task_id = turns.next_up(db, self.rules, now)
            if task_id is None:
                break
            self.apply(db, PlaceOffered(task_id), now)
            turns.take_turn(db, task_id)
            given += 1
        if given:
            self._tell_the_next(db, now)
        for task_id in budgets.to_tell(db, self.rules, now):
            self.apply(db, PlaceOffered(task_id), now)  # it has none: it says what it waits for

    def _tell_the_next(self, db: Database, now: datetime) -> None:
        """The queue has moved: those who are next see their new place."""
        waiting = (tasks.load(db, task_id) for task_id in turns.front(db, NEXT))
        spoken_of = [task for task in waiting if task and task.where.number is not None]
        outbox.wish(db, [status_edit(task) for task in spoken_of], now)


def _state_of(event: CommandGiven | ReviewGiven | CommandUndecidable, decision: Decision) -> str:
    """What became of a candidate, for its row."""
    if decision.task is not None and decision.task.id == event.task_id:
        return candidates.BECAME_TASK
    return "answered" if decision.effects else "ignored"
