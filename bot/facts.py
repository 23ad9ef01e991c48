"""What a decision must know of GitHub, asked before it is made."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from bot.asked import Asked, asked_in
from bot.discussion import Discussion
from bot.github.client import GitHub
from bot.github.errors import NotText, Refused
from bot.github.values import RepoRef
from bot.triggers import Triggers
from handlers.approval import pick_awaiting
from handlers.apps import app_of, role_of_app
from handlers.circumstances import Circumstances, PullFacts
from handlers.commands import Command, Misuse, Role
from handlers.deliveries import Asking, ReviewSubmitted
from handlers.on_command import pick_retry, pick_told
from handlers.repo_config import ConfigProblem, RepoConfig, parse_config
from handlers.reviews import review_message
from handlers.task import Task
from storage import Store

CONFIG = ".github/bellhop.yml"
Config = RepoConfig | tuple[ConfigProblem, ...]
"""What the file says, or what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Asks GitHub, and where a retry is meant, the database."""

    github: GitHub
    store: Store
    triggers: Triggers

    @property
    def discussion(self) -> Discussion:
        """What was said where something is asked for."""
        return Discussion(self.github, self.store)

    async def about(
        self, written: Asking, command: Command | Misuse, config: Config | None = None
    ) -> Circumstances:
        """Everything that the decision about a command needs.

        Args:
            written: Where it was asked for.
            command: What is asked for.
            config: The repository's file, where it was read for this already.

        Raises:
            GitHubError: GitHub did not say.
        """
        asked = asked_in(written)
        role, config = await self._role_and_config(asked.repo, written, command.name, config)
        known = _known(asked, role, config)
        if role < Role.TRIAGE or not isinstance(config, RepoConfig):
            return known
        if isinstance(command, Misuse) or not _may_begin_work(command, config):
            return known
        if command.name == "approve":
            return await self._about_approval(written, command, asked, known, config)
        task = await self._meant(written, command)
        found = await self._about_work(asked, task, known, config, command.options.base)
        # An App's text may be anybody's: many repeat what strangers wrote.
        return replace(found, outsiders=found.outsiders or app_of(written) is not None)

    async def about_review(self, review: ReviewSubmitted, task: Task) -> tuple[Circumstances, str]:
        """Everything that the decision about a review of a task's pull request needs.

        Returns:
            What GitHub says of the place, and what the review says; nothing for who may not write.

        Raises:
            GitHubError: GitHub did not say.
        """
        asked = replace(asked_in(review), review=None)  # it is the prompt, and no material
        who = review.sender
        role, config = await asyncio.gather(
            self.github.role(asked.repo, who.login, who.id), self.config(asked.repo)
        )
        known = _known(asked, role, config)
        if role < Role.WRITE:
            return known, ""
        remarks = await self.discussion.remarks(review)
        if isinstance(config, RepoConfig):
            known = await self._about_work(asked, task, known, config, None)
        return known, review_message(review, remarks)

    async def about_request(
        self, asked: Asked, role: Role, *, base: str | None = None, task: Task | None = None
    ) -> Circumstances:
        """Everything that the decision about a program's request needs.

        Args:
            asked: Where, by whom and when.
            role: What the person may do there.
            base: The branch that the work is to start from, where one is named.
            task: The task that a new attempt is asked for; None for a new task.

        Raises:
            GitHubError: GitHub did not say.
        """
        config = await self.config(asked.repo)
        known = _known(asked, role, config)
        if not isinstance(config, RepoConfig):
            return known
        return await self._about_work(asked, task, known, config, base)

    async def _about_approval(
        self,
        written: Asking,
        command: Command,
        asked: Asked,
        known: Circumstances,
        config: RepoConfig,
    ) -> Circumstances:
        """As if who approves had written the command there and then."""
        there = await self.store.awaiting(written.repository.id, written.subject.number)
        task = pick_awaiting(there, command.task)
        if task is None or task.awaiting is None:
            return known
        origin = task.origin
        asked = replace(asked, approved=origin.id if origin.kind == "comment" else None)
        return await self._about_work(asked, None, known, config, task.awaiting.options.base)

    async def _about_work(
        self,
        asked: Asked,
        task: Task | None,
        known: Circumstances,
        config: RepoConfig,
        base: str | None,
    ) -> Circumstances:
        pull, missing, head, told = await asyncio.gather(
            self._pull(asked),
            self._is_missing(asked.repo, base),
            self._head(asked.repo, task),
            self.discussion.told(asked, task, everyone=config.context == "everyone"),
        )
        heads = {task.branches.name: head} if task and task.branches.name else {}
        return Circumstances(
            role=known.role,
            config=config,
            default_branch=known.default_branch,
            archived=known.archived,
            pull=pull,
            context=told.text,
            outsiders=told.outsiders,
            base_missing=missing,
            branch_heads=heads,
        )

    async def _role_and_config(
        self, repo: RepoRef, written: Asking, name: str, config: Config | None
    ) -> tuple[Role, Config]:
        """What a writer may do, and the settings; of an App the latter say the former."""
        if app := app_of(written):
            config = await self.config(repo) if config is None else config
            return role_of_app(config, app, name), config
        ask_role = self.github.role(repo, written.sender.login, written.sender.id)
        if config is not None:
            return await ask_role, config
        return await asyncio.gather(ask_role, self.config(repo))

    async def config(self, repo: RepoRef) -> Config:
        """What the repository's file says now, or what is wrong with it.

        Raises:
            GitHubError: GitHub did not say.
        """
        config = await settings_of(self.github, repo)
        await self.triggers.note(repo.repository_id, config)
        return config

    async def _meant(self, written: Asking, command: Command) -> Task | None:
        """The task of which there may be a new attempt."""
        if command.name not in {"retry", "tell"}:
            return None
        repository = written.repository.id
        tasks = await self.store.tasks_of_issue(repository, written.subject.number)
        if command.name == "tell":
            return pick_told(tasks)
        named = await self.store.named(repository, command.task) if command.task else None
        return pick_retry(tasks, named, command)

    async def _pull(self, asked: Asked) -> PullFacts | None:
        repo, subject = asked.repo, asked.subject
        if subject is None or not subject.is_pull_request:
            return None
        pull = await self.github.pull(repo, subject.number)
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


async def settings_of(github: GitHub, repo: RepoRef) -> Config:
    """A repository's settings as they are now, or what is wrong with them.

    Raises:
        GitHubError: GitHub did not say.
    """
    try:
        text = await github.file(repo, CONFIG)
    except NotText as problem:
        return (ConfigProblem(1, "", f"The file cannot be read: {problem.message}."),)
    return parse_config(text or "")


def _may_begin_work(command: Command, config: RepoConfig) -> bool:
    kind = config.kind_of(command.name)
    return command.name in {"retry", "tell", "approve"} or (kind is not None and kind.makes_task)


def _known(asked: Asked, role: Role, config: Config) -> Circumstances:
    return Circumstances(
        role=role,
        config=config,
        default_branch=asked.default_branch,
        archived=asked.archived,
    )
