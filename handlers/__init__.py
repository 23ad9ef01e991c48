"""What the bot decides. Pure: read this folder and you know the product."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from handlers import events
from handlers.decision import Decision, View
from handlers.on_clock import on_clock, on_restart
from handlers.on_command import on_command, on_undecidable
from handlers.on_github import on_issue_closed, on_pull_closed, on_renamed, on_target_gone
from handlers.on_launch import on_branch, on_claim, on_launch, on_place
from handlers.on_push import on_pull_request, on_push
from handlers.on_worker import on_complete, on_exit, on_gone, on_report, on_status_comment


def decide(view: View, event: events.Event, now: datetime) -> Decision:  # noqa: C901, PLR0912 - one row an event
    """What follows from one event, given what the database says.

    Raises:
        IllegalMove: the event asks for a move that the lifecycle does not have.
    """
    match event:
        case events.CommandGiven():
            return on_command(view, event, now)
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
