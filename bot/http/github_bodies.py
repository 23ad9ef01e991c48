"""What a person sees of GitHub, on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from bot.github.personal import Installed, OpenIssue, Org, OwnRepository, Profile, ReadIssue
from bot.http.bodies import Body
from bot.http.task_bodies import TaskBody
from handlers.roles import Role

LONGEST_EXCERPT = 2_000
"""Characters of an issue's body that are told."""

COMPLETE = Field(description="False where there is more than GitHub was asked for or told.")
RoleName = Literal["none", "read", "triage", "write", "maintain", "admin"]
Permission = Literal["pull", "triage", "push", "maintain", "admin"]

PERMISSIONS: Mapping[Permission, Role] = {
    "pull": Role.READ,
    "triage": Role.TRIAGE,
    "push": Role.WRITE,
    "maintain": Role.MAINTAIN,
    "admin": Role.ADMIN,
}
"""GitHub's words for what may be done, and the least role that may."""


class ProfileBody(Body):
    """Who you are on GitHub."""

    id: int
    login: str
    name: str = Field(description="What you call yourself; often empty.")
    avatar_url: str
    url: str

    @classmethod
    def of(cls, one: Profile) -> ProfileBody:
        """A profile."""
        return cls(
            id=one.id, login=one.login, name=one.name, avatar_url=one.avatar_url, url=one.url
        )


class OrgBody(Body):
    """An organisation."""

    id: int
    login: str
    description: str

    @classmethod
    def of(cls, one: Org) -> OrgBody:
        """An organisation."""
        return cls(id=one.id, login=one.login, description=one.description)


class OrgList(Body):
    """The organisations that you belong to and that the App may know of."""

    orgs: list[OrgBody]
    complete: bool = COMPLETE


class AccountBody(Body):
    """Who an App is installed on: `type` is `User`, `Organization` or `Enterprise`."""

    id: int
    login: str
    type: str


class InstallationBody(Body):
    """Where the App is installed, and you see at least one repository."""

    installation_id: int
    account: AccountBody
    all_repositories: bool = Field(description="Whether it is on all, those to come included.")
    permissions: dict[str, str]
    missing: dict[str, str] = Field(
        description="Permissions that Bellhop needs and the account's owner has not granted."
    )
    suspended_at: datetime | None
    url: str = Field(description="Where the account's owner changes it on GitHub.")

    @classmethod
    def of(cls, one: Installed) -> InstallationBody:
        """An installation."""
        account = AccountBody(id=one.account.id, login=one.account.login, type=one.account.type)
        return cls(
            installation_id=one.id,
            account=account,
            all_repositories=one.everywhere,
            permissions=dict(one.permissions),
            missing=dict(one.missing),
            suspended_at=one.suspended_at,
            url=one.url,
        )


class InstallationList(Body):
    """Where the App is installed; `installUrl` leads to where more is installed."""

    installations: list[InstallationBody]
    complete: bool = COMPLETE
    install_url: str


class RepositoryBody(Body):
    """A repository that the App is installed on, and what you may do there."""

    repository_id: int
    repository: str = Field(description="`owner/name`.")
    installation_id: int
    private: bool
    archived: bool
    description: str
    default_branch: str
    role: RoleName
    permissions: dict[Permission, bool]
    url: str

    @classmethod
    def of(cls, one: OwnRepository) -> RepositoryBody:
        """A repository."""
        return cls(
            repository_id=one.id,
            repository=one.full_name,
            installation_id=one.installation_id,
            private=one.private,
            archived=one.archived,
            description=one.description,
            default_branch=one.default_branch,
            role=_name_of(one.role),
            permissions={name: one.role >= least for name, least in PERMISSIONS.items()},
            url=one.url,
        )


class RepositoryList(Body):
    """A page of repositories by name; `count` is of all pages."""

    repositories: list[RepositoryBody]
    count: int
    complete: bool = COMPLETE
    next_cursor: str | None


class IssueBody(Body):
    """An issue or pull request."""

    number: int
    title: str
    state: Literal["open", "closed"]
    is_pull_request: bool
    author: str
    url: str
    updated_at: datetime

    @classmethod
    def of(cls, one: OpenIssue) -> IssueBody:
        """One of a list."""
        return cls(**_issue(one))


class IssueList(Body):
    """Open issues and pull requests, those first that something happened to last."""

    issues: list[IssueBody]
    complete: bool = COMPLETE


class WholeIssue(IssueBody):
    """An issue or pull request with the beginning of what it says."""

    body: str
    body_cut: bool = Field(description="Whether the body goes on.")
    locked: bool
    comments: int

    @classmethod
    def read(cls, one: ReadIssue) -> WholeIssue:
        """One that was asked for."""
        return cls(
            **_issue(one),
            body=one.body[:LONGEST_EXCERPT],
            body_cut=len(one.body) > LONGEST_EXCERPT,
            locked=one.locked,
            comments=one.comments,
        )


class Summary(Body):
    """What there is for you, in a few numbers, and your tasks that have not ended."""

    login: str
    installations: int
    repositories: int
    complete: bool = COMPLETE
    active: int
    tasks: list[TaskBody] = Field(description="The newest of those that have not ended.")


def _name_of(role: Role) -> RoleName:
    names: dict[Role, RoleName] = {
        Role.NONE: "none",
        Role.READ: "read",
        Role.TRIAGE: "triage",
        Role.WRITE: "write",
        Role.MAINTAIN: "maintain",
        Role.ADMIN: "admin",
    }
    return names[role]


def _issue(one: OpenIssue) -> dict[str, Any]:
    return {
        "number": one.number,
        "title": one.title,
        "state": one.state,
        "is_pull_request": one.is_pull_request,
        "author": one.author,
        "url": one.url,
        "updated_at": one.updated_at,
    }
