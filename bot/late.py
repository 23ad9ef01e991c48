"""Whether what came late still holds, hours or days after it happened."""

from __future__ import annotations

from bot.github.client import GitHub
from bot.github.values import RepoRef
from handlers.deliveries import (
    AppRemoved,
    Asking,
    CommentWritten,
    Delivery,
    IssueGone,
    IssueLabeled,
    PullRequestClosed,
    RepositoryGone,
    RepositoryRenamed,
)
from handlers.github_objects import Repository
from handlers.label_commands import label_key


async def is_there(github: GitHub, written: Asking) -> bool:
    """Whether what asks for something is still on GitHub: a label may have been taken off.

    Raises:
        GitHubError: GitHub did not say.
    """
    repo = _ref(written.installation_id, written.repository)
    if isinstance(written, CommentWritten):
        return await github.has_comment(repo, written.source_id)
    issue = await github.issue(repo, written.subject.number)
    if isinstance(written, IssueLabeled) and issue is not None:
        return label_key(written.label) in {label_key(one) for one in issue.labels}
    return issue is not None


async def still_holds(github: GitHub, happened: Delivery) -> bool:
    """Whether what happened has not been taken back: an issue may be open again by now.

    Raises:
        GitHubError: GitHub did not say.
    """
    match happened:
        case IssueGone(reason="closed") | PullRequestClosed():
            repo = _ref(happened.installation_id, happened.repository)
            issue = await github.issue(repo, happened.number)
            return issue is None or issue.state == "closed"
        case RepositoryGone(reason="archived"):
            repo = _ref(happened.installation_id, happened.repository)
            return (await github.repository(repo)).archived
        case RepositoryRenamed():
            repo = _ref(happened.installation_id, happened.repository)
            return (await github.repository(repo)).full_name == repo.full_name
        case AppRemoved(reason="suspended"):
            return await github.is_suspended(happened.installation_id)
        case _:
            return True


def _ref(installation_id: int, repository: Repository) -> RepoRef:
    return RepoRef(installation_id, repository.id, repository.full_name)
