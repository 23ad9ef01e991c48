"""Accounts and repositories: the ground the rest of the offline GitHub stands on."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from simulator.model import Repository, Role, User
from simulator.repositories import GitRepository
from simulator.shapes import accounts
from simulator.shapes import repositories as shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from simulator.hooks import Hooks
    from simulator.model import (
        AccountKind,
        AppIdentity,
        Installation,
        MemberRole,
        PullRequest,
    )
    from simulator.shapes import Json, Site


def utc_now() -> datetime:
    """Read the clock of the machine."""
    return datetime.now(UTC)


class Hosting(ABC):
    """Accounts and repositories, and what people do with them.

    Every change that GitHub tells an App about is sent to its webhook.

    Attributes:
        now: the clock; replace it to travel.
        users: accounts by lower-case login.
        repositories: every repository ever made, by id.
        installations: every installation ever made, by id.
        callback_urls: where the App may send people back to after they have signed in.
    """

    def __init__(
        self, *, folder: Path, site: Site, hooks: Hooks, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.now = now
        self.site = site
        self.hooks = hooks
        self.users: dict[str, User] = {}
        self.repositories: dict[int, Repository] = {}
        self.installations: dict[int, Installation] = {}
        self.callback_urls: list[str] = []
        self._members: dict[tuple[int, int], MemberRole] = {}
        self._folder = folder
        self._ids = itertools.count(100_001)
        self._former_names: dict[str, int] = {}
        self._add_account(User(site.app.bot_user_id, site.app.bot_login, "Bot"))
        self._add_account(site.app_owner)

    @property
    def app(self) -> AppIdentity:
        """The App, with its keys and secrets."""
        return self.site.app

    @property
    def bot(self) -> User:
        """The account that acts for the App."""
        return self.users[self.app.bot_login]

    def next_id(self) -> int:
        """Return a number no other thing has."""
        return next(self._ids)

    def _add_account(self, account: User) -> User:
        self.users[account.login.lower()] = account
        return account

    def add_user(self, login: str, kind: AccountKind = "User") -> User:
        """Make an account, or return the one there is."""
        return self.users.get(login.lower()) or self._add_account(User(self.next_id(), login, kind))

    def user(self, login: str) -> User:
        """Return an account.

        Raises:
            LookupError: there is none.
        """
        try:
            return self.users[login.lower()]
        except KeyError:
            raise LookupError(f"no account {login!r}: make it with add_user") from None

    def add_member(self, organization: str, login: str, role: MemberRole = "member") -> None:
        """Let a person be in an organization."""
        place = (self.add_user(organization, "Organization").id, self.add_user(login).id)
        self._members[place] = role

    def membership(self, organization: User, person: User) -> MemberRole | None:
        """Return a person's role in an organization; None for those who are not in it."""
        return self._members.get((organization.id, person.id))

    def organizations_of(self, person: User) -> list[User]:
        """Return the organizations that a person is in."""
        return [one for one in self.users.values() if self.membership(one, person) is not None]

    def may_see(self, person: User, repository: Repository) -> bool:
        """Tell whether a person may read a repository."""
        return not repository.deleted and self.role_of(person, repository).includes("read")

    def role_of(self, person: User, repository: Repository) -> Role:
        """Return the strongest role a person has in a repository: owners of its owner have all."""
        if self.membership(repository.owner, person) == "admin":
            return Role("admin", "admin")
        return repository.role(person)

    def add_repository(
        self,
        full_name: str,
        files: Mapping[str, str | bytes | None] | None = None,
        *,
        private: bool = False,
        default_branch: str = "main",
    ) -> Repository:
        """Make a repository with a first commit; an unknown owner becomes an organization."""
        owner, _, name = full_name.partition("/")
        account = self.add_user(owner, "Organization")
        number = self.next_id()
        repository = self._register(
            number=number,
            owner=account,
            name=name,
            private=private,
            default_branch=default_branch,
            git=GitRepository.create(self._folder / f"{number}.git", default_branch),
        )
        repository.commit(default_branch, files or {"README.md": f"# {name}\n"}, "First commit")
        return repository

    def _register(
        self,
        *,
        number: int,
        owner: User,
        name: str,
        private: bool,
        default_branch: str,
        git: GitRepository,
    ) -> Repository:
        made = Repository(
            id=number,
            owner=owner,
            name=name,
            private=private,
            default_branch=default_branch,
            created_at=self.now(),
            git=git,
            changed=self.branches_changed,
        )
        self.repositories[number] = made
        return made

    def fork(self, repository: Repository, owner: str) -> Repository:
        """Fork a repository to an account."""
        number = self.next_id()
        git = repository.git.fork(self._folder / f"{number}.git")
        copy = self._register(
            number=number,
            owner=self.add_user(owner),
            name=repository.name,
            private=repository.private,
            default_branch=repository.default_branch,
            git=git,
        )
        copy.parent = repository
        return copy

    def find(self, full_name: str) -> Repository | None:
        """Find a repository by its present name, or by one it had."""
        wanted = full_name.lower()
        for repository in self.repositories.values():
            if repository.full_name.lower() == wanted and not repository.deleted:
                return repository
        former = self.repositories.get(self._former_names.get(wanted, 0))
        return None if former is None or former.deleted else former

    def branches_changed(self, repository: Repository) -> None:
        """Bring the pull requests up to date after commits arrived in a repository."""
        for other in self.repositories.values():
            for pull in other.pulls:
                if pull.state == "open" and repository in (other, pull.head_repository):
                    self.refresh_pull(pull)

    @abstractmethod
    def refresh_pull(self, pull: PullRequest) -> None:
        """Let a pull request follow its branches."""

    def rename_repository(self, repository: Repository, name: str) -> None:
        """Give a repository another name; the old one leads to it."""
        old = repository.name
        self._former_names[repository.full_name.lower()] = repository.id
        repository.name = name
        changes = {"repository": {"name": {"from": old}}}
        self.emit("repository", "renamed", repository, repository.owner, changes=changes)

    def archive_repository(self, repository: Repository) -> None:
        """Make a repository read-only."""
        repository.archived = True
        self.emit("repository", "archived", repository, repository.owner)

    def delete_repository(self, repository: Repository) -> None:
        """Delete a repository; the App is told, and loses it."""
        self.emit("repository", "deleted", repository, repository.owner)
        repository.deleted = True
        for installation in self.installations.values():
            if installation.covers(repository):
                installation.repositories.remove(repository)

    def protect_branch(self, repository: Repository, branch: str) -> None:
        """Protect a branch: nobody pushes to it directly any more."""
        repository.protected |= {branch}
        repository.git.protect(repository.protected)

    def installation_of(self, repository: Repository) -> Installation | None:
        """Return the installation that covers a repository."""
        for installation in self.installations.values():
            if not installation.deleted and installation.covers(repository):
                return installation
        return None

    def emit(
        self, event: str, action: str, repository: Repository, sender: User, **facts: object
    ) -> None:
        """Send an event about a repository, if the App is installed there and wants to know."""
        installation = self.installation_of(repository)
        if installation is None or installation.suspended_at or event not in self.app.events:
            return
        payload: Json = {
            "action": action,
            **facts,
            "repository": self._repository_in_webhook(repository),
            "sender": accounts.user(self.site, sender),
            "installation": accounts.installation_name(installation),
        }
        if repository.owner.kind == "Organization":
            payload["organization"] = accounts.organization(self.site, repository.owner)
        self.hooks.emit(event, payload, repository_id=repository.id)

    def _repository_in_webhook(self, repository: Repository) -> Json:
        return {**shape.repository(self.site, repository), "custom_properties": {}}
