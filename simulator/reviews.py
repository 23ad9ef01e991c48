"""Reviews of pull requests, with comments on lines of the change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from simulator.model import Review, ReviewComment
from simulator.shapes import reviews as shape
from simulator.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.model import PullRequest, ReviewState, User

_HEADER = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")


class NotInDiffError(ValueError):
    """A comment on a line that the pull request does not show."""


class Reviews(Threads):
    """What people say about a change."""

    def review(
        self,
        pull: PullRequest,
        *,
        author: str | User,
        body: str | None = None,
        state: ReviewState = "commented",
        comments: Sequence[tuple[str, int, str]] = (),
    ) -> Review:
        """Submit a review; `comments` are (path, line after the change, body).

        Raises:
            NotInDiffError: there is no such line in what the pull request changes.
        """
        user, now = self._who(author), self.now()
        made = Review(
            id=self.next_id(),
            pull=pull,
            user=user,
            body=body,
            state=state,
            commit_id=pull.head_sha,
            submitted_at=now,
        )
        for path, line, text in comments:
            hunk = self._hunk(pull, path, line)
            made.comments.append(
                ReviewComment(
                    id=self.next_id(),
                    review=made,
                    path=path,
                    line=line,
                    diff_hunk=hunk,
                    body=text,
                    created_at=now,
                    updated_at=now,
                )
            )
        pull.reviews.append(made)
        pull.updated_at = now
        self.emit(
            "pull_request_review",
            "submitted",
            pull.repository,
            user,
            review=shape.review_in_webhook(self.site, made),
            pull_request=shape.pull(self.site, pull),
        )
        return made

    def _hunk(self, pull: PullRequest, path: str, line: int) -> str:
        """The part of the change around a line, down to it."""
        git = pull.repository.git
        start = git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
        hunk: list[str] = []
        there = 0
        for row in git.diff(start, pull.head_sha, path).splitlines():
            if header := _HEADER.match(row):
                hunk, there = [row], int(header[1]) - 1
            elif hunk:
                hunk.append(row)
                there += row[:1] in " +"
                if there == line and row[:1] != "-":
                    return "\n".join(hunk)
        raise NotInDiffError(f"{path} has no line {line} in this change")
