"""Deliveries that ask for nothing, but change what tasks belong to: one event a task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from sqlite_utils import Database

from handlers import events
from handlers.deliveries import (
    AppRemoved,
    ConsentRevoked,
    IssueGone,
    PullRequestClosed,
    RepositoryGone,
    RepositoryRenamed,
)
from storage import keys, preferences, provider_secrets, tasks, user_tokens

HouseKeeping = (
    IssueGone | PullRequestClosed | RepositoryGone | RepositoryRenamed | AppRemoved | ConsentRevoked
)


def events_of(  # noqa: C901, PLR0912 - one row a kind of delivery
    db: Database, delivery: HouseKeeping
) -> Iterator[events.Event]:
    """What a delivery means for each of the tasks that it touches."""
    match delivery:
        case IssueGone(repository=repository, number=number, reason=reason):
            here = (repository.id, number)
            for task_id in tasks.unfinished(db, "repository_id = ? AND number = ?", here):
                if reason == "closed":
                    yield events.IssueClosed(task_id)
                else:
                    yield events.TargetGone(task_id, f"the issue was {reason}")
        case RepositoryGone(repository=repository, reason=reason):
            for task_id in tasks.unfinished(db, "repository_id = ?", (repository.id,)):
                yield events.TargetGone(task_id, f"the repository was {reason}")
        case RepositoryRenamed(repository=repository):
            for task_id in tasks.of_repository(db, repository.id):
                yield events.RepositoryRenamed(task_id, repository.full_name)
        case PullRequestClosed(repository=repository, number=number, merged=merged):
            here = (repository.id, number)
            for task_id in tasks.unfinished(db, "repository_id = ? AND number = ?", here):
                yield events.IssueClosed(task_id)
            for task_id in tasks.of_pull(db, *here):
                yield events.PullRequestClosed(task_id, merged)
        case AppRemoved():
            yield from _of_removal(db, delivery)
        case ConsentRevoked():
            return
        case _:
            assert_never(delivery)


def forget_what_goes(db: Database, delivery: HouseKeeping) -> None:
    """Remove what nobody can use or see any more.

    That is what was set for an installation that is gone; and for somebody who took back their
    consent every session: GitHub has ended their tokens.
    """
    if isinstance(delivery, AppRemoved) and delivery.reason == "deleted":
        scope = preferences.installation_scope(delivery.installation_id)
        preferences.forget(db, scope)
        provider_secrets.forget(db, scope)
    elif isinstance(delivery, ConsentRevoked):
        keys.drop_sessions_of(db, delivery.sender.id)
        user_tokens.take(db, delivery.sender.id)


def _of_removal(db: Database, removal: AppRemoved) -> Iterator[events.Event]:
    why = f"the App's installation was {removal.reason}"
    if removal.repository_ids is None:
        places = [("installation_id = ?", removal.installation_id)]
    else:
        why = "the App was removed from the repository"
        places = [("repository_id = ?", one) for one in removal.repository_ids]
    for where, value in places:
        for task_id in tasks.unfinished(db, where, (value,)):
            yield events.TargetGone(task_id, why)
