"""What we do on GitHub. Nothing here is repeated: the caller knows how to do a thing once."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from bot.github.calls import MOVE_REFS, OPEN_PULLS, TALK, Calls, segments
from bot.github.errors import Refused
from bot.github.pace import Priority
from bot.github.shapes import Comment, Pull, parse
from bot.github.values import OnComment

if TYPE_CHECKING:
    from bot.github.values import OnIssue, PullFacts, Reaction, RepoRef, SaidComment


class Writing(Calls):
    """Writes. Each raises `GitHubError` where it fails.

    After `Unavailable` with `maybe_done` it may have taken place. Creating something waits for
    its turn in the installation's pace.
    """

    async def react(self, repo: RepoRef, target: OnComment | OnIssue, content: Reaction) -> None:
        """Add a reaction; one that is there already stays the only one."""
        if isinstance(target, OnComment):
            place = f"issues/comments/{target.comment_id}"
        else:
            place = f"issues/{target.number}"
        url = f"/repos/{repo.full_name}/{place}/reactions"
        data = {"content": content}
        await self._write(repo, TALK, "POST", url, data, priority=Priority.ACKNOWLEDGEMENT)

    async def comment(
        self, repo: RepoRef, number: int, body: str, *, priority: Priority
    ) -> SaidComment:
        """Comment on an issue or pull request; people are notified."""
        url = f"/repos/{repo.full_name}/issues/{number}/comments"
        answer = await self._write(repo, TALK, "POST", url, {"body": body}, priority=priority)
        return parse(Comment, answer.data, maybe_done=True).said()

    async def edit_comment(
        self,
        repo: RepoRef,
        comment_id: int,
        body: str,
        *,
        priority: Priority = Priority.EDIT,
    ) -> SaidComment:
        """Replace a comment's text; nobody is notified.

        Raises:
            GitHubError: `Limited` where an ordinary edit would have to wait for its turn.
        """
        url = f"/repos/{repo.full_name}/issues/comments/{comment_id}"
        answer = await self._write(repo, TALK, "PATCH", url, {"body": body}, priority=priority)
        return parse(Comment, answer.data, maybe_done=True).said()

    async def delete_comment(self, repo: RepoRef, comment_id: int) -> None:
        """Remove a comment; one that is gone already is fine."""
        try:
            await self._write(
                repo, TALK, "DELETE", f"/repos/{repo.full_name}/issues/comments/{comment_id}"
            )
        except Refused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    async def create_pull(
        self, repo: RepoRef, *, title: str, head: str, base: str, body: str
    ) -> PullFacts:
        """Open a pull request from branch `head` to branch `base` of the same repository."""
        url = f"/repos/{repo.full_name}/pulls"
        data = {"title": title, "head": head, "base": base, "body": body}
        answer = await self._write(repo, OPEN_PULLS, "POST", url, data, priority=Priority.FINAL)
        return parse(Pull, answer.data, maybe_done=True).facts()

    async def request_review(self, repo: RepoRef, number: int, login: str) -> None:
        """Ask someone to review a pull request; GitHub refuses its author and outsiders."""
        url = f"/repos/{repo.full_name}/pulls/{number}/requested_reviewers"
        data = {"reviewers": [login]}
        await self._write(repo, OPEN_PULLS, "POST", url, data, priority=Priority.LAUNCH)

    async def update_ref(self, repo: RepoRef, ref: str, sha: str, *, force: bool = False) -> None:
        """Let a ref such as `heads/main` point to another commit, forward only unless `force`."""
        url = f"/repos/{repo.full_name}/git/refs/{segments(ref)}"
        await self._write(repo, MOVE_REFS, "PATCH", url, {"sha": sha, "force": force})

    async def delete_ref(self, repo: RepoRef, ref: str) -> None:
        """Remove a ref such as `heads/main`; one that is gone already is fine."""
        try:
            await self._write(
                repo, MOVE_REFS, "DELETE", f"/repos/{repo.full_name}/git/refs/{segments(ref)}"
            )
        except Refused as error:
            if "reference does not exist" not in error.message.lower():
                raise
