"""What a person sees of GitHub through a token of their own: its shapes, and them as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from bot.github.shapes import GHOST, Shape, User
from handlers.roles import Role, role_of

Link = Annotated[str, StringConstraints(pattern=r"^https?://")]
"""An address that a page may lead to."""

NEEDED: Mapping[str, str] = MappingProxyType(
    {"metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write"}
)
"""What Bellhop does all that it does with; `app.yml` asks for it."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Who somebody is on GitHub; `name` is what they call themselves, often nothing."""

    id: int
    login: str
    name: str
    avatar_url: str
    url: str


@dataclass(frozen=True, slots=True)
class Org:
    """An organisation that somebody belongs to."""

    id: int
    login: str
    description: str


@dataclass(frozen=True, slots=True)
class Account:
    """Who the App is installed on; `type` is GitHub's word: User, Organization, Enterprise."""

    id: int
    login: str
    type: str


@dataclass(frozen=True, slots=True)
class Installed:
    """An installation in which somebody sees at least one repository.

    `everywhere` tells that it is on all repositories of the account, `permissions` what the App
    may do by name, and `url` is where its owner changes it.
    """

    id: int
    account: Account
    everywhere: bool
    permissions: Mapping[str, str]
    suspended_at: datetime | None
    url: str

    @property
    def missing(self) -> Mapping[str, str]:
        """What the App needs and its owner has not granted, as after an update of the App."""
        order = ("read", "write", "admin")
        given = {
            name: order.index(level) for name, level in self.permissions.items() if level in order
        }
        return {
            name: level
            for name, level in NEEDED.items()
            if given.get(name, -1) < order.index(level)
        }


@dataclass(frozen=True, slots=True)
class OwnRepository:
    """A repository that somebody sees and the App is installed on, and what they may do there."""

    id: int
    installation_id: int
    full_name: str
    private: bool
    archived: bool
    description: str
    default_branch: str
    role: Role
    url: str


@dataclass(frozen=True, slots=True)
class OpenIssue:
    """An issue or pull request of a list."""

    number: int
    title: str
    state: Literal["open", "closed"]
    is_pull_request: bool
    author: str
    url: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ReadIssue(OpenIssue):
    """One of its own, with what it says."""

    body: str
    locked: bool
    comments: int


class Me(Shape):
    """`GET /user`."""

    id: int
    login: str
    name: str | None = None
    avatar_url: str = ""
    html_url: Link

    def value(self) -> Profile:
        """As a value."""
        return Profile(self.id, self.login, self.name or "", self.avatar_url, self.html_url)


class OrgShape(Shape):
    """One of `GET /user/orgs`."""

    id: int
    login: str
    description: str | None = None

    def value(self) -> Org:
        """As a value."""
        return Org(self.id, self.login, self.description or "")


class InstallationShape(Shape):
    """One of `GET /user/installations`; an enterprise has a `slug` and no login."""

    class Owner(Shape):
        """The account."""

        id: int
        login: str = ""
        slug: str = ""
        type: str = "Enterprise"

    id: int
    account: Owner | None
    repository_selection: Literal["all", "selected"]
    permissions: dict[str, str] = Field(default_factory=dict)
    suspended_at: datetime | None = None
    html_url: Link

    def value(self) -> Installed:
        """As a value; of an account that is being deleted nothing is known."""
        owner = self.account or self.Owner(id=0, login="(deleted)", type="User")
        return Installed(
            id=self.id,
            account=Account(owner.id, owner.login or owner.slug, owner.type),
            everywhere=self.repository_selection == "all",
            permissions=self.permissions,
            suspended_at=self.suspended_at,
            url=self.html_url,
        )


class InstallationPage(Shape):
    """A page of `GET /user/installations`."""

    installations: tuple[InstallationShape, ...]


class RepositoryShape(Shape):
    """One of `GET /user/installations/{id}/repositories`; the booleans are the person's own."""

    id: int
    full_name: str
    private: bool
    archived: bool = False
    description: str | None = None
    default_branch: str
    role_name: str = ""
    permissions: dict[str, bool] = Field(default_factory=dict)
    html_url: Link

    def value(self, installation_id: int) -> OwnRepository:
        """As a value."""
        return OwnRepository(
            id=self.id,
            installation_id=installation_id,
            full_name=self.full_name,
            private=self.private,
            archived=self.archived,
            description=self.description or "",
            default_branch=self.default_branch,
            role=role_of(self.role_name, self.permissions),
            url=self.html_url,
        )


class RepositoryPage(Shape):
    """A page of `GET /user/installations/{id}/repositories`."""

    repositories: tuple[RepositoryShape, ...]


class IssueShape(Shape):
    """An issue or pull request, also of a list; what a deleted account wrote has no user."""

    number: int
    title: str
    state: Literal["open", "closed"]
    pull_request: object = None
    user: User | None
    html_url: Link
    updated_at: datetime
    body: str | None = None
    locked: bool
    comments: int

    def listed(self) -> OpenIssue:
        """As one of many."""
        return OpenIssue(*self._what())

    def read(self) -> ReadIssue:
        """As one of its own."""
        return ReadIssue(*self._what(), self.body or "", self.locked, self.comments)

    def _what(
        self,
    ) -> tuple[int, str, Literal["open", "closed"], bool, str, str, datetime]:
        return (
            self.number,
            self.title,
            self.state,
            self.pull_request is not None,
            (self.user or GHOST).login,
            self.html_url,
            self.updated_at,
        )


ORGS = TypeAdapter(list[OrgShape])
ISSUES = TypeAdapter(list[IssueShape])
