"""What the bot decides. Pure: read this folder and you know the product."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from handlers import events
from handlers.decision import Decision, View
from handlers.effects import speaks_to_nobody
from handlers.on_backup import on_backup
from handlers.on_clock import on_clock, on_restart
from handlers.on_command import on_command, on_undecidable
from handlers.on_github import on_issue_closed, on_pull_closed, on_renamed, on_target_gone
from handlers.on_launch import on_branch, on_claim, on_launch, on_place
from handlers.on_push import on_pull_request, on_push
from handlers.on_request import (
    on_deletion,
    on_extension,
    on_follow_up,
    on_message,
    on_retry_requested,
    on_stop_requested,
    on_work_requested,
)
from handlers.on_review import on_review
from handlers.on_worker import on_complete, on_exit, on_gone, on_report, on_status_comment


def decide(view: View, event: events.Event, now: datetime) -> Decision:
    """What follows from one event, given what the database says.

    Raises:
        IllegalMove: the event asks for a move that the lifecycle does not have.
    """
    decision = _decide(view, event, now)
    # What belongs to no issue has nobody there to speak to.
    heard = tuple([one for one in decision.effects if not speaks_to_nobody(one)])
    return decision if heard == decision.effects else replace(decision, effects=heard)


def _decide(view: View, event: events.Event, now: datetime) -> Decision:  # noqa: C901, PLR0912 - one row an event
    match event:
        case events.CommandGiven():
            return on_command(view, event, now)
        case events.WorkRequested():
            return on_work_requested(view, event, now)
        case events.RetryRequested():
            return on_retry_requested(view, event, now)
        case events.StopRequested():
            return on_stop_requested(view, event, now)
        case events.MessageSent():
            return on_message(view, event, now)
        case events.FollowUpDue():
            return on_follow_up(view, event, now)
        case events.ExtensionRequested():
            return on_extension(view, event, now)
        case events.DeletionRequested():
            return on_deletion(view, event, now)
        case events.ReviewGiven():
            return on_review(view, event, now)
        case events.CommandUndecidable():
            return on_undecidable(view, event, now)
        case events.PlaceOffered():
            return on_place(view, event, now)
        case events.Launched() | events.LaunchFailed() | events.PermissionLost():
            return on_launch(view, event, now)
        case events.BranchSeen():
            return on_branch(view, event)
        case events.WorkerClaimed():
            return on_claim(view, event, now)
        case events.WorkerReported():
            return on_report(view, event, now)
        case events.WorkerCompleted():
            return on_complete(view, event, now)
        case events.WorkerExited():
            return on_exit(view, event, now)
        case events.WorkerGone():
            return on_gone(view, event, now)
        case events.PushBegun() | events.Pushed() | events.PushFailed():
            return on_push(view, event, now)
        case events.PullRequestReady() | events.PullRequestFailed():
            return on_pull_request(view, event, now)
        case events.StatusCommented():
            return on_status_comment(view, event, now)
        case events.ClockStruck():
            return on_clock(view, now)
        case events.Restarted():
            return on_restart(view, now)
        case events.BackupRestored():
            return on_backup(view, event, now)
        case events.TargetGone():
            return on_target_gone(view, event, now)
        case events.IssueClosed():
            return on_issue_closed(view, event, now)
        case events.RepositoryRenamed():
            return on_renamed(view, event, now)
        case events.PullRequestClosed():
            return on_pull_closed(view, event, now)
        case _:
            assert_never(event)
