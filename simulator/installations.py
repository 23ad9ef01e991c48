"""The App installed on accounts, suspended there, removed from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.hosting import Hosting
from simulator.model import Installation, User
from simulator.shapes import accounts
from simulator.shapes import repositories as shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.model import AppIdentity, Repository
    from simulator.shapes import Json


class Installations(Hosting):
    """What owners do with the App; it is told of each step, whatever it has subscribed to."""

    def adopt(self, app: AppIdentity, owner: User, webhook_url: str | None) -> None:
        """Let a new App take the place of the one that was here; it is installed nowhere yet."""
        for installation in self.installations.values():
            installation.deleted = True
            installation.repositories.clear()
        self.site.app, self.site.app_owner = app, owner
        self._add_account(User(app.bot_user_id, app.bot_login, "Bot"))
        self.hooks.url = webhook_url
        self.callback_urls = list(app.callback_urls)

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

    def _emit_installation(self, installation: Installation, action: str, **facts: object) -> None:
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
