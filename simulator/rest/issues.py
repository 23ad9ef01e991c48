"""Issues, their comments and reactions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from simulator.model import REACTIONS, PullRequest
from simulator.rest.call import ApiError, Call, forbidden, invalid, not_found, nothing, reply
from simulator.rest.serve import WRITING, Moved, RepositoryRoute
from simulator.shapes import threads as shape

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aiohttp import web

    from simulator.model import Comment, Issue, Repository

# A comment on a pull request may be written with either permission.
THREADS = ("issues", "pull_requests")


def _issue(call: Call, repository: Repository) -> Issue:
    found = repository.threads.get(call.number("number"))
    if found is None:
        raise not_found()
    _check(call, repository, found)
    if found.deleted:
        raise ApiError(410, "This issue was deleted")
    if found.moved_to:
        target = found.moved_to
        url = f"{call.site.api}/repositories/{target.repository.id}/issues/{target.number}"
        rest = call.request.path.partition(f"/issues/{found.number}")[2]
        raise Moved(307 if call.request.method in WRITING else 301, url + rest)
    return found


def _check(call: Call, repository: Repository, issue: Issue) -> None:
    """Hold a token that may touch pull requests only to pull requests."""
    token = call.actor.token
    level = "write" if call.request.method in WRITING else "read"
    if isinstance(issue, PullRequest) or not token or repository not in token.reach():
        return
    if not token.grants("issues", level):
        raise forbidden()


def _comment(call: Call, repository: Repository) -> Comment:
    found = call.world.find_comment(repository, call.number("comment_id"))
    if found is None:
        raise not_found()
    _check(call, repository, found.issue)
    return found


def get_issue(call: Call, repository: Repository) -> web.Response:
    """`GET …/issues/{number}`."""
    return reply(shape.issue(call.site, _issue(call, repository)))


def list_issues(call: Call, repository: Repository) -> web.Response:
    """`GET …/issues`: pull requests too, of a state, the newest or the last touched first."""
    query = call.request.query
    state = _one_of(call, "state", ("open", "closed", "all"))
    sort = _one_of(call, "sort", ("created", "updated", "comments"))
    found = [one for one in repository.threads.values() if not (one.deleted or one.moved_to)]
    if state != "all":
        found = [one for one in found if one.state == state]
    keys: dict[str, Callable[[Issue], Any]] = {
        "created": lambda one: (one.created_at, one.number),
        "updated": lambda one: (one.updated_at, one.number),
        "comments": lambda one: (len(one.comments), one.number),
    }
    found.sort(key=keys[sort], reverse=query.get("direction") != "asc")
    return call.page(found, lambda one: shape.issue(call.site, one))


def _one_of(call: Call, name: str, words: tuple[str, ...]) -> str:
    """Return a query parameter that is one of some words, the first if it is not given."""
    word = call.request.query.get(name, words[0])
    if word not in words:
        raise ApiError(422, f"Validation Failed: {name} is not one of {', '.join(words)}.")
    return word


def list_comments(call: Call, repository: Repository) -> web.Response:
    """`GET …/issues/{number}/comments`, oldest first."""
    comments = _issue(call, repository).comments
    since = call.request.query.get("since")
    if since:
        try:
            oldest = datetime.fromisoformat(since)
        except ValueError:
            raise ApiError(422, "Invalid request.\n\n'since' is not a date and time.") from None
        comments = [one for one in comments if one.updated_at.replace(microsecond=0) >= oldest]
    return call.page(comments, lambda one: shape.comment(call.site, one))


def create_comment(call: Call, repository: Repository) -> web.Response:
    """`POST …/issues/{number}/comments`."""
    issue = _issue(call, repository)
    body = call.text("body", resource="IssueComment") or ""
    made = shape.comment(call.site, call.world.comment(issue, author=call.user, body=body))
    return reply(made, 201, {"Location": made["url"]})


def get_comment(call: Call, repository: Repository) -> web.Response:
    """`GET …/issues/comments/{comment_id}`."""
    return reply(shape.comment(call.site, _comment(call, repository)))


def edit_comment(call: Call, repository: Repository) -> web.Response:
    """`PATCH …/issues/comments/{comment_id}`."""
    comment = _comment(call, repository)
    body = call.text("body", resource="IssueComment") or ""
    call.world.edit_comment(comment, body, call.user)
    return reply(shape.comment(call.site, comment))


def delete_comment(call: Call, repository: Repository) -> web.Response:
    """`DELETE …/issues/comments/{comment_id}`."""
    call.world.delete_comment(_comment(call, repository), call.user)
    return nothing()


def _target(call: Call, repository: Repository) -> Issue | Comment:
    on_comment = "comment_id" in call.request.match_info
    return _comment(call, repository) if on_comment else _issue(call, repository)


def list_reactions(call: Call, repository: Repository) -> web.Response:
    """`GET …/reactions` of an issue or a comment."""
    wanted = call.request.query.get("content")
    found = [one for one in _target(call, repository).reactions if wanted in (None, one.content)]
    return call.page(found, lambda one: shape.reaction(call.site, one))


def create_reaction(call: Call, repository: Repository) -> web.Response:
    """`POST …/reactions` of an issue or a comment: 201 if new, 200 if it is there."""
    target = _target(call, repository)
    content = call.text("content", resource="Reaction")
    if content not in REACTIONS:
        raise invalid("Reaction", "content", "invalid")
    reaction, new = call.world.react(target, author=call.user, content=content)
    return reply(shape.reaction(call.site, reaction), 201 if new else 200)


def list_labels(call: Call, repository: Repository) -> web.Response:
    """`GET …/issues/{number}/labels`."""
    labels = _issue(call, repository).labels
    return call.page(labels, lambda one: shape.label(call.site, repository, one))


def add_labels(call: Call, repository: Repository) -> web.Response:
    """`POST …/issues/{number}/labels`: 200 with all that are on it then."""
    issue, names = _issue(call, repository), call.body.get("labels")
    if not isinstance(names, list) or not names:
        raise ApiError(422, 'Invalid request.\n\n"labels" wasn\'t supplied.')
    for name in cast("list[object]", names):
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_LABEL:
            raise invalid("Label", "name", "invalid")
        call.world.label(issue, name, call.user)
    return reply([shape.label(call.site, repository, one) for one in issue.labels])


def remove_label(call: Call, repository: Repository) -> web.Response:
    """`DELETE …/issues/{number}/labels/{name}`: 200 with those that are left."""
    issue, name = _issue(call, repository), call.part("name").lower()
    found = next((one for one in issue.labels if one.name.lower() == name), None)
    if found is None:
        raise ApiError(404, "Label does not exist")
    call.world.unlabel(issue, found, call.user)
    return reply([shape.label(call.site, repository, one) for one in issue.labels])


LONGEST_LABEL = 50
ISSUE = r"/issues/{number:\d+}"
COMMENT = r"/issues/comments/{comment_id:\d+}"

ROUTES = (
    RepositoryRoute("GET", "/issues", list_issues, THREADS),
    RepositoryRoute("GET", ISSUE, get_issue, THREADS),
    RepositoryRoute("GET", f"{ISSUE}/comments", list_comments, THREADS),
    RepositoryRoute("POST", f"{ISSUE}/comments", create_comment, THREADS),
    RepositoryRoute("GET", f"{ISSUE}/labels", list_labels, THREADS),
    RepositoryRoute("POST", f"{ISSUE}/labels", add_labels, THREADS),
    RepositoryRoute("DELETE", f"{ISSUE}/labels/{{name}}", remove_label, THREADS),
    RepositoryRoute("GET", COMMENT, get_comment, THREADS),
    RepositoryRoute("PATCH", COMMENT, edit_comment, THREADS),
    RepositoryRoute("DELETE", COMMENT, delete_comment, THREADS),
    RepositoryRoute("GET", f"{COMMENT}/reactions", list_reactions, THREADS),
    RepositoryRoute("POST", f"{COMMENT}/reactions", create_reaction, THREADS),
    RepositoryRoute("GET", f"{ISSUE}/reactions", list_reactions, THREADS),
    RepositoryRoute("POST", f"{ISSUE}/reactions", create_reaction, THREADS),
)
