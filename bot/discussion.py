"""What was said on an issue or a pull request, for whoever works on it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from bot.asked import Asked, asked_in
from bot.github.client import GitHub
from bot.github.values import CommentFacts, RepoRef
from handlers.commands import Role
from handlers.context import IssueText, Remark, Told, build_context
from handlers.deliveries import ReviewSubmitted
from handlers.github_objects import Actor, Subject
from handlers.reviews import ReviewRemark, review_section
from handlers.task import Task
from storage import Store

MOST_AUTHORS = 30
"""Of how many people in a discussion GitHub is asked what they may do; the others are left out."""


@dataclass(frozen=True, slots=True)
class Discussion:
    """Asks GitHub for what was said, and the database whose pull request it is."""

    github: GitHub
    store: Store

    async def subject(self, repo: RepoRef, number: int) -> Subject | None:
        """The issue or pull request of a number; None: there is none.

        Raises:
            GitHubError: GitHub did not say.
        """
        found = await self.github.issue(repo, number)
        if found is None:
            return None
        author = found.author
        return Subject(
            number=found.number,
            id=found.id,
            title=found.title,
            body=found.body,
            author=Actor(id=author.id, login=author.login, type=author.type) if author else None,
            is_pull_request=found.is_pull_request,
            state=found.state,
            url=found.url,
        )

    async def told(self, asked: Asked, task: Task | None, *, everyone: bool) -> Told:
        """What was said where something is asked for.

        On the pull request that came of an issue: after what was said on the issue. Nothing for
        who is at work: an attempt that follows on this one at once is told what this one was.

        Raises:
            GitHubError: GitHub did not say.
        """
        if task is not None and not task.ended:
            return Told("", outsiders=False)
        here = self._context(asked, everyone=everyone)
        number = task.where.number if task else None
        if number is None or asked.subject is None or number == asked.subject.number:
            return await here
        subject = await self.subject(asked.repo, number)
        issue = replace(asked, subject=subject, leave_out=None, review=None)
        both = await asyncio.gather(self._context(issue, everyone=everyone), here)
        text = "\n\n".join(one.text for one in both if one.text)
        return Told(text, outsiders=any(one.outsiders for one in both))

    async def _context(self, asked: Asked, *, everyone: bool) -> Told:
        subject = asked.subject
        if subject is None:
            return Told("", outsiders=False)
        comments = await self.github.comments(asked.repo, subject.number)
        others = [one for one in comments if one.id not in {asked.leave_out, asked.approved}]
        roles = await self._roles(asked.repo, subject, others)
        author = subject.author
        issue = IssueText(
            number=subject.number,
            title=subject.title,
            body=subject.body,
            author=author.login if author else "ghost",
            author_role=roles.get(author.id, Role.NONE) if author else Role.NONE,
            is_pull_request=subject.is_pull_request,
            own=await self._is_own(asked.repo, subject),
        )
        return build_context(
            issue,
            [_remark(one, roles) for one in others],
            everyone=everyone,
            asked_at=asked.at,
            asked_by=asked.leave_out,
            review=await self._section(asked.review),
        )

    async def _is_own(self, repo: RepoRef, subject: Subject) -> bool:
        """Whether Bellhop opened a pull request, for tasks that saw no text of outsiders."""
        if not (subject.is_pull_request and subject.author and subject.author.is_bot):
            return False
        tasks = await self.store.tasks_of_issue(repo.repository_id, subject.number)
        came_of = (one.pull for one in tasks if one.where.number != subject.number)
        opened = any(pull and pull.number == subject.number for pull in came_of)
        return opened and not any(one.outsiders and not one.awaiting for one in tasks)

    async def _section(self, review: ReviewSubmitted | None) -> str:
        return "" if review is None else review_section(review, await self.remarks(review))

    async def remarks(self, review: ReviewSubmitted) -> list[ReviewRemark]:
        """The comments that a review holds.

        Raises:
            GitHubError: GitHub did not say.
        """
        repo = asked_in(review).repo
        found = await self.github.review_comments(repo, review.subject.number, review.source_id)
        return [
            ReviewRemark(one.path, one.line, one.diff_hunk, one.body, one.updated_at)
            for one in found
        ]

    async def _roles(
        self, repo: RepoRef, subject: Subject, comments: list[CommentFacts]
    ) -> dict[int, Role]:
        """What the people of a discussion may do, by their ids, the latest to speak first.

        Who has taken the login of a person that went away has that person's role nowhere.
        """
        people = [(one.author_id, one.author_login) for one in reversed(comments) if not one.is_bot]
        author = subject.author
        if author and not author.is_bot:
            people.insert(0, (author.id, author.login))
        few = list(dict(people).items())[:MOST_AUTHORS]
        roles = await asyncio.gather(*(self.github.role(repo, login, id_) for id_, login in few))
        return {id_: role for (id_, _), role in zip(few, roles, strict=True)}


def _remark(comment: CommentFacts, roles: dict[int, Role]) -> Remark:
    return Remark(
        author=comment.author_login,
        role=roles.get(comment.author_id, Role.NONE),
        created_at=comment.created_at,
        updated_at=comment.updated_at,
        body=comment.body,
        is_bot=comment.is_bot,
        id=comment.id,
    )
