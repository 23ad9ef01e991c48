"""Every answer and every webhook of the simulator validates against GitHub's own schemas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from githubkit_schemas.latest import models, webhooks
from pydantic import BaseModel, TypeAdapter, ValidationError

from simulator.rest import REPOSITORY_ROUTES, ROUTES
from tests.simulator_support import ALL, Answer, Place, receiving, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

EVENTS = {
    "issue_comment": webhooks.IssueCommentEvent,
    "issues": webhooks.IssuesEvent,
    "pull_request": webhooks.PullRequestEvent,
    "pull_request_review": webhooks.PullRequestReviewEvent,
    "repository": webhooks.RepositoryEvent,
    "installation": webhooks.InstallationEvent,
    "installation_repositories": webhooks.InstallationRepositoriesEvent,
    "ping": webhooks.PingEvent,
    "github_app_authorization": webhooks.GithubAppAuthorizationEvent,
}

# The words of routes that are no names.
FIXED = frozenset(
    {
        "app",
        "app-manifests",
        "conversions",
        "installations",
        "access_tokens",
        "hook",
        "config",
        "deliveries",
        "attempts",
        "repos",
        "users",
        "installation",
        "repositories",
        "token",
        "rate_limit",
        "meta",
        "collaborators",
        "permission",
        "contents",
        "issues",
        "comments",
        "labels",
        "reactions",
        "pulls",
        "requested_reviewers",
        "reviews",
        "branches",
        "git",
        "ref",
        "refs",
        "compare",
        "user",
        "orgs",
        "memberships",
        "applications",
        "grant",
    }
)

# What is asked of a place with one of everything, in order: method, path, body, status, model.
CALLS: list[tuple[str, str, Any, int, Any]] = [
    ("GET", "/app", None, 200, models.Integration),
    ("GET", "/app/installations", None, 200, list[models.Installation]),
    ("GET", "/app/installations/{installation}", None, 200, models.Installation),
    (
        "POST",
        "/app/installations/{installation}/access_tokens",
        {"repositories": ["widgets"], "permissions": {"issues": "read"}},
        201,
        models.InstallationToken,
    ),
    ("GET", "/app/hook/config", None, 200, models.WebhookConfig),
    ("GET", "/app/hook/deliveries", None, 200, list[models.HookDeliveryItem]),
    ("GET", "/app/hook/deliveries/{delivery}", None, 200, models.HookDelivery),
    ("POST", "/app/hook/deliveries/{delivery}/attempts", None, 202, None),
    ("GET", "/repos/acme/widgets/installation", None, 200, models.Installation),
    ("GET", "/repositories/{number}/installation", None, 200, models.Installation),
    ("GET", "/installation/repositories", None, 200, models.InstallationRepositoriesGetResponse200),
    ("GET", "/users/alice", None, 200, models.PublicUser),
    ("GET", "/users/bellhop[bot]", None, 200, models.PublicUser),
    ("GET", "/rate_limit", None, 200, models.RateLimitOverview),
    ("GET", "/meta", None, 200, models.ApiOverview),
    ("GET", "{repo}", None, 200, models.FullRepository),
    ("GET", "/repos/bob/widgets", None, 200, models.FullRepository),
    (
        "GET",
        "{repo}/collaborators/alice/permission",
        None,
        200,
        models.RepositoryCollaboratorPermission,
    ),
    ("GET", "{repo}/contents/README.md", None, 200, models.ContentFile),
    ("GET", "{repo}/contents/src", None, 200, list[models.ContentDirectoryItems]),
    ("GET", "{repo}/issues", None, 200, list[models.Issue]),
    ("GET", "{repo}/issues/1", None, 200, models.Issue),
    ("GET", "{repo}/issues/{pull}", None, 200, models.Issue),
    ("GET", "{repo}/issues/1/comments", None, 200, list[models.IssueComment]),
    ("POST", "{repo}/issues/1/comments", {"body": "b"}, 201, models.IssueComment),
    ("POST", "{repo}/issues/1/labels", {"labels": ["Bell"]}, 200, list[models.Label]),
    ("GET", "{repo}/issues/1/labels", None, 200, list[models.Label]),
    ("DELETE", "{repo}/issues/1/labels/bell", None, 200, list[models.Label]),
    ("GET", "{repo}/issues/comments/{comment}", None, 200, models.IssueComment),
    ("PATCH", "{repo}/issues/comments/{comment}", {"body": "c"}, 200, models.IssueComment),
    (
        "POST",
        "{repo}/issues/comments/{comment}/reactions",
        {"content": "eyes"},
        201,
        models.Reaction,
    ),
    ("GET", "{repo}/issues/comments/{comment}/reactions", None, 200, list[models.Reaction]),
    ("POST", "{repo}/issues/1/reactions", {"content": "+1"}, 201, models.Reaction),
    ("GET", "{repo}/issues/1/reactions", None, 200, list[models.Reaction]),
    ("DELETE", "{repo}/issues/comments/{comment}", None, 204, None),
    ("GET", "{repo}/pulls", None, 200, list[models.PullRequestSimple]),
    (
        "POST",
        "{repo}/pulls",
        {"title": "t", "head": "other", "base": "main", "body": "Closes #1"},
        201,
        models.PullRequest,
    ),
    ("GET", "{repo}/pulls/{pull}", None, 200, models.PullRequest),
    ("GET", "{repo}/pulls/{merged}", None, 200, models.PullRequest),
    ("PATCH", "{repo}/pulls/{pull}", {"title": "u"}, 200, models.PullRequest),
    (
        "POST",
        "{repo}/pulls/{pull}/requested_reviewers",
        {"reviewers": ["alice"]},
        201,
        models.PullRequestSimple,
    ),
    (
        "GET",
        "{repo}/pulls/{pull}/reviews/{review}/comments",
        None,
        200,
        list[models.ReviewComment],
    ),
    ("GET", "{repo}/compare/main...other", None, 200, models.CommitComparison),
    ("GET", "{repo}/branches/main", None, 200, models.BranchWithProtection),
    ("GET", "{repo}/git/ref/heads/main", None, 200, models.GitRef),
    ("POST", "{repo}/git/refs", {"ref": "refs/heads/new", "sha": "{sha}"}, 201, models.GitRef),
    ("PATCH", "{repo}/git/refs/heads/other", {"sha": "{sha}", "force": True}, 200, models.GitRef),
    ("DELETE", "{repo}/git/refs/heads/other", None, 204, None),
    ("DELETE", "/installation/token", None, 204, None),
    ("GET", "/user", None, 200, models.PublicUser),
    ("GET", "/user/installations", None, 200, models.UserInstallationsGetResponse200),
    (
        "GET",
        "/user/installations/{installation}/repositories",
        None,
        200,
        models.UserInstallationsInstallationIdRepositoriesGetResponse200,
    ),
    ("GET", "/user/orgs", None, 200, list[models.OrganizationSimple]),
    ("GET", "/user/memberships/orgs/acme", None, 200, models.OrgMembership),
    (
        "POST",
        "/applications/{client}/token",
        {"access_token": "{person}"},
        200,
        models.Authorization,
    ),
    ("DELETE", "/applications/{client}/token", {"access_token": "{second}"}, 204, None),
    ("DELETE", "/applications/{client}/grant", {"access_token": "{person}"}, 204, None),
]


# What is asked for a new App, which takes the place of the one there was.
MAKING: list[tuple[str, str, Any, int, Any]] = [
    (
        "POST",
        "/app-manifests/{code}/conversions",
        None,
        201,
        models.AppManifestsCodeConversionsPostResponse201,
    ),
    ("GET", "/app", None, 200, models.Integration),
]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with receiving() as receiver, running(tmp_path, webhook_url=receiver.url) as made:
        yield made


async def _fill(place: Place) -> dict[str, Any]:
    """Make one of everything, and return what the paths of CALLS name."""
    sim, repo = place.sim, place.repo
    issue = sim.open_issue(repo, author="alice", title="T", body="B")
    comment = sim.comment(issue, author="alice", body="/fix")
    sim.react(comment, author="alice", content="heart")
    sim.react(issue, author="alice", content="rocket")
    fork = sim.fork(repo, "bob")
    fork.commit("ahead", {"b.txt": "b\n"})
    pull = sim.open_pull(repo, author="bob", head="ahead", from_fork=fork, body="Refs #1")
    repo.commit("done", {"c.txt": "c\n"})
    review = sim.review(pull, author="alice", body="Nearly.", comments=[("b.txt", 1, "Why?")])
    sim.review(pull, author="alice", state="changes_requested")
    merged = sim.open_pull(repo, author="alice", head="done")
    sim.merge_pull(merged, "alice")
    repo.commit("other", {"d.txt": "d\n", "README.md": None})
    sim.react(pull, author="alice", content="eyes")
    sim.add_member("acme", "alice")
    place.installation.permissions["members"] = "read"
    await sim.settled()
    return {
        "repo": "/repos/acme/widgets",
        "number": repo.id,
        "installation": place.installation.id,
        "delivery": sim.deliveries[0].id,
        "comment": comment.id,
        "pull": pull.number,
        "review": review.id,
        "merged": merged.number,
        "sha": repo.git.resolve("main"),
        "client": sim.app.client_id,
        "person": sim.people.give(sim.user("alice")).access,
        "second": sim.people.give(sim.user("alice")).access,
    }


async def test_every_answer_validates(place: Place) -> None:
    names = await _fill(place)
    token = await place.token(permissions=ALL)
    wrong: dict[str, Any] = {}
    for method, path, body, status, model in CALLS:
        wanted = path.format(**names)
        sent = _filled(body, names)
        if wanted == "/user" or wanted.startswith("/user/"):
            answer = await place.call(method, wanted, names["person"], body=sent)
        elif wanted.startswith("/applications/"):
            answer = await place.call(method, wanted, body=sent, headers=place.client_headers)
        elif wanted.startswith("/app") or wanted.endswith("/installation"):
            answer = await place.call(method, wanted, place.jwt(), body=sent)
        else:
            answer = await place.call(method, wanted, token, body=sent)
        problem = _problem(answer, status, model)
        if problem:
            wrong[f"{method} {wanted}"] = problem
    assert wrong == {}


async def test_every_answer_about_a_new_app_validates(place: Place) -> None:
    manifests = place.sim._backend.manifests
    manifest = manifests.check(json.dumps({"name": "Ring", "url": "https://ring.test"}))
    code = manifests.make(manifest, place.sim.user("alice"))
    for method, path, body, status, model in MAKING:
        token = place.jwt() if path == "/app" else None
        answer = await place.call(method, path.format(code=code), token, body=body)
        assert _problem(answer, status, model) is None


def _filled(body: Any, names: dict[str, Any]) -> Any:
    """Put what the names stand for into the texts of a body."""
    if not isinstance(body, dict):
        return body
    return {
        key: text.format(**names) if isinstance(text, str) else text for key, text in body.items()
    }


def _problem(answer: Answer, status: int, model: Any) -> Any:
    """Say what is wrong with an answer, None if nothing is."""
    if answer.status != status:
        return answer.raw
    if model is None:
        return answer.raw if answer.raw not in (b"", b"{}") else None
    try:
        TypeAdapter(model).validate_python(answer.json)
    except ValidationError as error:
        return error.errors()
    return None


def test_every_route_is_called() -> None:
    called = {(method, _outline(path)) for method, path, *_ in (*CALLS, *MAKING)}
    served = {(route.method, _outline(route.path)) for route in ROUTES}
    served |= {(route.method, _outline("{repo}" + route.path)) for route in REPOSITORY_ROUTES}
    assert served - called == set()


def _outline(path: str) -> str:
    """Reduce a route's pattern and a called path to the same text."""
    if path.startswith("{repo}"):
        path = path.replace("{repo}", "/repos/{owner}/{repo}", 1)
    words = path.split("/")
    shape = [word if word in FIXED else "*" for word in words[1:]]
    while shape[-2:] == ["*", "*"]:
        shape.pop()
    return "/".join(shape)


