"""What the offline GitHub knows: accounts, repositories, issues, installations, tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from simulator.history import Commit
    from simulator.repositories import GitRepository

AccountKind = Literal["User", "Organization", "Bot"]
ReviewState = Literal["approved", "changes_requested", "commented"]
MemberRole = Literal["admin", "member"]
ReactionContent = Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]
REACTIONS: tuple[ReactionContent, ...] = (
    "+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes",
)  # fmt: skip

# GitHub's roles from the weakest to the strongest; each includes those before it.
ROLES = ("none", "read", "triage", "write", "maintain", "admin")


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """The one GitHub App of this place, with everything its owner knows about it."""

    app_id: int
    slug: str
    client_id: str
    client_secret: str
    private_key_pem: str
    webhook_secret: str
    bot_user_id: int
    name: str
    permissions: Mapping[str, str]
    events: tuple[str, ...]
    callback_urls: tuple[str, ...] = ()
    setup_url: str | None = None
    public: bool = True

    @property
    def bot_login(self) -> str:
        """The login of the account that acts for an installation."""
        return f"{self.slug}[bot]"


@dataclass(frozen=True, slots=True)
class User:
    """An account: a person, an organization or an App's bot."""

    id: int
    login: str
    kind: AccountKind = "User"


@dataclass(frozen=True, slots=True)
class Role:
    """A role in a repository; `name` differs from `base` for an organization's custom role."""

    name: str
    base: str

    def includes(self, role: str) -> bool:
        """Tell whether this role may do what `role`, one of ROLES, may."""
        return ROLES.index(self.base) >= ROLES.index(role)


@dataclass(slots=True, eq=False, kw_only=True)
class Reaction:
    """An emoji on an issue or a comment."""

    id: int
    user: User
    content: ReactionContent
    created_at: datetime


@dataclass(slots=True, eq=False, kw_only=True)
class Comment:
    """A comment on an issue or a pull request."""

    id: int
    issue: Issue = field(repr=False)
    user: User
    body: str
    created_at: datetime
    updated_at: datetime
    reactions: list[Reaction] = field(default_factory=list[Reaction])


@dataclass(frozen=True, slots=True)
class Label:
    """A label of a repository; its name is written as it was at first."""

    id: int
    name: str


@dataclass(slots=True, eq=False, kw_only=True)
class Issue:
    """An issue; a pull request is one too, as on GitHub."""

    id: int
    number: int
    repository: Repository = field(repr=False)
    user: User
    title: str
    body: str | None
    created_at: datetime
    updated_at: datetime
    state: Literal["open", "closed"] = "open"
    closed_at: datetime | None = None
    closed_by: User | None = None
    comments: list[Comment] = field(default_factory=list[Comment])
    reactions: list[Reaction] = field(default_factory=list[Reaction])
    labels: list[Label] = field(default_factory=list[Label])
    deleted: bool = False
    moved_to: Issue | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class PullRequest(Issue):
    """A pull request; `head_sha` and `base_sha` follow the branches while it is open."""

    pull_id: int
    head_repository: Repository = field(repr=False)
    head_branch: str
    base_branch: str
    head_sha: str
    base_sha: str
    draft: bool = False
    maintainer_can_modify: bool = False
    merged_at: datetime | None = None
    merged_by: User | None = None
    merge_commit_sha: str | None = None
    requested_reviewers: list[User] = field(default_factory=list[User])
    reviews: list[Review] = field(default_factory=list["Review"])

    def joins(self, source: Repository, head: str, base: str) -> bool:
        """Tell whether it goes from the branch `head` of `source` to the branch `base`."""
        branches = (self.head_repository, self.head_branch, self.base_branch)
        return branches == (source, head, base)

    @property
    def head_label(self) -> str:
        """`owner:branch`, as GitHub names a head."""
        return f"{self.head_repository.owner.login}:{self.head_branch}"


@dataclass(slots=True, eq=False, kw_only=True)
class Review:
    """What somebody said about a whole change."""

    id: int
    pull: PullRequest = field(repr=False)
    user: User
    body: str | None
    state: ReviewState
    commit_id: str
    submitted_at: datetime
    comments: list[ReviewComment] = field(default_factory=list["ReviewComment"])


