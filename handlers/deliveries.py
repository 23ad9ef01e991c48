"""Webhook bodies become typed values here; nobody indexes a payload after this.

What is stored of a delivery is its body as GitHub signed it; it is read into such a value when its
turn has come. The shapes are GitHub's, see
https://docs.github.com/en/webhooks/webhook-events-and-payloads.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, cast

from pydantic import (
    AliasChoices,
    AliasPath,
    AwareDatetime,
    BeforeValidator,
    Field,
    ValidationError,
)

from handlers.github_objects import (
    Actor,
    GitHubValue,
    Id,
    Name,
    Presence,
    Repository,
    Subject,
    Text,
)


class Unreadable(Exception):  # noqa: N818 - errors here are named as what happened
    """The body is not what GitHub sends for this event; the message says what is wrong."""


def _ids(value: object) -> object:
    """Repositories come as objects, of which the ids are enough."""
    if not isinstance(value, list):
        return value
    items = cast("list[Any]", value)
    return tuple(
        cast("dict[str, Any]", item).get("id") if isinstance(item, dict) else item for item in items
    )


def _past(value: object) -> object:
    return "suspended" if value == "suspend" else value


class TextWritten(GitHubValue):
    """Somebody wrote a text that may hold commands; see the kinds of it below."""

    kind: ClassVar[Literal["comment", "issue", "review"]]

    source_id: Id
    installation_id: Id = Field(validation_alias=AliasPath("installation", "id"))
    repository: Repository
    subject: Subject = Field(validation_alias="issue")
    sender: Actor
    author: Actor
    text: Text
    url: str
    written_at: AwareDatetime
    app_id: Id | None
    """The App that wrote it, as itself or in the author's name."""
    app_slug: str | None
    transferred: bool = False
    """It came from another repository together with its issue."""


class CommentWritten(TextWritten):
    """`issue_comment.created`: a comment on an issue or a pull request."""

    kind = "comment"

    action: Literal["created"]
    source_id: Id = Field(validation_alias=AliasPath("comment", "id"))
    author: Actor = Field(validation_alias=AliasPath("comment", "user"))
    text: Text = Field(validation_alias=AliasPath("comment", "body"))
    url: str = Field(validation_alias=AliasPath("comment", "html_url"))
    written_at: AwareDatetime = Field(validation_alias=AliasPath("comment", "created_at"))
    app_id: Id | None = Field(
        default=None, validation_alias=AliasPath("comment", "performed_via_github_app", "id")
    )
    app_slug: str | None = Field(
        default=None, validation_alias=AliasPath("comment", "performed_via_github_app", "slug")
    )


class IssueOpened(TextWritten):
    """`issues.opened`: the body of a new issue."""

    kind = "issue"

    action: Literal["opened"]
    source_id: Id = Field(validation_alias=AliasPath("issue", "id"))
    author: Actor = Field(validation_alias=AliasPath("issue", "user"))
    text: Text = Field(validation_alias=AliasPath("issue", "body"))
    url: str = Field(validation_alias=AliasPath("issue", "html_url"))
    written_at: AwareDatetime = Field(validation_alias=AliasPath("issue", "created_at"))
    app_id: Id | None = Field(
        default=None, validation_alias=AliasPath("issue", "performed_via_github_app", "id")
    )
    app_slug: str | None = Field(
        default=None, validation_alias=AliasPath("issue", "performed_via_github_app", "slug")
    )
    transferred: Presence = Field(
        default=False,
        validation_alias=AliasChoices(
            AliasPath("changes", "old_issue"), AliasPath("changes", "old_repository")
        ),
    )


class IssueLabeled(GitHubValue):
    """`issues.labeled`: somebody put a label on an issue."""

    kind: ClassVar[Literal["label"]] = "label"

    action: Literal["labeled"]
    installation_id: Id = Field(validation_alias=AliasPath("installation", "id"))
    repository: Repository
    subject: Subject = Field(validation_alias="issue")
    sender: Actor
    label: Text = Field(validation_alias=AliasPath("label", "name"))
    url: str = Field(validation_alias=AliasPath("issue", "html_url"))
    written_at: AwareDatetime = Field(validation_alias=AliasPath("issue", "updated_at"))
    """When the issue last changed, which is now: GitHub tells no time of a label."""