async def test_every_event_validates(tmp_path: Path) -> None:
    async with receiving() as receiver, running(tmp_path, webhook_url=receiver.url) as place:
        sim, repo = place.sim, place.repo
        sim.ping()
        await _fill(place)
        issue, pull = repo.issues[0], repo.pulls[0]
        on_pull = sim.comment(pull, author="alice", body="/fix")
        await place.call(
            "POST", "/repos/acme/widgets/issues/1/comments", await place.token(), body={"body": "x"}
        )
        sim.edit_comment(on_pull, "/ask")
        sim.delete_comment(on_pull)
        pull.head_repository.commit("ahead", {"more.txt": "more\n"})
        sim.close_pull(pull)
        sim.reopen_pull(pull)
        target = sim.add_repository("acme/gadgets")
        sim.install(target)
        sim.unlabel(issue, sim.label(issue, "bell", "alice"), "alice")
        sim.transfer_issue(issue, target)
        second = sim.open_issue(repo, author="alice", title="No body")
        sim.close_issue(second)
        sim.delete_issue(second)
        sim.rename_repository(repo, "sprockets")
        sim.archive_repository(repo)
        sim.remove_repository(place.installation, target)
        sim.suspend(place.installation)
        sim.unsuspend(place.installation)
        sim.delete_repository(repo)
        sim.uninstall(place.installation)
        own = sim.add_repository("alice/notes")
        sim.install(own)
        sim.open_issue(own, author="alice", title="Mine")
        sim.revoke_authorization("alice")
        await sim.settled()

        for headers, body in receiver.got:
            model = EVENTS[headers["X-GitHub-Event"]]
            TypeAdapter(model).validate_python(json.loads(body))

        assert set(receiver.events) == {
            ("ping", None),
            ("github_app_authorization", "revoked"),
            ("installation", "created"),
            ("installation", "suspend"),
            ("installation", "unsuspend"),
            ("installation", "deleted"),
            ("installation_repositories", "added"),
            ("installation_repositories", "removed"),
            ("issues", "opened"),
            ("issues", "closed"),
            ("issues", "deleted"),
            ("issues", "transferred"),
            ("issues", "labeled"),
            ("issues", "unlabeled"),
            ("issue_comment", "created"),
            ("issue_comment", "edited"),
            ("issue_comment", "deleted"),
            ("pull_request", "opened"),
            ("pull_request", "synchronize"),
            ("pull_request", "closed"),
            ("pull_request", "reopened"),
            ("pull_request_review", "submitted"),
            ("repository", "renamed"),
            ("repository", "archived"),
            ("repository", "deleted"),
        }


@pytest.mark.parametrize(
    ("method", "path", "body", "model"),
    [
        ("GET", "/repos/acme/none", None, models.BasicError),
        ("GET", "/app", None, models.BasicError),
        ("POST", "/repos/acme/widgets/issues/1/comments", {}, models.ValidationErrorSimple),
        ("POST", "/repos/acme/widgets/issues/1/comments", {"body": ""}, models.ValidationError),
        (
            "POST",
            "/repos/acme/widgets/pulls",
            {"title": "t", "head": "main", "base": "main"},
            models.ValidationError,
        ),
    ],
)
async def test_refusals_validate(
    place: Place, method: str, path: str, body: Any, model: type[BaseModel]
) -> None:
    place.sim.open_issue(place.repo, author="alice", title="T")
    answer = await place.call(method, path, await place.token(), body=body)
    assert answer.status >= 400
    model.model_validate(answer.json)
