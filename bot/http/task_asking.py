"""From what a program asks for to the event that is decided about."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from bot.asked import Asked
from bot.facts import Facts
from bot.github.errors import Refused
from bot.github.values import RepoRef, RepositoryFacts
from bot.http.answers import wrong_field
from bot.http.caller import Caller
from bot.http.lookups import looking_up
from bot.http.problems import Problem
from bot.http.task_requests import ENDINGS, NewTask
from bot.intake import NO_ACCESS
from bot.roles import Roles
from handlers import refusals
from handlers.circumstances import Circumstances
from handlers.commands import COMMANDS, Command, Options
from handlers.events import WorkRequested
from handlers.github_objects import Subject
from handlers.roles import Role
from handlers.values import Origin, Webhook, Where
from storage import Store
from storage.lists import Place

CheckUrl = Callable[[str, int], Awaitable[str | None]]
"""Looks whether a URL may be called for a person; says why not, None where it may."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True)
class _Target:
    """The repository that is meant, and what the caller may do there."""

    repo: RepoRef
    facts: RepositoryFacts
    role: Role


@dataclass(frozen=True, slots=True)
class TaskAsking:
    """Looks at everything that a new task needs."""

    store: Store
    roles: Roles
    facts: Facts
    check_url: CheckUrl
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    web_url: str

    async def event(self, caller: Caller, new: NewTask) -> WorkRequested:
        """The event of a body.

        Raises:
            Problem: 403 for a role that is too low, 422 for a field that is wrong, 503 where
                GitHub does not say.
        """
        target = await self._target(caller, new)
        kind = COMMANDS.get(new.command)  # a repository's own is looked at with its file
        if kind and target.role < kind.role:
            raise Problem(403, refusals.not_permitted(kind, target.role), code="forbidden")
        webhook = await self._webhook(caller, new)
        with looking_up():
            subject = await self._subject(target.repo, new)
            found = await self._found(caller, new, target, subject)
        return WorkRequested(
            task_id=self.new_id(),
            command=_command(new),
            where=_where(target.repo, subject),
            sender=caller.person,
            origin=Origin("web" if caller.key_id is None else "api", 0, 0, ""),
            found=found,
            webhook=webhook,
            metadata=new.metadata,
        )

    async def _webhook(self, caller: Caller, new: NewTask) -> Webhook | None:
        if new.webhook_url is None:
            if new.webhook_events is not None:
                raise wrong_field("webhookEvents", "Give a webhookUrl too: where to send them.")
            return None
        with looking_up():
            why = await self.check_url(new.webhook_url, caller.person.id)
        if why:
            raise wrong_field("webhookUrl", why)
        if not await self.store.people.webhook_secrets_of(caller.person.id):
            raise wrong_field(
                "webhookUrl",
                "You have no webhook secret to sign with. Make one first: "
                "POST /api/webhook-secrets, and keep what it answers.",
            )
        events = ENDINGS if new.webhook_events is None else tuple(new.webhook_events)
        return Webhook(new.webhook_url, events)

    async def _target(self, caller: Caller, new: NewTask) -> _Target:
        name = repository_name(new.repo_url, self.web_url)
        if name is None:
            raise wrong_field(
                "repoUrl", f"Give a repository as {self.web_url}/owner/name or owner/name."
            )
        with looking_up():
            located = await self.facts.github.locate(name)
        if located is None:
            raise _unreachable(name)
        with looking_up():
            facts = await repository_facts(self.facts, located)
        if facts is None:
            raise _unreachable(name)
        repo = RepoRef(located.installation_id, facts.id, facts.full_name)
        place = Place(repo.repository_id, repo.installation_id, repo.full_name)
        role = await self.roles.role(place, caller.person)
        if role < Role.READ:
            raise _unreachable(name)
        return _Target(repo, facts, role)

    async def _subject(self, repo: RepoRef, new: NewTask) -> Subject | None:
        number = new.issue_number
        if number is None:
            return None
        subject = await self.facts.discussion.subject(repo, number)
        if subject is None:
            raise wrong_field("issueNumber", f"{repo.full_name} has no issue {number}.")
        return subject

    async def _found(
        self, caller: Caller, new: NewTask, target: _Target, subject: Subject | None
    ) -> Circumstances:
        asked = Asked(
            repo=target.repo,
            default_branch=target.facts.default_branch,
            archived=target.facts.archived,
            login=caller.person.login,
            at=self.clock(),
            subject=subject,
        )
        return await self.facts.about_request(asked, target.role, base=new.branch)


def repository_name(text: str, web_url: str) -> str | None:
    """The `owner/name` that a `repoUrl` means; None if it means none."""
    base = f"{web_url.rstrip('/')}/"
    if text[: len(base)].lower() == base.lower():
        text = text[len(base) :]
    name = text.removesuffix("/").removesuffix(".git")
    if _NAME.fullmatch(name) is None or not {".", ".."}.isdisjoint(name.split("/")):
        return None
    return name


async def repository_facts(facts: Facts, repo: RepoRef) -> RepositoryFacts | None:
    """A repository as it is now; None where the App may not see it any more.

    Raises:
        GitHubError: GitHub did not say.
    """
    try:
        return await facts.github.repository(repo)
    except Refused as error:
        if error.status in NO_ACCESS:
            return None
        raise


def _unreachable(name: str) -> Problem:
    """One answer for what is not there, not installed, and not readable for the caller."""
    return wrong_field(
        "repoUrl",
        f"There is no repository {name} that you can read and this Bellhop is installed on. "
        "Check its spelling, or install the GitHub App on it.",
    )


def _command(new: NewTask) -> Command:
    options = Options(
        agent=new.agent,
        model=new.model,
        base=new.branch,
        time_limit=new.time_limit,
        max_cost=new.max_cost,
    )
    return Command(new.command, new.prompt, options, None, 0, addressed=True)


def _where(repo: RepoRef, subject: Subject | None) -> Where:
    return Where(
        installation_id=repo.installation_id,
        repository_id=repo.repository_id,
        repository=repo.full_name,
        number=subject.number if subject else None,
        is_pull_request=subject.is_pull_request if subject else False,
        title=subject.title if subject else "",
    )
