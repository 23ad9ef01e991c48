"""Opening a pull request once, however often it is tried."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from bot.github.doubt import SETTLE, left_by
from bot.github.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.github.client import GitHub
    from bot.github.values import PullFacts, RepoRef


@dataclass(frozen=True, slots=True)
class OpenedPull:
    """The pull request of a branch, and whether this call made it.

    One that was there already may be closed or merged by now: `pull` says so.
    """

    pull: PullFacts
    made: bool


async def open_pull_once(
    github: GitHub,
    repo: RepoRef,
    *,
    head: str,
    head_sha: str,
    base: str,
    title: str,
    body: str,
    settle: float = SETTLE,
) -> OpenedPull:
    """Open the pull request from branch `head`, whose commit is `head_sha`, or find it.

    An open one is taken as it is. One that was closed or merged at this very commit is the
    outcome of an earlier try, and nothing more is made; with new commits, another one is.

    Args:
        github: Where to open it.
        repo: The repository of both branches.
        head: The branch to take in.
        head_sha: The commit it points to.
        base: The branch it goes to.
        title: One line.
        body: Markdown.
        settle: Seconds to wait after a write that may have taken place, before looking for it.

    Raises:
        GitHubError: It is not open, or that is not sure: try again, unless it is `Refused`.
    """

    async def look() -> OpenedPull | None:
        pulls = await github.pulls_by_head(repo, repo.owner, head)
        ours = [pull for pull in pulls if pull.head_repository_id == repo.repository_id]
        found = choose(ours, head_sha=head_sha, base=base)
        return None if found is None else OpenedPull(found, made=False)

    if found := await look():
        return found
    try:
        made = await github.create_pull(repo, title=title, head=head, base=base, body=body)
    except Refused as refused:
        # Somebody may have been faster.
        if refused.status == HTTPStatus.UNPROCESSABLE_ENTITY and (found := await look()):
            return found
        raise
    except Unavailable as unsure:
        return await left_by(unsure, look, github.clock, settle)
    return OpenedPull(made, made=True)


def choose(pulls: Sequence[PullFacts], *, head_sha: str, base: str) -> PullFacts | None:
    """Which of a branch's pull requests, newest first, is the one to be opened; None for none."""
    still_open = [pull for pull in pulls if pull.state == "open"]
    same_base = [pull for pull in still_open if pull.base_ref == base]
    ended_here = [pull for pull in pulls if pull.head_sha == head_sha]
    return next(iter([*same_base, *still_open, *ended_here]), None)
