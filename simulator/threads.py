"""Issues, comments and reactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.installations import Installations
from simulator.model import Comment, Issue, Label, PullRequest, Reaction
from simulator.shapes import threads as shape

if TYPE_CHECKING:
    from simulator.model import ReactionContent, Repository, User


class Threads(Installations):
    """What people, and the App, do to issues and their comments.

    An `author` is a login, which becomes an account if there is none of that name, or an account.
    """

    def _who(self, author: str | User) -> User:
        return self.add_user(author) if isinstance(author, str) else author

    def next_number(self, repository: Repository) -> int:
        """Return the next number, shared by issues and pull requests."""
        return max(repository.threads, default=0) + 1

    def open_issue(
        self, repository: Repository, *, author: str | User, title: str, body: str | None = None
    ) -> Issue:
        """Open an issue."""
        user, now = self._who(author), self.now()
        made = Issue(
            id=self.next_id(),
            number=self.next_number(repository),
            repository=repository,
            user=user,
            title=title,
            body=body,
            created_at=now,
            updated_at=now,
        )
        repository.threads[made.number] = made
        self._emit_issue("opened", made, user)
        return made

    def close_issue(self, issue: Issue, author: str | User | None = None) -> None:
        """Close an issue, by its author unless told otherwise."""
        user = self._who(author or issue.user)
        issue.state, issue.closed_by = "closed", user
        issue.closed_at = issue.updated_at = self.now()
        self._emit_issue("closed", issue, user)

    def delete_issue(self, issue: Issue) -> None:
        """Delete an issue: its address answers 410 from now on."""
        self._emit_issue("deleted", issue, issue.repository.owner)
        issue.deleted = True

    def transfer_issue(self, issue: Issue, target: Repository) -> Issue:
        """Move an issue with its comments to another repository and return it there."""
        now = self.now()
        moved = Issue(
            id=self.next_id(),
            number=self.next_number(target),
            repository=target,
            user=issue.user,
            title=issue.title,
            body=issue.body,
            created_at=issue.created_at,
            updated_at=now,
        )
        target.threads[moved.number] = moved
        moved.comments, issue.comments = issue.comments, []
        for comment in moved.comments:
            comment.issue = moved
        issue.moved_to = moved
        sender = issue.repository.owner
        new = {
            "new_issue": shape.issue_in_webhook(self.site, moved),
            "new_repository": self._repository_in_webhook(target),
        }
        self._emit_issue("transferred", issue, sender, changes=new)
        old = {
            "old_issue": shape.issue_in_webhook(self.site, issue),
            "old_repository": self._repository_in_webhook(issue.repository),
        }
        self._emit_issue("opened", moved, sender, changes=old)
        return moved

    def comment(self, issue: Issue, *, author: str | User, body: str) -> Comment:
        """Comment on an issue or a pull request."""
        user, now = self._who(author), self.now()
        made = Comment(
            id=self.next_id(), issue=issue, user=user, body=body, created_at=now, updated_at=now
        )
        issue.comments.append(made)
        issue.updated_at = now
        self._emit_comment("created", made, user)
        return made

    def edit_comment(self, comment: Comment, body: str, author: str | User | None = None) -> None:
        """Change a comment's text, by its author unless told otherwise."""
        old, comment.body = comment.body, body
        comment.updated_at = self.now()
        sender = self._who(author or comment.user)
        self._emit_comment("edited", comment, sender, changes={"body": {"from": old}})

    def delete_comment(self, comment: Comment, author: str | User | None = None) -> None:
        """Delete a comment, by its author unless told otherwise."""
        comment.issue.comments.remove(comment)
        self._emit_comment("deleted", comment, self._who(author or comment.user))

    def react(
        self, target: Issue | Comment, *, author: str | User, content: ReactionContent
    ) -> tuple[Reaction, bool]:
        """Add a reaction and tell whether it is new: an account has one of each kind at most."""
        user = self._who(author)
        for reaction in target.reactions:
            if reaction.user == user and reaction.content == content:
                return reaction, False
        made = Reaction(id=self.next_id(), user=user, content=content, created_at=self.now())
        target.reactions.append(made)
        return made, True

    def label(self, issue: Issue, name: str, author: str | User) -> Label:
        """Put a label on an issue, which is made if there is none of that name."""
        user, known = self._who(author), issue.repository.labels
        made = known.setdefault(name.lower(), Label(self.next_id(), name))
        if made not in issue.labels:
            issue.labels.append(made)
            issue.updated_at = self.now()
            self._emit_label("labeled", issue, made, user)
        return made

    def unlabel(self, issue: Issue, label: Label, author: str | User) -> None:
        """Take a label off an issue."""
        issue.labels.remove(label)
        issue.updated_at = self.now()
        self._emit_label("unlabeled", issue, label, self._who(author))

    def find_comment(self, repository: Repository, number: int) -> Comment | None:
        """Find a comment by its id."""
        for issue in repository.threads.values():
            for comment in issue.comments:
                if comment.id == number and not issue.deleted:
                    return comment
        return None

    def _emit_issue(self, action: str, issue: Issue, sender: User, **facts: object) -> None:
        # An issues event never speaks of a pull request.
        if not isinstance(issue, PullRequest):
            described = shape.issue_in_webhook(self.site, issue)
            self.emit("issues", action, issue.repository, sender, issue=described, **facts)

    def _emit_label(self, action: str, issue: Issue, label: Label, sender: User) -> None:
        described = shape.label(self.site, issue.repository, label)
        self._emit_issue(action, issue, sender, label=described)

    def _emit_comment(self, action: str, comment: Comment, sender: User, **facts: object) -> None:
        self.emit(
            "issue_comment",
            action,
            comment.issue.repository,
            sender,
            issue=shape.issue_in_webhook(self.site, comment.issue),
            comment=shape.comment(self.site, comment),
            **facts,
        )
