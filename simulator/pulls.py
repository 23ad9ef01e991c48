"""Pull requests, on top of issues and repositories: the whole offline GitHub without its server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from simulator.model import Issue, PullRequest
from simulator.reviews import Reviews
from simulator.shapes import threads as shape

if TYPE_CHECKING:
    from simulator.model import Repository, User

# docs.github.com: "Linking a pull request to an issue", the supported keywords.
CLOSING = re.compile(
    r"\b(?:close[sd]?|fix(?:es|ed)?|resolve[sd]?):?\s+(?:(?P<repository>[\w.-]+/[\w.-]+))?#(?P<number>\d+)",
    re.IGNORECASE,
)


class NoPullRequestError(Exception):
    """A pull request cannot be opened like this; the text is GitHub's."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class World(Reviews):
    """Everything people and the App do on the offline GitHub."""

    def open_pull(
        self,
        repository: Repository,
        *,
        author: str | User,
        head: str,
        base: str | None = None,
        from_fork: Repository | None = None,
        title: str | None = None,
        body: str | None = None,
        draft: bool = False,
    ) -> PullRequest:
        """Open a pull request from a branch of this repository or of a fork.

        Raises:
            NoPullRequestError: a branch is missing, nothing differs, or there is one already.
        """
        source, base = from_fork or repository, base or repository.default_branch
        head_sha, base_sha = self._check(repository, source, head, base)
        user, now = self._who(author), self.now()
        made = PullRequest(
            id=self.next_id(),
            pull_id=self.next_id(),
            number=self.next_number(repository),
            repository=repository,
            user=user,
            title=title or f"Merge {head}",
            body=body,
            created_at=now,
            updated_at=now,
            head_repository=source,
            head_branch=head,
            base_branch=base,
            head_sha=head_sha,
            base_sha=base_sha,
            draft=draft,
        )
        repository.threads[made.number] = made
        self._emit_pull("opened", made, user)
        return made

    def _check(
        self, repository: Repository, source: Repository, head: str, base: str
    ) -> tuple[str, str]:
        base_sha = repository.git.resolve(f"refs/heads/{base}")
        if base_sha is None:
            raise NoPullRequestError("invalid", "base")
        if source.deleted or source.git.resolve(f"refs/heads/{head}") is None:
            raise NoPullRequestError("invalid", "head")
        for other in repository.pulls:
            if other.state == "open" and other.joins(source, head, base):
                raise NoPullRequestError(f"A pull request already exists for {other.head_label}.")
        # Also brings a fork's objects here, so that the two sides can be compared.
        ref = f"refs/pull/{self.next_number(repository)}/head"
        repository.git.fetch(source.git, f"refs/heads/{head}", ref)
        head_sha = repository.git.text("rev-parse", ref)
        if repository.git.count(base_sha, head_sha) == 0:
            repository.git.delete_ref(ref)
            raise NoPullRequestError(f"No commits between {base} and {head}")
        return head_sha, base_sha

    def refresh_pull(self, pull: PullRequest) -> None:
        """Let an open pull request follow its branches; without its branch it closes."""
        git, source = pull.repository.git, pull.head_repository
        pull.base_sha = git.resolve(f"refs/heads/{pull.base_branch}") or pull.base_sha
        before, after = pull.head_sha, source.git.resolve(f"refs/heads/{pull.head_branch}")
        if after is None:
            self.close_pull(pull)
        if after is None or after == before:
            return
        git.fetch(source.git, f"refs/heads/{pull.head_branch}", f"refs/pull/{pull.number}/head")
        pull.head_sha = after
        pull.updated_at = self.now()
        self._emit_pull("synchronize", pull, pull.user, before=before, after=after)

    def close_pull(self, pull: PullRequest, author: str | User | None = None) -> None:
        """Close a pull request without merging it, by its author unless told otherwise."""
        user = self._who(author or pull.user)
        pull.state, pull.closed_by = "closed", user
        pull.closed_at = pull.updated_at = self.now()
        self._emit_pull("closed", pull, user)

    def reopen_pull(self, pull: PullRequest, author: str | User | None = None) -> None:
        """Open a closed pull request again.

        Raises:
            NoPullRequestError: its branch is gone.
        """
        if pull.head_repository.git.resolve(f"refs/heads/{pull.head_branch}") is None:
            raise NoPullRequestError(f"The {pull.head_branch} branch has been deleted.", "state")
        pull.state, pull.closed_at, pull.closed_by = "open", None, None
        pull.updated_at = self.now()
        self.refresh_pull(pull)
        self._emit_pull("reopened", pull, self._who(author or pull.user))

    def merge_pull(self, pull: PullRequest, author: str | User) -> str:
        """Merge a pull request, close what it says it closes, and return the merge commit.

        Raises:
            simulator.repositories.GitError: the two sides conflict.
        """
        user = self._who(author)
        message = f"Merge pull request #{pull.number} from {pull.head_label}\n\n{pull.title}"
        person = f"{user.login} <{user.login}@users.noreply.example.com>"
        sha = pull.repository.git.merge(pull.base_branch, pull.head_sha, message, person)
        pull.merge_commit_sha, pull.merged_by, pull.merged_at = sha, user, self.now()
        self.close_pull(pull, user)
        for issue in self.closing_references(pull):
            if issue.state == "open":
                self.close_issue(issue, user)
        self.branches_changed(pull.repository)
        return sha

    def closing_references(self, pull: PullRequest) -> list[Issue]:
        """Return the issues a pull request closes when merged: only towards the default branch."""
        repository = pull.repository
        if pull.base_branch != repository.default_branch:
            return []
        found: list[Issue] = []
        for match in CLOSING.finditer(pull.body or ""):
            place = self.find(match["repository"]) if match["repository"] else repository
            issue = place.threads.get(int(match["number"])) if place else None
            if issue and not isinstance(issue, PullRequest) and issue not in found:
                found.append(issue)
        return found

    def closing_pulls(self, issue: Issue) -> list[PullRequest]:
        """Return the pull requests that say they close an issue."""
        pulls = [pull for place in self.repositories.values() for pull in place.pulls]
        return [pull for pull in pulls if issue in self.closing_references(pull)]

    def request_review(self, pull: PullRequest, reviewers: list[User]) -> None:
        """Ask accounts for a review."""
        pull.requested_reviewers += [
            one for one in reviewers if one not in pull.requested_reviewers
        ]
        pull.updated_at = self.now()

    def edit_pull(
        self, pull: PullRequest, title: str | None, body: str | None, base: str | None
    ) -> None:
        """Change a pull request's title, text or target; None leaves a field as it is."""
        pull.title = pull.title if title is None else title
        pull.body = pull.body if body is None else body
        pull.base_branch = base or pull.base_branch
        self.refresh_pull(pull)
        pull.updated_at = self.now()

    def _emit_pull(self, action: str, pull: PullRequest, sender: User, **facts: object) -> None:
        self.emit(
            "pull_request",
            action,
            pull.repository,
            sender,
            number=pull.number,
            pull_request=shape.full_pull(self.site, pull),
            **facts,
        )