def label_source(delivery_id: str) -> int:
    """The number by which a label's delivery is known as the source of a command: 63 bits."""
    digest = hashlib.sha256(delivery_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _as_issue(value: object) -> object:
    """A pull request that describes itself does not say that it is one, as an issue does."""
    return (
        {**cast("dict[str, Any]", value), "pull_request": {}} if isinstance(value, dict) else value
    )


def _small(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class ReviewSubmitted(TextWritten):
    """`pull_request_review.submitted`: what a review says beside the comments that it holds."""

    kind = "review"

    action: Literal["submitted"]
    subject: Annotated[Subject, BeforeValidator(_as_issue)] = Field(validation_alias="pull_request")
    source_id: Id = Field(validation_alias=AliasPath("review", "id"))
    author: Actor = Field(validation_alias=AliasPath("review", "user"))
    text: Text = Field(default="", validation_alias=AliasPath("review", "body"))
    url: str = Field(validation_alias=AliasPath("review", "html_url"))
    written_at: AwareDatetime = Field(validation_alias=AliasPath("review", "submitted_at"))
    app_id: Id | None = None
    app_slug: str | None = None
    verdict: Annotated[str, BeforeValidator(_small)] = Field(
        validation_alias=AliasPath("review", "state")
    )
    """`commented`, `changes_requested`, `approved`, or what GitHub invents yet."""
    branch: Name = Field(validation_alias=AliasPath("pull_request", "head", "ref"))
    head_repository: Id | None = Field(
        default=None, validation_alias=AliasPath("pull_request", "head", "repo", "id")
    )
    """Where that branch lies; None when the fork is gone."""


Asking: TypeAlias = TextWritten | IssueLabeled
"""What may ask for something."""


class _Happened(GitHubValue):
    """What house-keeping events of a repository share."""

    installation_id: Id = Field(validation_alias=AliasPath("installation", "id"))
    repository: Repository
    sender: Actor


class IssueGone(_Happened):
    """An issue is closed, or is no longer where it was."""

    number: Id = Field(validation_alias=AliasPath("issue", "number"))
    reason: Literal["closed", "deleted", "transferred"] = Field(validation_alias="action")


class PullRequestClosed(_Happened):
    """A pull request was merged, or closed without that."""

    action: Literal["closed"]
    number: Id = Field(validation_alias=AliasPath("pull_request", "number"))
    merged: bool = Field(validation_alias=AliasPath("pull_request", "merged"))
    branch: Name = Field(validation_alias=AliasPath("pull_request", "head", "ref"))


class RepositoryGone(_Happened):
    """A repository can no longer be worked on, or is no longer where it was."""

    reason: Literal["archived", "deleted", "transferred"] = Field(validation_alias="action")


class RepositoryRenamed(_Happened):
    """A repository has another name; `repository` carries the new one."""

    action: Literal["renamed"]
    old_name: Name | None = Field(
        default=None, validation_alias=AliasPath("changes", "repository", "name", "from")
    )
    """The name without its owner."""


class AppRemoved(GitHubValue):
    """The App may no longer act for an account, or for some of its repositories."""

    installation_id: Id = Field(validation_alias=AliasPath("installation", "id"))
    repository_ids: Annotated[tuple[Id, ...] | None, BeforeValidator(_ids)] = Field(
        default=None, validation_alias="repositories_removed"
    )
    """None means every repository."""
    reason: Annotated[Literal["deleted", "suspended", "removed"], BeforeValidator(_past)] = Field(
        validation_alias="action"
    )


class ConsentRevoked(GitHubValue):
    """Somebody took back what they had allowed the App to do in their name."""

    action: Literal["revoked"]
    sender: Actor


Delivery: TypeAlias = (
    CommentWritten
    | IssueOpened
    | IssueLabeled
    | ReviewSubmitted
    | IssueGone
    | PullRequestClosed
    | RepositoryGone
    | RepositoryRenamed
    | AppRemoved
    | ConsentRevoked
)

_LISTENED: dict[str, dict[str, type[Delivery]]] = {
    "issue_comment": {"created": CommentWritten},
    "issues": {
        "opened": IssueOpened,
        "labeled": IssueLabeled,
        "closed": IssueGone,
        "deleted": IssueGone,
        "transferred": IssueGone,
    },
    "pull_request": {"closed": PullRequestClosed},
    "pull_request_review": {"submitted": ReviewSubmitted},
    "repository": {
        "archived": RepositoryGone,
        "deleted": RepositoryGone,
        "transferred": RepositoryGone,
        "renamed": RepositoryRenamed,
    },
    "installation": {"deleted": AppRemoved, "suspend": AppRemoved},
    "installation_repositories": {"removed": AppRemoved},
    "github_app_authorization": {"revoked": ConsentRevoked},
}
_OF_NO_INSTALLATION = {ConsentRevoked}
"""What GitHub tells of a person, wherever the App is installed."""


def listens_to(event: str, action: str | None, installation_id: int | None) -> bool:
    """Whether a delivery may tell Bellhop anything, by what GitHub's log of deliveries has of it.

    Args:
        event: The `X-GitHub-Event` header.
        action: Of the body, where it has one.
        installation_id: None where it comes from no installation of the App.
    """
    model = _LISTENED.get(event, {}).get(action or "")
    return model is not None and (installation_id is not None or model in _OF_NO_INSTALLATION)


class _Envelope(GitHubValue):
    """What tells whether a delivery concerns Bellhop at all."""

    action: str
    installation: dict[str, object] | None = None


def read_delivery(event: str, body: bytes) -> Delivery | None:
    """Read a body as what it tells Bellhop.

    Args:
        event: The `X-GitHub-Event` header.
        body: JSON as it was signed.

    Returns:
        The value, or None for what Bellhop does not listen to and for a delivery that does not come
        from an installation of the App.

    Raises:
        Unreadable: The event is one that Bellhop listens to and the body is not such an event.
    """
    actions = _LISTENED.get(event)
    if actions is None:
        return None
    try:
        if event == "issue_comment":
            # By far the most frequent: nearly all are `created`, so read at once as that.
            return CommentWritten.model_validate_json(body)
    except ValidationError:
        pass
    return _read_by_action(event, actions, body)


def _read_by_action(event: str, actions: dict[str, type[Delivery]], body: bytes) -> Delivery | None:
    try:
        envelope = _Envelope.model_validate_json(body)
        model = actions.get(envelope.action)
        if model is None or (envelope.installation is None and model not in _OF_NO_INSTALLATION):
            return None
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Unreadable(f"This is not a readable `{event}` event: {_first(error)}.") from error


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, without the value: an error may be logged."""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(step) for step in problem["loc"])
    message = problem["msg"]
    return f"{where}: {message}" if where else message
