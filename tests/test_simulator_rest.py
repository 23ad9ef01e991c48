"""The simulator refuses what GitHub refuses, and answers with its codes and headers."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from simulator.model import REACTIONS
from simulator.reviews import NotInDiffError
from tests.simulator_support import ALL, Place, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

REPO = "/repos/acme/widgets"
COMMENTS = f"{REPO}/issues/1/comments"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with running(tmp_path) as made:
        made.sim.open_issue(made.repo, author="alice", title="T", body="B")
        yield made


def branch(place: Place, name: str = "topic") -> str:
    return place.repo.commit(name, {f"{name}.txt": "new\n"})


# --- who asks


APP_JWT: list[Any] = [
    ({}, None),
    ({"iss": "4711"}, None),
    ({"iss": "someone"}, "Integration not found"),
    ({"iss": None}, "Integration not found"),
    ({"exp": 1}, "must be a numeric value"),
    ({"exp": int(time.time()) + 70_000}, "too far in the future"),
    ({"iat": int(time.time()) + 40_000}, "'Issued at'"),
    ({"iat": None}, "'Issued at'"),
]


async def test_app_jwt(place: Place) -> None:
    for claims, message in APP_JWT:
        answer = await place.call("GET", "/app", place.jwt(**claims))
        assert answer.status == (200 if message is None else 401), (claims, message)
        assert (message or "") in answer.json.get("message", ""), (claims, message)


BAD_CREDENTIALS: list[Any] = [
    "Bearer nonsense",
    "Bearer eyJhbGciOiJub25lIn0.e30.",
    "Digest x",
    "Basic !",
    "Bearer ",
]


async def test_bad_credentials(place: Place) -> None:
    for credentials in BAD_CREDENTIALS:
        answer = await place.call("GET", REPO, headers={"Authorization": credentials})
        assert answer.status == 401, credentials
        assert answer.json["status"] == "401", credentials


async def test_a_jwt_signed_with_another_key_is_refused(place: Place) -> None:
    good = place.jwt()
    head, claims, signature = good.split(".")
    forged = ".".join([head, claims, signature[::-1]])
    answer = await place.call("GET", "/app", forged)
    assert (answer.status, answer.json["message"]) == (
        401,
        "A JSON web token could not be decoded",
    )


async def test_each_route_wants_its_own_kind_of_credentials(place: Place) -> None:
    token = await place.token()
    assert (await place.call("GET", "/app", token)).status == 401
    assert (await place.call("GET", "/installation/repositories", place.jwt())).status == 403
    assert (await place.call("GET", "/installation/repositories")).status == 401
    assert (await place.call("GET", REPO, place.jwt())).status == 403
    assert (await place.call("POST", COMMENTS, body={"body": "x"})).status == 401


async def test_a_token_is_long_and_lives_for_an_hour(place: Place) -> None:
    token = await place.token()
    assert token.startswith("ghs_4711_")
    assert 450 < len(token) < 600
    assert (await place.call("GET", REPO, token)).status == 200
    place.sim.now = lambda: datetime.now(UTC) + timedelta(hours=1, seconds=1)
    assert (await place.call("GET", REPO, token)).status == 401


async def test_a_token_ends_when_expired_revoked_or_uninstalled(place: Place) -> None:
    expired, revoked, orphan = [await place.token() for _ in range(3)]
    place.sim.expire(expired)
    assert (await place.call("DELETE", "/installation/token", revoked)).status == 204
    assert (await place.call("GET", REPO, orphan)).status == 200
    place.sim.uninstall(place.installation)
    for token in (expired, revoked, orphan):
        assert (await place.call("GET", REPO, token)).status == 401
    path = f"/app/installations/{place.installation.id}/access_tokens"
    assert (await place.call("POST", path, place.jwt())).status == 404


async def test_a_suspended_installation_can_do_nothing(place: Place) -> None:
    token = await place.token()
    place.sim.suspend(place.installation)
    assert (await place.call("GET", REPO, token)).status == 403
    path = f"/app/installations/{place.installation.id}/access_tokens"
    assert (await place.call("POST", path, place.jwt())).status == 403
    place.sim.unsuspend(place.installation)
    assert (await place.call("GET", REPO, token)).status == 200


A_TOKEN_CANNOT_EXCEED_THE_INSTALLATION: list[Any] = [
    {"repositories": ["unknown"]},
    {"repositories": "widgets"},
    {"repository_ids": [1]},
    {"permissions": {"workflows": "write"}},
    {"permissions": {"contents": "admin"}},
    {"permissions": {"contents": "everything"}},
    {"permissions": {"metadata": "write"}},
]


async def test_a_token_cannot_exceed_the_installation(place: Place) -> None:
    for narrowing in A_TOKEN_CANNOT_EXCEED_THE_INSTALLATION:
        path = f"/app/installations/{place.installation.id}/access_tokens"
        answer = await place.call("POST", path, place.jwt(), body=narrowing)
        assert answer.status == 422, narrowing


PERMISSIONS: list[Any] = [
    ({}, "GET", REPO, None, 200),
    ({}, "GET", f"{REPO}/collaborators/alice/permission", None, 200),
    ({}, "GET", f"{REPO}/contents/README.md", None, 403),
    ({"contents": "read"}, "GET", f"{REPO}/contents/README.md", None, 200),
    ({"contents": "read"}, "DELETE", f"{REPO}/git/refs/heads/topic", None, 403),
    ({"contents": "write"}, "DELETE", f"{REPO}/git/refs/heads/topic", None, 204),
    ({"issues": "read"}, "GET", COMMENTS, None, 200),
    ({"issues": "read"}, "POST", COMMENTS, {"body": "x"}, 403),
    ({"issues": "write"}, "POST", COMMENTS, {"body": "x"}, 201),
    ({"pull_requests": "write"}, "POST", COMMENTS, {"body": "x"}, 403),
    ({"pull_requests": "write"}, "POST", f"{REPO}/issues/2/comments", {"body": "x"}, 201),
    ({"issues": "write"}, "POST", f"{REPO}/issues/2/comments", {"body": "x"}, 201),
    ({"issues": "write"}, "GET", f"{REPO}/pulls/2", None, 403),
    ({"pull_requests": "read"}, "GET", f"{REPO}/pulls/2", None, 200),
]


async def test_permissions(place: Place) -> None:
    branch(place)
    place.sim.open_pull(place.repo, author="alice", head="topic")
    for permissions, method, path, body, status in PERMISSIONS:
        token = await place.token(permissions=permissions)
        assert (await place.call(method, path, token, body=body)).status == status, (
            permissions,
            method,
            path,
            body,
            status,
        )


async def test_a_token_reaches_its_repositories_only(place: Place) -> None:
    hidden = place.sim.add_repository("acme/hidden", private=True)
    public = place.sim.add_repository("acme/public")
    place.sim.open_issue(public, author="alice", title="T")
    place.sim.install(hidden, public)
    narrow = await place.token(repository_ids=[place.repo.id])
    wide = await place.token()
    assert (await place.call("GET", "/repos/acme/hidden", narrow)).status == 404
    assert (await place.call("GET", "/repos/acme/hidden")).status == 404
    assert (await place.call("GET", "/repos/acme/hidden", wide)).status == 200
    assert (await place.call("GET", "/repos/acme/public", narrow)).status == 200
    path = "/repos/acme/public/issues/1/comments"
    assert (await place.call("POST", path, narrow, body={"body": "x"})).status == 403
    listed = await place.call("GET", "/installation/repositories", narrow)
    assert [one["full_name"] for one in listed.json["repositories"]] == ["acme/widgets"]
    place.sim.remove_repository(place.installation, hidden)
    assert (await place.call("GET", "/repos/acme/hidden", wide)).status == 404


# --- how it is asked


HEADERS: list[Any] = [
    ({"User-Agent": ""}, 403),
    ({"X-GitHub-Api-Version": "2022-11-28"}, 200),
    ({"X-GitHub-Api-Version": "2019-01-01"}, 410),
    ({"X-GitHub-Api-Version": "2031-01-01"}, 400),
    ({"X-GitHub-Api-Version": "new"}, 400),
]


async def test_headers(place: Place) -> None:
    for headers, status in HEADERS:
        assert (await place.call("GET", REPO, headers=headers)).status == status, (headers, status)


BAD_BODIES: list[Any] = [
    (b"{", 400, "Problems parsing JSON"),
    (b"[]", 400, "Body should be a JSON object"),
    (b"", 422, '"body" wasn\'t supplied'),
    (b'{"body": 1}', 422, "is not a string"),
    (b'{"body": " "}', 422, "Validation Failed"),
]


async def test_bad_bodies(place: Place) -> None:
    for raw, status, message in BAD_BODIES:
        headers = {"Authorization": f"Bearer {await place.token()}"}
        url = f"{place.sim.api_url}{COMMENTS}"
        async with place.session.post(url, data=raw, headers=headers) as answer:
            assert answer.status == status, (raw, status, message)
            assert message in (await answer.json())["message"], (raw, status, message)
        assert place.repo.issues[0].comments == [], (raw, status, message)


@pytest.mark.parametrize(("length", "status"), [(65_536, 201), (65_537, 422)])
async def test_longest_comment(place: Place, length: int, status: int) -> None:
    answer = await place.call("POST", COMMENTS, await place.token(), body={"body": "é" * length})
    assert answer.status == status


async def test_the_rate_limit_is_counted_for_each_installation(place: Place) -> None:
    token = await place.token()
    first = await place.call("GET", REPO, token)
    second = await place.call("GET", REPO, token)
    assert first.headers["x-ratelimit-limit"] == "5000"
    left = [int(one.headers["x-ratelimit-remaining"]) for one in (first, second)]
    assert left == [4999, 4998]
    same = await place.call("GET", REPO, token, headers={"If-None-Match": second.headers["ETag"]})
    assert (same.status, same.raw) == (304, b"")
    assert same.headers["x-ratelimit-remaining"] == "4998"
    free = await place.call("GET", "/rate_limit", token)
    assert free.json["resources"]["core"]["remaining"] == 4998
    assert "rate" not in free.json
    old = await place.call("GET", "/rate_limit", headers={"X-GitHub-Api-Version": "2022-11-28"})
    assert old.json["rate"]["limit"] == 60


async def test_an_exhausted_rate_limit_refuses_until_its_hour_is_over(place: Place) -> None:
    token = await place.token()
    await place.call("GET", REPO, token)
    (actor,) = [one for one in place.sim.requests if one.actor.startswith("installation:")]
    assert actor.actor == f"installation:{place.installation.id}"
    window = place.sim.limits.window(place.sim.tokens.identify(f"token {token}"))
    window.used = window.limit
    refused = await place.call("GET", REPO, token)
    assert (refused.status, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    window.reset_at = datetime.now(UTC)
    assert (await place.call("GET", REPO, token)).status == 200


async def test_the_log_says_who_asked_what(place: Place) -> None:
    await place.call("GET", f"{REPO}/contents/none?ref=main", await place.token())
    last = place.sim.requests[-1]
    assert (last.method, last.path, last.query) == ("GET", f"{REPO}/contents/none", "ref=main")
    assert (last.status, last.actor) == (404, f"installation:{place.installation.id}")


WHAT_IS_NOT_THERE: list[Any] = [
    "/nowhere",
    "/repos/acme/nothing",
    "/repositories/1",
    "/users/nobody",
    f"{REPO}/issues/99",
    f"{REPO}/issues/comments/99",
    f"{REPO}/pulls/1",
    f"{REPO}/branches/none",
    f"{REPO}/git/ref/heads/none",
    f"{REPO}/compare/main...none",
    f"{REPO}/compare/main",
    f"{REPO}/contents/none",
    f"{REPO}/contents/README.md?ref=none",
    f"{REPO}/collaborators/nobody/permission",
]


async def test_what_is_not_there(place: Place) -> None:
    for path in WHAT_IS_NOT_THERE:
        answer = await place.call("GET", path)
        assert answer.status == 404, path
        assert answer.json["documentation_url"], path


# --- repositories


async def test_a_renamed_repository_redirects(place: Place) -> None:
    token = await place.token()
    place.sim.rename_repository(place.repo, "gadgets")
    read = await place.call("GET", f"{COMMENTS}?page=1", token)
    written = await place.call("POST", COMMENTS, token, body={"body": "x"})
    place_now = f"{place.sim.api_url}/repositories/{place.repo.id}/issues/1/comments"
    assert (read.status, read.headers["Location"]) == (301, f"{place_now}?page=1")
    assert (written.status, written.headers["Location"]) == (307, place_now)
    found = await place.call("GET", f"{REPO}/installation", place.jwt())
    assert found.headers["Location"].endswith(f"/repositories/{place.repo.id}/installation")
    assert (await place.call("GET", found.headers["Location"], place.jwt())).status == 200
    followed = await place.call("POST", written.headers["Location"], token, body={"body": "x"})
    assert followed.status == 201
    assert (await place.call("GET", "/repos/acme/gadgets", token)).json["name"] == "gadgets"


async def test_archived_and_deleted_repositories(place: Place) -> None:
    token = await place.token()
    place.sim.archive_repository(place.repo)
    assert (await place.call("POST", COMMENTS, token, body={"body": "x"})).status == 403
    assert (await place.call("GET", COMMENTS, token)).status == 200
    place.sim.delete_repository(place.repo)
    assert (await place.call("GET", COMMENTS, token)).status == 404
    assert (await place.call("GET", f"{REPO}/installation", place.jwt())).status == 404


ROLES: list[Any] = [
    ("admin", None, "admin", True),
    ("maintain", None, "write", True),
    ("write", None, "write", True),
    ("triage", None, "read", False),
    ("read", None, "read", False),
    ("release-crew", "write", "write", True),
    ("helper", "triage", "read", False),
]


async def test_roles(place: Place) -> None:
    for role, base, permission, push in ROLES:
        place.repo.set_role("alice", role, base)
        answer = await place.call(
            "GET", f"{REPO}/collaborators/Alice/permission", await place.token()
        )
        body = answer.json
        assert (body["permission"], body["role_name"]) == (permission, role), (
            role,
            base,
            permission,
            push,
        )
        assert body["user"]["permissions"]["push"] is push, (role, base, permission, push)
        assert body["user"]["permissions"]["pull"] is True, (role, base, permission, push)


async def test_strangers_and_owners(place: Place) -> None:
    place.sim.add_user("stranger")
    private = place.sim.add_repository("bob/private", private=True)
    place.sim.install(private)
    everywhere = {"permission": "read", "role_name": "read"}
    path = f"{REPO}/collaborators/stranger/permission"
    assert everywhere.items() <= (await place.call("GET", path)).json.items()
    assert private.role(place.sim.user("stranger")).base == "none"
    assert private.role(place.sim.user("bob")).base == "admin"
    with pytest.raises(ValueError, match="no role of GitHub"):
        private.set_role("bob", "captain")
    with pytest.raises(LookupError, match="add_user"):
        place.sim.user("nobody")


async def test_contents(place: Place) -> None:
    place.repo.commit("main", {"big.bin": b"\0" * (1024 * 1024 + 1)})
    file = await place.call("GET", f"{REPO}/contents/src/a.py?ref=main")
    assert base64.b64decode(file.json["content"]) == b"x = 1\n"
    raw = await place.call(
        "GET", f"{REPO}/contents/src/a.py", headers={"Accept": "application/vnd.github.raw+json"}
    )
    assert raw.raw == b"x = 1\n"
    assert raw.headers["Content-Type"].startswith("application/vnd.github.raw+json")
    root = await place.call("GET", f"{REPO}/contents/")
    assert [(one["name"], one["type"]) for one in root.json] == [
        ("README.md", "file"),
        ("big.bin", "file"),
        ("src", "dir"),
    ]
    big = await place.call("GET", f"{REPO}/contents/big.bin")
    assert (big.json["encoding"], big.json["content"]) == ("none", "")
    etag = file.headers["ETag"]
    headers = {"If-None-Match": etag}
    again = f"{REPO}/contents/src/a.py?ref=main"
    assert (await place.call("GET", again, headers=headers)).status == 304
    place.repo.commit("main", {"src/a.py": "x = 2\n"})
    assert (await place.call("GET", again, headers=headers)).status == 200


# --- issues and comments


async def test_comments_are_listed_in_pages_and_since(place: Place) -> None:
    issue = place.repo.issues[0]
    start = datetime(2026, 11, 21, tzinfo=UTC)
    for number in range(5):
        place.sim.now = lambda number=number: start + timedelta(minutes=number)
        place.sim.comment(issue, author="alice", body=str(number))
    place.sim.now = lambda: datetime.now(UTC)
    token = await place.token()
    pages: list[list[str]] = []
    url: str | None = f"{COMMENTS}?per_page=2"
    while url:
        answer = await place.call("GET", url, token)
        pages.append([one["body"] for one in answer.json])
        links = {
            part.split("; ")[1]: part.split("; ")[0].strip("<>")
            for part in answer.headers.get("Link", "").split(", ")
            if part
        }
        url = links.get('rel="next"')
        assert ('rel="prev"' in links) is (len(pages) > 1)
    assert pages == [["0", "1"], ["2", "3"], ["4"]]
    since = await place.call("GET", f"{COMMENTS}?since=2026-11-21T00:03:00Z", token)
    assert [one["body"] for one in since.json] == ["3", "4"]
    assert (await place.call("GET", f"{COMMENTS}?since=soon", token)).status == 422
    odd = await place.call("GET", f"{COMMENTS}?per_page=x&page=y", token)
    assert len(odd.json) == 5


async def test_the_app_writes_as_its_bot(place: Place) -> None:
    token = await place.token(permissions=ALL)
    made = (await place.call("POST", COMMENTS, token, body={"body": "one"})).json
    assert (made["user"]["login"], made["user"]["type"]) == ("bellhop[bot]", "Bot")
    assert made["performed_via_github_app"]["id"] == place.sim.app.app_id
    path = f"{REPO}/issues/comments/{made['id']}"
    edited = await place.call("PATCH", path, token, body={"body": "two"})
    assert edited.json["body"] == "two"
    assert [one.body for one in place.repo.issues[0].comments] == ["two"]
    assert (await place.call("DELETE", path, token)).status == 204
    assert (await place.call("GET", path, token)).status == 404


async def test_reactions_are_idempotent(place: Place) -> None:
    token = await place.token()
    comment = place.sim.comment(place.repo.issues[0], author="alice", body="x")
    path = f"{REPO}/issues/comments/{comment.id}/reactions"
    for content in REACTIONS:
        statuses = [
            (await place.call("POST", path, token, body={"content": content})).status
            for _ in range(2)
        ]
        assert statuses == [201, 200]
    assert len(comment.reactions) == len(REACTIONS)
    eyes = await place.call("GET", f"{path}?content=eyes", token)
    assert [one["content"] for one in eyes.json] == ["eyes"]
    assert (await place.call("POST", path, token, body={"content": "shrug"})).status == 422


async def test_deleted_and_transferred_issues(place: Place) -> None:
    token = await place.token()
    target = place.sim.add_repository("acme/gadgets")
    second = place.sim.open_issue(place.repo, author="alice", title="Moving")
    place.sim.comment(second, author="alice", body="goes along")
    moved = place.sim.transfer_issue(second, target)
    place.sim.delete_issue(place.repo.issues[0])
    gone = await place.call("POST", COMMENTS, token, body={"body": "x"})
    assert (gone.status, gone.json["message"]) == (410, "This issue was deleted")
    there = await place.call("GET", f"{REPO}/issues/2/comments", token)
    new = f"{place.sim.api_url}/repositories/{target.id}/issues/{moved.number}/comments"
    assert (there.status, there.headers["Location"]) == (301, new)
    assert [one["body"] for one in (await place.call("GET", new)).json] == ["goes along"]


# --- pull requests


async def test_a_pull_request_is_opened_once(place: Place) -> None:
    sha, token = branch(place), await place.token()
    wanted = {"title": "t", "head": "topic", "base": "main", "body": "b"}
    made = await place.call("POST", f"{REPO}/pulls", token, body=wanted)
    assert made.status == 201
    assert (made.json["head"]["sha"], made.json["changed_files"]) == (sha, 1)
    again = await place.call("POST", f"{REPO}/pulls", token, body=wanted)
    assert again.json["errors"][0]["message"] == "A pull request already exists for acme:topic."
    for query, found in (
        ("head=acme:topic", 1),
        ("head=acme:topic&base=main&state=all", 1),
        ("head=acme:other", 0),
        ("base=other", 0),
        ("state=closed", 0),
    ):
        listed = await place.call("GET", f"{REPO}/pulls?{query}", token)
        assert len(listed.json) == found, query


PULL_REQUESTS_THAT_CANNOT_BE: list[Any] = [
    ({"head": "none"}, "head", None),
    ({"head": "bob:topic"}, "head", None),
    ({"base": "none"}, "base", None),
    ({"head": "main"}, None, "No commits between main and main"),
    ({"title": " "}, "title", None),
    ({"title": "x" * 257}, "title", "title is too long (maximum is 256 characters)"),
    ({"body": "x" * 65_537}, "body", "body is too long (maximum is 65536 characters)"),
]


async def test_pull_requests_that_cannot_be(place: Place) -> None:
    branch(place)
    for change, field, message in PULL_REQUESTS_THAT_CANNOT_BE:
        wanted = {"title": "t", "head": "topic", "base": "main", **change}
        answer = await place.call("POST", f"{REPO}/pulls", await place.token(), body=wanted)
        assert answer.status == 422, (change, field, message)
        (error,) = answer.json["errors"]
        assert (error.get("field"), error.get("message")) == (field, message), (
            change,
            field,
            message,
        )
        assert place.repo.pulls == [], (change, field, message)


async def test_a_pull_request_from_a_fork(place: Place) -> None:
    fork = place.sim.fork(place.repo, "bob")
    sha = fork.commit("topic", {"b.txt": "b\n"})
    wanted = {"title": "t", "head": "bob:topic", "base": "main"}
    made = await place.call("POST", f"{REPO}/pulls", await place.token(), body=wanted)
    assert made.json["head"]["repo"]["full_name"] == "bob/widgets"
    assert (made.json["head"]["label"], made.json["maintainer_can_modify"]) == ("bob:topic", True)
    assert place.repo.git.refs("refs/pull/") == {f"refs/pull/{made.json['number']}/head": sha}


async def test_a_pull_request_follows_its_branch_until_it_ends(place: Place) -> None:
    branch(place)
    token = await place.token()
    pull = place.sim.open_pull(place.repo, author="alice", head="topic", body="Closes #1")
    path = f"{REPO}/pulls/{pull.number}"
    newer = place.repo.commit("topic", {"more.txt": "more\n"})
    assert (await place.call("GET", path, token)).json["head"]["sha"] == newer
    closed = await place.call("PATCH", path, token, body={"state": "closed"})
    assert closed.json["state"] == "closed"
    changes = {"state": "open", "title": "T2", "body": "Fixes: acme/widgets#1", "base": "main"}
    assert (await place.call("PATCH", path, token, body=changes)).json["title"] == "T2"
    for wrong in ({"state": "merged"}, {"base": "none"}):
        assert (await place.call("PATCH", path, token, body=wrong)).status == 422
    assert [one.number for one in place.sim.closing_references(pull)] == [1]
    sha = place.sim.merge_pull(pull, "alice")
    merged = (await place.call("GET", path, token)).json
    assert (merged["merged"], merged["merge_commit_sha"]) == (True, sha)
    assert place.repo.read_file("main", "more.txt") == "more\n"
    assert place.repo.issues[0].state == "closed"
    assert (await place.call("PATCH", path, token, body={"state": "open"})).status == 422


async def test_a_pull_request_whose_branch_is_deleted_stays_closed(place: Place) -> None:
    branch(place)
    token = await place.token()
    pull = place.sim.open_pull(place.repo, author="alice", head="topic")
    assert (await place.call("DELETE", f"{REPO}/git/refs/heads/topic", token)).status == 204
    assert pull.state == "closed"
    reopened = await place.call("PATCH", f"{REPO}/pulls/2", token, body={"state": "open"})
    assert "has been deleted" in reopened.json["errors"][0]["message"]


@pytest.mark.parametrize(
    ("body", "base", "closes"),
    [
        ("Closes #1", "main", [1]),
        ("fixed #1 and resolves #1", "main", [1]),
        ("Resolve: acme/widgets#1", "main", [1]),
        ("Refs #1", "main", []),
        ("prefix #1", "main", []),
        ("closes #99, fixes other/place#1", "main", []),
        ("Closes #1", "next", []),
        (None, "main", []),
    ],
)
async def test_closing_keywords(
    place: Place, body: str | None, base: str, closes: list[int]
) -> None:
    place.repo.commit("next", {"n.txt": "n\n"})
    branch(place)
    pull = place.sim.open_pull(place.repo, author="alice", head="topic", base=base, body=body)
    assert [one.number for one in place.sim.closing_references(pull)] == closes
    assert place.sim.closing_pulls(place.repo.issues[0]) == ([pull] if closes else [])


@pytest.mark.parametrize(
    ("reviewer", "status"), [("alice", 201), ("author", 422), ("stranger", 422), ("nobody", 422)]
)
async def test_reviewers(place: Place, reviewer: str, status: int) -> None:
    place.sim.add_user("stranger")
    place.repo.set_role("author", "write")
    branch(place)
    pull = place.sim.open_pull(place.repo, author="author", head="topic")
    path = f"{REPO}/pulls/{pull.number}/requested_reviewers"
    answer = await place.call("POST", path, await place.token(), body={"reviewers": [reviewer]})
    assert answer.status == status
    assert [one.login for one in pull.requested_reviewers] == (["alice"] if status == 201 else [])


# --- refs


async def test_refs_move_forwards_only_unless_forced(place: Place) -> None:
    token, old = await place.token(), place.repo.git.resolve("main")
    new = branch(place)
    path = f"{REPO}/git/refs/heads/feature/x"
    made = {"ref": "refs/heads/feature/x", "sha": old}
    assert (await place.call("POST", f"{REPO}/git/refs", token, body=made)).status == 201
    assert (await place.call("PATCH", path, token, body={"sha": new})).status == 200
    back = await place.call("PATCH", path, token, body={"sha": old})
    assert (back.status, back.json["message"]) == (422, "Update is not a fast forward")
    assert (await place.call("PATCH", path, token, body={"sha": old, "force": True})).status == 200
    found = await place.call("GET", f"{REPO}/git/ref/heads/feature/x", token)
    assert found.json["object"]["sha"] == old
    assert (await place.call("DELETE", path, token)).status == 204
    assert (await place.call("DELETE", path, token)).json["message"] == "Reference does not exist"


REFS_THAT_CANNOT_BE: list[Any] = [
    ("refs/heads/main", None, "Reference already exists"),
    ("refs/heads/x", "0" * 40, "Object does not exist"),
    ("refs/heads/x", "main", "Object does not exist"),
    ("refs/pull/1/head", None, "is not a valid ref name"),
    ("refs/heads/a..b", None, "is not a valid ref name"),
]


async def test_refs_that_cannot_be(place: Place) -> None:
    for ref, sha, message in REFS_THAT_CANNOT_BE:
        wanted = {"ref": ref, "sha": sha or place.repo.git.resolve("main")}
        answer = await place.call("POST", f"{REPO}/git/refs", await place.token(), body=wanted)
        assert answer.status == 422, (ref, sha, message)
        assert message in answer.json["message"], (ref, sha, message)


async def test_a_protected_branch_does_not_move(place: Place) -> None:
    place.sim.protect_branch(place.repo, "main")
    token, new = await place.token(), branch(place)
    path = f"{REPO}/git/refs/heads/main"
    assert (await place.call("PATCH", path, token, body={"sha": new})).status == 422
    assert (await place.call("DELETE", path, token)).status == 422
    main, topic = [
        (await place.call("GET", f"{REPO}/branches/{name}", token)).json
        for name in ("main", "topic")
    ]
    assert (main["protected"], topic["protected"]) == (True, False)


@pytest.mark.parametrize(
    ("base", "head", "status", "ahead", "behind"),
    [
        ("main", "main", "identical", 0, 0),
        ("start", "main", "ahead", 1, 0),
        ("main", "start", "behind", 0, 1),
        ("main", "topic", "diverged", 1, 1),
    ],
)
async def test_compare(
    place: Place, *, base: str, head: str, status: str, ahead: int, behind: int
) -> None:
    place.repo.git.set_ref("refs/heads/start", place.repo.git.resolve("main") or "")
    branch(place)
    place.repo.commit("main", {"README.md": b"\0\1", "src/a.py": None, "new.txt": "n\n"})
    answer = (await place.call("GET", f"{REPO}/compare/{base}...{head}")).json
    assert (answer["status"], answer["ahead_by"], answer["behind_by"]) == (status, ahead, behind)
    assert answer["total_commits"] == len(answer["commits"]) == ahead
    if base == "start":
        assert [(one["filename"], one["status"], one["changes"]) for one in answer["files"]] == [
            ("README.md", "modified", 0),
            ("new.txt", "added", 1),
            ("src/a.py", "removed", 1),
        ]


async def test_unrelated_histories_do_not_compare(place: Place) -> None:
    other = place.sim.add_repository("acme/other", {"o.txt": "o\n"})
    place.repo.git.fetch(other.git, "refs/heads/main", "refs/heads/island")
    answer = await place.call("GET", f"{REPO}/compare/main...island")
    assert (answer.status, "No common ancestor" in answer.json["message"]) == (404, True)


async def test_comments_of_reviews(place: Place) -> None:
    branch(place)
    pull = place.sim.open_pull(place.repo, author="alice", head="topic")
    review = place.sim.review(pull, author="bob", comments=[("topic.txt", 1, "Why?")])
    url = f"{REPO}/pulls/{pull.number}/reviews"
    token = await place.token()
    (comment,) = (await place.call("GET", f"{url}/{review.id}/comments", token)).json
    assert (comment["path"], comment["diff_hunk"]) == ("topic.txt", "@@ -0,0 +1 @@\n+new")
    assert "line" not in comment, "GitHub does not tell it here"
    assert (await place.call("GET", f"{url}/1/comments", token)).status == 404
    narrow = await place.token(permissions={"issues": "write"})
    assert (await place.call("GET", f"{url}/{review.id}/comments", narrow)).status == 403
    with pytest.raises(NotInDiffError):
        place.sim.review(pull, author="bob", comments=[("topic.txt", 2, "Where?")])
