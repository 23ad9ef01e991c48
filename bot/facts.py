"""What a decision must know of GitHub, asked before it is made."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.github.client import GitHub
from bot.github.errors import NotText, Refused
from bot.github.values import CommentFacts, RepoRef
from handlers.commands import Command, Misuse, Role
from handlers.context import Earlier, IssueText, Remark, build_context
from handlers.deliveries import TextWritten
from handlers.events import Circumstances, PullFacts
from handlers.on_command import pick_retry
from handlers.repo_config import ConfigProblem, RepoConfig, parse_config
from handlers.task import Task
from storage import Store

CONFIG = ".github/bellhop.yml"
MOST_AUTHORS = 30
"""Of how many people in a discussion GitHub is asked what they may do; the others are left out."""


def repo_of(written: TextWritten) -> RepoRef:
    """The repository that a text was written in."""
    repository = written.repository
    return RepoRef(written.installation_id, repository.id, repository.full_name)


@dataclass(frozen=True, slots=True)
class Facts:
    """Asks GitHub, and where a retry is meant, the database."""

    github: GitHub
    store: Store

    async def about(self, written: TextWritten, command: Command | Misuse) -> Circumstances:
        """Everything that the decision about a command needs.

        Raises:
            GitHubError: GitHub did not say.
        """
        repo = repo_of(written)
        role, config = await asyncio.gather(
            self.github.role(repo, written.sender.login, written.sender.id), self._config(repo)
        )
        known = Circumstances(
            role=role,
            config=config,
            default_branch=written.repository.default_branch,
            archived=written.repository.archived,
        )
        if role < Role.TRIAGE or not isinstance(config, RepoConfig):
            return known
        if isinstance(command, Misuse) or command.name not in {"fix", "ask", "retry"}:
            return known
        return await self._about_work(written, command, known, config)

    async def _about_work(
        self, written: TextWritten, command: Command, known: Circumstances, config: RepoConfig
    ) -> Circumstances:
        repo = repo_of(written)
        task = await self._retried(written, command)
        pull, missing, head, context = await asyncio.gather(
            self._pull(repo, written),
            self._is_missing(repo, command.options.base),
            self._head(repo, task),
            self._context(written, task, everyone=config.context == "everyone"),
        )
        heads = {task.branches.name: head} if task and task.branches.name else {}
        return Circumstances(
            role=known.role,
            config=config,
            default_branch=known.default_branch,
            archived=known.archived,
            pull=pull,
            context=context,
            base_missing=missing,
            branch_heads=heads,
        )

    async def _config(self, repo: RepoRef) -> RepoConfig | tuple[ConfigProblem, ...]:
        try:
            text = await self.github.file(repo, CONFIG)
        except NotText as problem:
            return (ConfigProblem(1, "", f"The file cannot be read: {problem.message}."),)
        return parse_config(text or "")

    async def _retried(self, written: TextWritten, command: Command) -> Task | None:
        if command.name != "retry":
            return None
        repository = written.repository.id
        named = await self.store.named(repository, command.task) if command.task else None
        tasks = await self.store.tasks_of_issue(repository, written.subject.number)
        return pick_retry(tasks, named, command)

    async def _pull(self, repo: RepoRef, written: TextWritten) -> PullFacts | None:
        if not written.subject.is_pull_request:
            return None
        pull = await self.github.pull(repo, written.subject.number)
        if pull is None:
            return None
        same = pull.head_repository_id == repo.repository_id
        branch = await self.github.branch(repo, pull.head_ref) if same else None
        return PullFacts(
            head=pull.head_ref,
            head_sha=pull.head_sha,
            same_repository=same,
            protected=branch.protected if branch else False,
            base=pull.base_ref,
            open=pull.state == "open",
        )

    async def _is_missing(self, repo: RepoRef, base: str | None) -> bool:
        if base is None:
            return False
        try:
            return await self.github.branch(repo, base) is None
        except Refused:  # a name that Git does not allow
            return True

    async def _head(self, repo: RepoRef, task: Task | None) -> str | None:
        if task is None or task.branches.name is None:
            return None
        branch = await self.github.branch(repo, task.branches.name)
        return branch.sha if branch else None

    async def _context(self, written: TextWritten, task: Task | None, *, everyone: bool) -> str:
        repo = repo_of(written)
        comments = await self.github.comments(repo, written.subject.number)
        others = [one for one in comments if one.id != written.source_id]
        roles = await self._roles(written, others)
        author = written.subject.author
        issue = IssueText(
            number=written.subject.number,
            title=written.subject.title,
            body=written.subject.body,
            author=author.login if author else "ghost",
            author_role=roles.get(author.login, Role.NONE) if author else Role.NONE,
            is_pull_request=written.subject.is_pull_request,
        )
        return build_context(
            issue,
            [_remark(one, roles) for one in others],
            await self._earlier(task),
            everyone=everyone,
            asked_at=written.written_at,
            asked_by=written.source_id if written.kind == "comment" else None,
        )

    async def _roles(self, written: TextWritten, comments: list[CommentFacts]) -> dict[str, Role]:
        """What the people of a discussion may do, the latest to speak first."""
        people = [one.author_login for one in reversed(comments) if not one.is_bot]
        author = written.subject.author
        if author and not author.is_bot:
            people.insert(0, author.login)
        logins = list(dict.fromkeys(people))[:MOST_AUTHORS]
        repo = repo_of(written)
        roles = await asyncio.gather(*(self.github.role(repo, login) for login in logins))
        return dict(zip(logins, roles, strict=True))

    async def _earlier(self, task: Task | None) -> list[Earlier]:
        if task is None:
            return []
        brief = await self.store.brief(task.id)
        attempts = brief.attempts if brief else ()
        return [Earlier(one.prompt, one.summary) for one in attempts]


def _remark(comment: CommentFacts, roles: dict[str, Role]) -> Remark:
    return Remark(
        author=comment.author_login,
        role=roles.get(comment.author_login, Role.NONE),
        created_at=comment.created_at,
        updated_at=comment.updated_at,
        body=comment.body,
        is_bot=comment.is_bot,
        id=comment.id,
    )
