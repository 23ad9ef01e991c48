"""Where something is asked for, by whom and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.github.values import RepoRef
from handlers.deliveries import Asking, CommentWritten, ReviewSubmitted
from handlers.github_objects import Subject


@dataclass(frozen=True, slots=True)
class Asked:
    """Where something is asked for, by whom and when: in a text on GitHub, or by a program.

    `subject` is None where a program means no issue; `leave_out` is the id of the comment that
    asks, which is no part of the discussion before it. `approved` is that of the one whose text is
    approved: what it says by now is nobody's wish.
    """

    repo: RepoRef
    default_branch: str
    archived: bool
    login: str
    at: datetime
    subject: Subject | None = None
    leave_out: int | None = None
    approved: int | None = None
    review: ReviewSubmitted | None = None
    """The review that asks, of which the comments are told, too."""


def asked_in(written: Asking) -> Asked:
    """What is asked for on GitHub."""
    repository = written.repository
    return Asked(
        repo=RepoRef(written.installation_id, repository.id, repository.full_name),
        default_branch=repository.default_branch,
        archived=repository.archived,
        login=written.sender.login,
        at=written.written_at,
        subject=written.subject,
        leave_out=written.source_id if isinstance(written, CommentWritten) else None,
        review=written if isinstance(written, ReviewSubmitted) else None,
    )
