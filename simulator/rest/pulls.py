"""Pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from simulator.pulls import NoPullRequestError
from simulator.rest.call import ApiError, Call, invalid, not_found, reply
from simulator.rest.serve import RepositoryRoute
from simulator.shapes import reviews
from simulator.shapes import threads as shape

if TYPE_CHECKING:
    from aiohttp import web

    from simulator.model import PullRequest, Repository, User

LONGEST_TITLE = 256
PULLS = ("pull_requests",)


def _pull(call: Call, repository: Repository) -> PullRequest:
    for pull in repository.pulls:
        if pull.number == call.number("number"):
            return pull
    raise not_found()


def list_pulls(call: Call, repository: Repository) -> web.Response:
    """`GET …/pulls?state=&head=owner:branch&base=`, newest first."""
    query = call.request.query
    state, head, base = query.get("state", "open"), query.get("head", ""), query.get("base", "")
    found = [
        pull
        for pull in reversed(repository.pulls)
        if state in ("all", pull.state)
        # GitHub ignores a head that names no owner.
        and (":" not in head or pull.head_label.lower() == head.lower())
        and base in ("", pull.base_branch)
    ]
    return call.page(found, lambda pull: shape.pull(call.site, pull))


def get_pull(call: Call, repository: Repository) -> web.Response:
    """`GET …/pulls/{number}`."""
    return reply(shape.full_pull(call.site, _pull(call, repository)))


def _title(call: Call, *, required: bool) -> str | None:
    title = call.text("title", resource="PullRequest", required=required)
    if title and len(title) > LONGEST_TITLE:
        message = f"title is too long (maximum is {LONGEST_TITLE} characters)"
        raise invalid("PullRequest", "title", "custom", message)
    return title


def _source(call: Call, repository: Repository, head: str) -> tuple[Repository | None, str]:
    """Return the repository and the branch that `branch` or `owner:branch` means."""
    owner, colon, branch = head.partition(":")
    if not colon or owner.lower() == repository.owner.login.lower():
        return repository, branch if colon else head
    for other in call.world.repositories.values():
        if other.parent is repository and other.owner.login.lower() == owner.lower():
            return other, branch
    return None, branch


def create_pull(call: Call, repository: Repository) -> web.Response:
    """`POST …/pulls`."""
    title = _title(call, required=True)
    head = call.text("head", resource="PullRequest") or ""
    base = call.text("base", resource="PullRequest") or ""
    body = call.text("body", resource="PullRequest", required=False)
    source, branch = _source(call, repository, head)
    if source is None:
        raise invalid("PullRequest", "head", "invalid")
    try:
        made = call.world.open_pull(
            repository,
            author=call.user,
            head=branch,
            base=base,
            from_fork=source,
            title=title,
            body=body,
            draft=call.body.get("draft") is True,
        )
    except NoPullRequestError as error:
        if error.field:
            raise invalid("PullRequest", error.field, "invalid") from None
        details = {"resource": "PullRequest", "code": "custom", "message": str(error)}
        raise ApiError(422, "Validation Failed", [details]) from None
    made.maintainer_can_modify = (
        source is not repository and call.body.get("maintainer_can_modify") is not False
    )
    described = shape.full_pull(call.site, made)
    return reply(described, 201, {"Location": described["url"]})


def edit_pull(call: Call, repository: Repository) -> web.Response:
    """`PATCH …/pulls/{number}`: title, body, base, state."""
    pull = _pull(call, repository)
    title = _title(call, required=False)
    body = call.text("body", resource="PullRequest", required=False)
    base = call.text("base", resource="PullRequest", required=False)
    if base and repository.git.resolve(f"refs/heads/{base}") is None:
        raise invalid("PullRequest", "base", "invalid")
    state = call.body.get("state", pull.state)
    if state not in ("open", "closed"):
        raise invalid("PullRequest", "state", "invalid")
    if pull.merged_at and state == "open":
        raise invalid("PullRequest", "state", "invalid", "state cannot be changed. It is merged.")
    call.world.edit_pull(pull, title, body, base)
    if state != pull.state:
        change = call.world.close_pull if state == "closed" else call.world.reopen_pull
        try:
            change(pull, call.user)
        except NoPullRequestError as error:
            raise invalid("PullRequest", "state", "invalid", str(error)) from None
    return reply(shape.full_pull(call.site, pull))


def request_reviewers(call: Call, repository: Repository) -> web.Response:
    """`POST …/pulls/{number}/requested_reviewers`."""
    pull = _pull(call, repository)
    logins = cast("list[Any]", call.body.get("reviewers") or [])
    reviewers: list[User] = []
    for login in logins:
        account = call.world.users.get(str(login).lower())
        if account == pull.user:
            raise ApiError(422, "Review cannot be requested from pull request author.")
        if account is None or not _collaborates(repository, account):
            raise ApiError(
                422,
                "Reviews may only be requested from collaborators. One or more of the users or"
                " teams you specified is not a collaborator of the"
                f" {repository.full_name} repository.",
            )
        reviewers.append(account)
    call.world.request_review(pull, reviewers)
    return reply(shape.pull(call.site, pull), 201)


def review_comments(call: Call, repository: Repository) -> web.Response:
    """`GET …/pulls/{number}/reviews/{review}/comments`."""
    for review in _pull(call, repository).reviews:
        if review.id == call.number("review"):
            return call.page(review.comments, lambda one: reviews.review_comment(call.site, one))
    raise not_found()


def _collaborates(repository: Repository, account: User) -> bool:
    return account == repository.owner or account.login.lower() in repository.roles


PULL = r"/pulls/{number:\d+}"

ROUTES = (
    RepositoryRoute("GET", "/pulls", list_pulls, PULLS),
    RepositoryRoute("POST", "/pulls", create_pull, PULLS),
    RepositoryRoute("GET", PULL, get_pull, PULLS),
    RepositoryRoute("PATCH", PULL, edit_pull, PULLS),
    RepositoryRoute("POST", f"{PULL}/requested_reviewers", request_reviewers, PULLS),
    RepositoryRoute("GET", rf"{PULL}/reviews/{{review:\d+}}/comments", review_comments, PULLS),
)