@dataclass(slots=True, eq=False, kw_only=True)
class ReviewComment:
    """What a review says about a line of the file after the change."""

    id: int
    review: Review = field(repr=False)
    path: str
    line: int
    diff_hunk: str
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, eq=False, kw_only=True)
class Repository:
    """A repository with its issues, and with a real git repository behind it."""

    id: int
    owner: User
    name: str
    private: bool
    default_branch: str
    created_at: datetime
    git: GitRepository
    changed: Callable[[Repository], None] = field(repr=False)
    description: str | None = None
    parent: Repository | None = None
    archived: bool = False
    deleted: bool = False
    roles: dict[str, Role] = field(default_factory=dict[str, Role])
    protected: frozenset[str] = frozenset()
    threads: dict[int, Issue] = field(default_factory=dict[int, Issue], repr=False)
    labels: dict[str, Label] = field(default_factory=dict[str, Label], repr=False)
    """By their names in small letters."""

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"

    @property
    def issues(self) -> list[Issue]:
        """The issues that are no pull requests, oldest first."""
        return [issue for issue in self.threads.values() if not isinstance(issue, PullRequest)]

    @property
    def pulls(self) -> list[PullRequest]:
        """The pull requests, oldest first."""
        return [issue for issue in self.threads.values() if isinstance(issue, PullRequest)]

    def set_role(self, login: str, role: str, base: str | None = None) -> None:
        """Give an account a role: one of ROLES, or a custom name built on the role `base`.

        Raises:
            ValueError: a custom role without a known base.
        """
        if (base or role) not in ROLES:
            raise ValueError(
                f"{role!r} is no role of GitHub: name the role it is built on, one of {ROLES}"
            )
        self.roles[login.lower()] = Role(role, base or role)

    def role(self, user: User) -> Role:
        """Return the strongest role an account has here, by grant, ownership or publicity."""
        if user == self.owner:
            return Role("admin", "admin")
        everybody = "none" if self.private else "read"
        granted = self.roles.get(user.login.lower(), Role(everybody, everybody))
        return granted if granted.includes(everybody) else Role(everybody, everybody)

    def branches(self) -> list[str]:
        """Return the branches' names, sorted."""
        return self.git.branches()

    def read_file(self, branch: str, path: str) -> str:
        """Return a file's text on a branch.

        Raises:
            FileNotFoundError: the branch has no such file.
        """
        entry = self.git.entry(f"refs/heads/{branch}", path)
        if entry is None:
            raise FileNotFoundError(f"{self.full_name}@{branch} has no file {path}")
        return self.git.blob(entry.sha).decode()

    def log(self, branch: str) -> list[Commit]:
        """Return a branch's commits, newest first."""
        return self.git.commits(f"refs/heads/{branch}")

    def commit(
        self,
        branch: str,
        files: Mapping[str, str | bytes | None],
        message: str = "Change some files",
        author: str = "Somebody <somebody@example.com>",
    ) -> str:
        """Commit files, None removing one, and return the SHA.

        A branch that does not exist begins at the default branch.
        """
        sha = self.git.commit(branch, files, message, author, self.default_branch)
        self.changed(self)
        return sha


@dataclass(slots=True, eq=False, kw_only=True)
class Installation:
    """The App installed on an account, with the repositories it may touch."""

    id: int
    account: User
    repositories: list[Repository]
    permissions: dict[str, str]
    created_at: datetime
    updated_at: datetime
    suspended_at: datetime | None = None
    suspended_by: User | None = None
    deleted: bool = False

    def covers(self, repository: Repository) -> bool:
        """Tell whether the App is installed on a repository."""
        return repository in self.repositories


@dataclass(slots=True, eq=False, kw_only=True)
class Token:
    """An installation token; `repositories` is None where it is not narrowed to some."""

    value: str = field(repr=False)
    installation: Installation
    repositories: tuple[Repository, ...] | None
    permissions: dict[str, str]
    expires_at: datetime
    revoked: bool = False

    def reach(self) -> list[Repository]:
        """Return the repositories this token may touch now."""
        covered = self.installation.repositories
        if self.repositories is None:
            return list(covered)
        return [repository for repository in self.repositories if repository in covered]

    def grants(self, permission: str, level: str) -> bool:
        """Tell whether the token has a permission at `read` or `write`."""
        order = ("read", "write", "admin")
        given = self.permissions.get(permission)
        return given is not None and order.index(given) >= order.index(level)
