"""Accounts, repositories and installations: the ground the rest of the offline GitHub stands on."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from simulator.model import Installation, Repository, User
from simulator.repositories import GitRepository
from simulator.shapes import accounts
from simulator.shapes import repositories as shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from simulator.hooks import Hooks
    from simulator.model import AccountKind, AppIdentity, PullRequest
    from simulator.shapes import Json, Site

# These reach an App whatever it has subscribed to.
ALWAYS_SENT = ("installation", "installation_repositories", "github_app_authorization", "ping")


def utc_now() -> datetime:
    """Read the clock of the machine."""
    return datetime.now(UTC)


class Hosting:
    """Accounts, repositories and installations, and what people do with them.

    Every change that GitHub tells an App about is sent to its webhook.

    Attributes:
        now: the clock; replace it to travel.
        users: accounts by lower-case login.
        repositories: every repository ever made, by id.
        installations: every installation ever made, by id.
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
        folder = self._folder / f"{(number := self.next_id())}.git"
        repository = self._register(
            number,
            account,
            name,
            private,
            default_branch,
            GitRepository.create(folder, default_branch),
        )
        repository.commit(default_branch, files or {"README.md": f"# {name}\n"}, "First commit")
        return repository

    def _register(
        self,
        number: int,
        owner: User,
        name: str,
        private: bool,  # noqa: FBT001 - one of the repository's plain facts, handed through
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
            number,
            self.add_user(owner),
            repository.name,
            repository.private,
            repository.default_branch,
            git,
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

    def refresh_pull(self, pull: PullRequest) -> None:
        """Let a pull request follow its branches."""
        raise NotImplementedError

    # --- what happens to repositories

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

    # --- installations

    def installation_of(self, repository: Repository) -> Installation | None:
        """Return the installation that covers a repository."""
        for installation in self.installations.values():
            if not installation.deleted and installation.covers(repository):
                return installation
        return None

    def install(
        self, *repositories: Repository, permissions: Mapping[str, str] | None = None
    ) -> Installation:
        """Install the App on repositories of one owner, or add them to its installation there.

        Args:
            repositories: what the App may touch.
            permissions: what the owner grants, the App's own wishes if not given.
        """
        owner = repositories[0].owner
        for installation in self.installations.values():
            if installation.account == owner and not installation.deleted:
                self._add_repositories(installation, repositories)
                return installation
        made = Installation(
            id=self.next_id(),
            account=owner,
            repositories=list(repositories),
            permissions=dict(self.app.permissions if permissions is None else permissions),
            created_at=self.now(),
            updated_at=self.now(),
        )
        self.installations[made.id] = made
        names = [shape.repository_name(repository) for repository in repositories]
        self._emit_installation(made, "created", repositories=names, requester=None)
        return made

    def _add_repositories(
        self, installation: Installation, repositories: tuple[Repository, ...]
    ) -> None:
        new = [one for one in repositories if not installation.covers(one)]
        installation.repositories += new
        if new:
            self._emit_repositories(installation, "added", added=new)

    def remove_repository(self, installation: Installation, repository: Repository) -> None:
        """Take a repository away from an installation."""
        installation.repositories.remove(repository)
        self._emit_repositories(installation, "removed", removed=[repository])

    def suspend(self, installation: Installation) -> None:
        """Suspend an installation: its tokens stop working."""
        installation.suspended_at = self.now()
        installation.suspended_by = self._person_of(installation)
        self._emit_installation(installation, "suspend", repositories=[])

    def unsuspend(self, installation: Installation) -> None:
        """Let a suspended installation work again."""
        installation.suspended_at = installation.suspended_by = None
        self._emit_installation(installation, "unsuspend", repositories=[])

    def uninstall(self, installation: Installation) -> None:
        """Remove the App from an account."""
        names = [shape.repository_name(repository) for repository in installation.repositories]
        self._emit_installation(installation, "deleted", repositories=names)
        installation.deleted = True
        installation.repositories.clear()

    def _person_of(self, installation: Installation) -> User:
        return (
            self.site.app_owner
            if installation.account.kind == "Organization"
            else installation.account
        )

    # --- telling the App

    def emit(
        self, event: str, action: str, repository: Repository, sender: User, **facts: Any
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

    def _emit_installation(self, installation: Installation, action: str, **facts: Any) -> None:
        payload: Json = {
            "action": action,
            "installation": accounts.installation(self.site, installation),
            **facts,
            "sender": accounts.user(self.site, self._person_of(installation)),
        }
        self.hooks.emit("installation", payload)

    def _emit_repositories(
        self,
        installation: Installation,
        action: str,
        added: list[Repository] | None = None,
        removed: list[Repository] | None = None,
    ) -> None:
        payload: Json = {
            "action": action,
            "installation": accounts.installation(self.site, installation),
            "repository_selection": "selected",
            "repositories_added": [shape.repository_name(one) for one in added or []],
            "repositories_removed": [shape.repository_name(one) for one in removed or []],
            "requester": None,
            "sender": accounts.user(self.site, self._person_of(installation)),
        }
        self.hooks.emit("installation_repositories", payload)

    def ping(self) -> None:
        """Send the event that an App's webhook gets first."""
        hook = {
            "type": "App",
            "id": self.app.app_id + 1,
            "name": "web",
            "active": True,
            "app_id": self.app.app_id,
            "events": list(self.app.events),
            "config": {"content_type": "json", "insecure_ssl": "0", "url": self.hooks.url or ""},
            "created_at": "2017-05-22T00:00:00Z",
            "updated_at": "2017-05-22T00:00:00Z",
            "deliveries_url": f"{self.site.api}/app/hook/deliveries",
        }
        self.hooks.emit(
            "ping", {"zen": "Keep it logically awesome.", "hook_id": hook["id"], "hook": hook}
        )
