"""GitHub's JSON, as far as we read it, checked and turned into `bot.github.values`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from bot.github.errors import Unavailable
from bot.github.values import (
    AppInfo,
    Author,
    BotUser,
    BranchFacts,
    CommentFacts,
    IssueFacts,
    PullFacts,
    RepositoryFacts,
    ReviewCommentFacts,
    SaidComment,
)
from handlers.values import Person

M = TypeVar("M", bound=BaseModel)


class Shape(BaseModel):
    """Part of an answer. Its errors never show what was in it: one answer holds a token."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


def parse(shape: type[M], data: object, *, maybe_done: bool = False) -> M:
    """Check one answer.

    Raises:
        Unavailable: It lacks what GitHub's documentation promises.
    """
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise _unexpected(error, maybe_done=maybe_done) from None


def parse_list(shapes: TypeAdapter[list[M]], data: object) -> list[M]:
    """Check one page of a list.

    Raises:
        Unavailable: It lacks what GitHub's documentation promises.
    """
    try:
        return shapes.validate_python(data)
    except ValidationError as error:
        raise _unexpected(error, maybe_done=False) from None


def _unexpected(error: ValidationError, *, maybe_done: bool) -> Unavailable:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(step) for step in first["loc"]) or "it"
    text = f"GitHub's answer is not as documented: {place}: {first['msg']}"
    return Unavailable(text, maybe_done=maybe_done)


class Known(Shape):
    """Something of which only the id is read: an App, an installation, a repository."""

    id: int


class Installation(Shape):
    """An installation of the App, of which only this is read."""

    suspended_at: datetime | None = None


class Token(Shape):
    """An installation token, its end, and the repositories that it was narrowed to."""

    token: str
    expires_at: datetime
    repositories: tuple[Known, ...] = ()


class User(Shape):
    """An account; `type` is `User`, `Bot`, `Organization` or `Mannequin`."""

    id: int
    login: str
    type: str

    def bot_user(self) -> BotUser:
        """As the App's own account."""
        return BotUser(self.id, self.login)

    def person(self) -> Person:
        """As somebody who may own a key."""
        return Person(self.id, self.login)


# GitHub shows what a deleted account wrote as written by this one, or by nobody.
GHOST = User(id=10137, login="ghost", type="User")


class App(Shape):
    """The App itself."""

    id: int
    slug: str
    name: str

    def info(self) -> AppInfo:
        """As a value."""
        return AppInfo(self.id, self.slug, self.name)


class Access(Shape):
    """A user's access to a repository: the booleans are the user's own."""

    class Grantee(Shape):
        """The user; by the id it is seen whether the login is still theirs."""

        id: int | None = None
        permissions: dict[str, bool] = {}

    role_name: str
    user: Grantee | None = None


class Repository(Shape):
    """A repository."""

    id: int
    full_name: str
    default_branch: str
    archived: bool
    private: bool

    def facts(self) -> RepositoryFacts:
        """As a value."""
        return RepositoryFacts(
            self.id, self.full_name, self.default_branch, self.archived, self.private
        )


class Content(Shape):
    """A file; `encoding` is `none` and `content` empty where it is larger than 1 MB."""

    type: str
    encoding: str = "none"
    content: str = ""


class Issue(Shape):
    """An issue or pull request."""

    class Label(Shape):
        """What is stuck on it."""

        name: str

    number: int
    state: Literal["open", "closed"]
    locked: bool
    comments: int
    pull_request: object = None
    id: int = 0
    title: str = ""
    body: str | None = None
    user: User | None = None
    html_url: str = ""
    labels: tuple[Label, ...] = ()

    def facts(self) -> IssueFacts:
        """As a value."""
        user = self.user
        return IssueFacts(
            number=self.number,
            state=self.state,
            locked=self.locked,
            is_pull_request=self.pull_request is not None,
            comments=self.comments,
            id=self.id,
            title=self.title,
            body=self.body or "",
            author=Author(user.id, user.login, user.type) if user else None,
            url=self.html_url,
            labels=tuple(one.name for one in self.labels),
        )


class Comment(Shape):
    """A comment of an issue or pull request."""

    id: int
    user: User | None
    body: str | None = None
    created_at: datetime
    updated_at: datetime
    html_url: str
    performed_via_github_app: Known | None = None

    def facts(self) -> CommentFacts:
        """As a value."""
        author = self.user or GHOST
        app = self.performed_via_github_app
        return CommentFacts(
            id=self.id,
            author_id=author.id,
            author_login=author.login,
            is_bot=author.type == "Bot",
            body=self.body or "",
            created_at=self.created_at,
            updated_at=self.updated_at,
            app_id=app.id if app else None,
            url=self.html_url,
        )

    def said(self) -> SaidComment:
        """As one of ours."""
        return SaidComment(self.id, self.html_url)


class ReviewComment(Shape):
    """A comment of a review; one about a whole file has no line."""

    path: str
    diff_hunk: str = ""
    line: int | None = None
    original_line: int | None = None
    body: str | None = None
    updated_at: datetime

    def facts(self) -> ReviewCommentFacts:
        """As a value; a line that is gone by now is told as it was."""
        return ReviewCommentFacts(
            path=self.path,
            line=self.line or self.original_line,
            diff_hunk=self.diff_hunk,
            body=self.body or "",
            updated_at=self.updated_at,
        )


class Ref(Shape):
    """A ref: the object it points to."""

    class Target(Shape):
        """The object."""

        sha: str

    ref: str
    object: Target


class Branch(Shape):
    """A branch."""

    commit: Ref.Target
    protected: bool

    def facts(self) -> BranchFacts:
        """As a value."""
        return BranchFacts(self.commit.sha, self.protected)


class Pull(Shape):
    """A pull request; lists leave out `merged`, `merged_at` is everywhere."""

    class Base(Shape):
        """Where it goes."""

        ref: str

    class Head(Shape):
        """Where it comes from."""

        ref: str
        sha: str
        repo: Known | None

    number: int
    state: Literal["open", "closed"]
    merged_at: datetime | None
    head: Head
    base: Base
    user: User | None
    html_url: str

    def facts(self) -> PullFacts:
        """As a value."""
        author = self.user or GHOST
        return PullFacts(
            number=self.number,
            state=self.state,
            merged=self.merged_at is not None,
            head_ref=self.head.ref,
            head_sha=self.head.sha,
            head_repository_id=self.head.repo.id if self.head.repo else None,
            base_ref=self.base.ref,
            author_id=author.id,
            author_login=author.login,
            url=self.html_url,
        )


COMMENTS = TypeAdapter(list[Comment])
PULLS = TypeAdapter(list[Pull])
REVIEW_COMMENTS = TypeAdapter(list[ReviewComment])
