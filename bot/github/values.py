"""What GitHub told us, as values. Nothing else leaves this package."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

_FULL_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class RepoRef:
    """Which repository, and through which installation it is reached.

    Tokens are narrowed to `repository_id`, so an old `full_name` that another repository has
    taken over reaches nothing.

    Raises:
        ValueError: `full_name` is not `owner/name`; it becomes part of an address.
    """

    installation_id: int
    repository_id: int
    full_name: str

    def __post_init__(self) -> None:
        names = self.full_name.split("/")
        if not _FULL_NAME.fullmatch(self.full_name) or not {".", ".."}.isdisjoint(names):
            raise ValueError(f"{self.full_name!r} is not the full name of a repository")

    @property
    def owner(self) -> str:
        """The login of the account that owns the repository."""
        return self.full_name.partition("/")[0]


@dataclass(frozen=True, slots=True)
class AppInfo:
    """The App itself: `slug` is its name in addresses, and in `@slug` and `slug[bot]`."""

    id: int
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class BotUser:
    """The account in whose name the App writes; `login` ends in `[bot]`."""

    id: int
    login: str


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """A repository as it is now."""

    id: int
    full_name: str
    default_branch: str
    archived: bool
    private: bool


@dataclass(frozen=True, slots=True)
class Author:
    """An account that wrote something; `type` is GitHub's word, `User` or `Bot` mostly."""

    id: int
    login: str
    type: str


@dataclass(frozen=True, slots=True)
class IssueFacts:
    """An issue or pull request as it is now; `comments` is how many there are.

    `author` is None where the account is gone.
    """

    number: int
    state: Literal["open", "closed"]
    locked: bool
    is_pull_request: bool
    comments: int
    id: int = 0
    title: str = ""
    body: str = ""
    author: Author | None = None
    url: str = ""
    labels: tuple[str, ...] = ()
    """Their names."""


@dataclass(frozen=True, slots=True)
class CommentFacts:
    """A comment of an issue or pull request.

    `app_id` is the App that wrote it, None for a person. A deleted account shows as `ghost`.
    """

    id: int
    author_id: int
    author_login: str
    is_bot: bool
    body: str
    created_at: datetime
    updated_at: datetime
    app_id: int | None
    url: str


@dataclass(frozen=True, slots=True)
class ReviewCommentFacts:
    """A comment of a review. `line` is None where GitHub does not tell it."""

    path: str
    line: int | None
    diff_hunk: str
    body: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PullFacts:
    """A pull request. `head_repository_id` is None where the fork it came from is gone."""

    number: int
    state: Literal["open", "closed"]
    merged: bool
    head_ref: str
    head_sha: str
    head_repository_id: int | None
    base_ref: str
    author_id: int
    author_login: str
    url: str


@dataclass(frozen=True, slots=True)
class BranchFacts:
    """A branch: the commit it points to, and whether rules protect it."""

    sha: str
    protected: bool


@dataclass(frozen=True, slots=True)
class SaidComment:
    """A comment of ours."""

    id: int
    url: str


@dataclass(frozen=True, slots=True)
class OnComment:
    """A reaction's target: a comment of an issue or pull request."""

    comment_id: int


@dataclass(frozen=True, slots=True)
class OnIssue:
    """A reaction's target: an issue or pull request itself."""

    number: int


Reaction = Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]
