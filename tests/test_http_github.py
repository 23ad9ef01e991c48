"""What somebody who has signed in sees of GitHub, and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.github.as_user import A_WHILE
from bot.http.github_bodies import LONGEST_EXCERPT
from tests.http_github import signed_in, visited
from tests.http_pages import browser
from tests.http_tasks import WAITS, Desk, desk

ROUTES = [
    "/github/summary",
    "/github/profile",
    "/github/orgs",
    "/github/installations",
    "/github/repositories",
    "/github/issues/acme/widgets",
    "/github/issues/acme/widgets/1",
]
PLACES = "/user/installations"


def within(here: Desk) -> str:
    return f"/user/installations/{here.stage.installation.id}/repositories"


def add(here: Desk, name: str, login: str = "alice", role: str = "write", **more: Any) -> None:
    """Another repository with the App on it."""
    sim = here.stage.sim
    made = sim.add_repository(name, {"README.md": "#\n"}, **more)
    made.set_role(login, role)
    sim.install(made)


@pytest.mark.parametrize("path", ROUTES)
async def test_nobody_is_let_in_without_a_session(tmp_path: Path, path: str) -> None:
    async with desk(tmp_path) as (here, alice):
        nobody = await browser(here)
        answer = await nobody.get(f"/api{path}", Accept="application/json")
        assert answer.status == 401
        with_key = await alice.call("GET", path)
        assert (with_key.status, with_key.body["code"]) == (403, "forbidden")
        assert not [one for one in here.stage.sim.requests if one.path.startswith("/user/")]


@pytest.mark.parametrize("path", ROUTES)
async def test_whose_token_is_gone_signs_in_again(tmp_path: Path, path: str) -> None:
    async with visited(tmp_path) as (here, alice):
        assert (await alice.ask(path))[0] == 200
        here.stage.sim.revoke_authorization("alice")
        here.stage.time_passes(seconds=A_WHILE)
        for _ in range(2):
            status, body = await alice.ask(path)
            assert (status, body["code"]) == (401, "sign_in_again")
            assert "Sign in again" in body["detail"]


async def test_whoever_never_had_a_token_signs_in_again(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        alice.browser = await browser(here, "bob")
        status, body = await alice.ask("/github/profile")
        assert (status, body["code"]) == (401, "sign_in_again")


@pytest.mark.parametrize("path", ROUTES)
async def test_what_github_does_not_say_is_no_answer(tmp_path: Path, path: str) -> None:
    async with visited(tmp_path) as (here, alice):
        here.stage.fault("GET", "/(user|repos)", "status", times=100, status=502)
        status, body = await alice.ask(path)
        assert (status, body["code"]) == (503, "lookup_failed")


@pytest.mark.parametrize("path", ROUTES)
async def test_a_limit_says_when_to_come_back(tmp_path: Path, path: str) -> None:
    async with visited(tmp_path) as (here, alice):
        here.stage.fault("GET", "/(user|repos)", "rate_limited", retry_after=90)
        answer = await alice.browser.get(f"/api{path}")
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "90"
        assert "github_limited" in answer.html
        before = len(alice.asked)
        assert (await alice.ask(path))[0] == 503
        assert len(alice.asked) == before


async def test_a_profile(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        status, body = await alice.ask("/github/profile")
        assert status == 200
        assert (body["login"], body["id"]) == ("alice", here.stage.sim.user("alice").id)
        assert body["url"] == f"{here.stage.settings.github_url}/alice"


async def test_organisations(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        here.stage.sim.add_member("guild", "alice")
        add(here, "guild/hall")
        _, body = await alice.ask("/github/orgs")
        assert [one["login"] for one in body["orgs"]] == ["guild"]
        assert body["complete"]


async def test_installations(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        _, body = await alice.ask("/github/installations")
        (one,) = body["installations"]
        assert one["installationId"] == here.stage.installation.id
        assert one["account"]["login"] == "acme"
        assert one["allRepositories"] is False
        assert one["missing"] == {}
        web = here.stage.settings.github_url
        assert body["installUrl"] == f"{web}/apps/bellhop/installations/new"
        del here.stage.installation.permissions["contents"]
        (one,) = (await alice.ask("/github/installations"))[1]["installations"]
        assert one["missing"] == {"contents": "write"}
        assert "contents" not in one["permissions"]


async def test_repositories_by_name(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        add(here, "acme/anvils", role="admin", private=True)
        add(here, "acme/secrets", login="bob", private=True)
        add(here, "beta/crates", role="read")
        status, body = await alice.ask("/github/repositories")
        assert status == 200
        told = [(one["repository"], one["role"], one["private"]) for one in body["repositories"]]
        assert told == [
            ("acme/anvils", "admin", True),
            ("acme/widgets", "write", False),
            ("beta/crates", "read", False),
        ]
        assert body["repositories"][1]["permissions"] == {
            "pull": True,
            "triage": True,
            "push": True,
            "maintain": False,
            "admin": False,
        }
        assert (body["count"], body["complete"], body["nextCursor"]) == (3, True, None)


async def test_repositories_are_found_and_come_in_pages(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        for name in ("Anvils", "bolts", "crates", "dowels"):
            add(here, f"acme/{name}")
        names, path = list[str](), "/github/repositories?limit=2"
        while True:
            _, body = await alice.ask(path)
            assert body["count"] == 5
            names += [one["repository"] for one in body["repositories"]]
            if body["nextCursor"] is None:
                break
            path = f"/github/repositories?limit=2&cursor={body['nextCursor']}"
        expected = ["acme/Anvils", "acme/bolts", "acme/crates", "acme/dowels", "acme/widgets"]
        assert names == expected
        _, body = await alice.ask("/github/repositories?q=ACME+anv")
        assert [one["repository"] for one in body["repositories"]] == ["acme/Anvils"]
        _, body = await alice.ask("/github/repositories?q=nothing")
        assert (body["repositories"], body["count"], body["complete"]) == ([], 0, True)


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("limit=0", 422, "limit"),
        ("limit=101", 422, "limit"),
        ("limit=x", 422, "limit"),
        (f"q={'x' * 201}", 422, "q"),
        ("cursor=%20", 400, "cursor"),
        ("cursor=_w", 400, "cursor"),
        ("cursor=a", 400, "cursor"),
    ],
)
async def test_what_cannot_be_asked_of_lists(
    tmp_path: Path, query: str, status: int, word: str
) -> None:
    async with visited(tmp_path) as (_, alice):
        got, body = await alice.ask(f"/github/repositories?{query}")
        assert got == status
        assert word in f"{body.get('errors')} {body['detail']}"
        assert not alice.asked


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/github/issues/acme/..", "bad_repository"),
        ("/github/issues/%2e%2e/widgets/1", "bad_repository"),
        ("/github/issues/acme/wid%2Fgets", "bad_repository"),
        ("/github/issues/acme/wid%20gets", "bad_repository"),
        ("/github/issues/acme/wid%3Fgets", "bad_repository"),
        (f"/github/issues/acme/{'x' * 101}", "bad_repository"),
        ("/github/issues/acme/widgets/0", "bad_number"),
        ("/github/issues/acme/widgets/x", "bad_number"),
        ("/github/issues/acme/widgets/-1", "bad_number"),
        ("/github/issues/acme/widgets/1e3", "bad_number"),
        ("/github/issues/acme/widgets/%D9%A3", "bad_number"),
        (f"/github/issues/acme/widgets/{'9' * 10}", "bad_number"),
    ],
)
async def test_addresses_that_name_no_issue(tmp_path: Path, path: str, code: str) -> None:
    async with visited(tmp_path) as (_, alice):
        status, body = await alice.ask(path)
        assert (status, body["code"]) == (400, code)
        assert not alice.asked


async def test_an_issue(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        here.stage.issue.body = "x" * (LONGEST_EXCERPT + 1)
        status, body = await alice.ask("/github/issues/acme/widgets/1")
        assert status == 200
        told = {
            name: body[name] for name in ("number", "title", "state", "isPullRequest", "author")
        }
        assert told == {
            "number": 1,
            "title": "It is broken",
            "state": "open",
            "isPullRequest": False,
            "author": "alice",
        }
        assert (len(body["body"]), body["bodyCut"]) == (LONGEST_EXCERPT, True)
        assert body["url"].endswith("/acme/widgets/issues/1")


async def test_what_is_not_there_and_what_is_not_yours_are_the_same(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        add(here, "acme/secrets", login="bob", private=True)
        secret = here.stage.sim.find("acme/secrets")
        assert secret is not None
        here.stage.sim.open_issue(secret, author="bob", title="Hush", body="Hush.")
        for path in ("secrets/1", "nothing/1", "widgets/99"):
            status, body = await alice.ask(f"/github/issues/acme/{path}")
            assert (status, body["code"]) == (404, "not_found")
        for path in ("secrets", "nothing"):
            status, body = await alice.ask(f"/github/issues/acme/{path}")
            assert (status, body["code"]) == (404, "not_found")
        bob = await signed_in(here, "bob")
        status, body = await bob.ask("/github/issues/acme/secrets/1")
        assert (status, body["title"]) == (200, "Hush")


async def test_open_issues_the_last_touched_first(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        sim, repository = here.stage.sim, here.stage.repository
        shut = sim.open_issue(repository, author="bob", title="Old door", body="")
        sim.close_issue(shut)
        here.stage.time_passes(seconds=5)
        door = sim.open_issue(repository, author="bob", title="New door", body="")
        here.stage.time_passes(seconds=5)
        sim.comment(here.stage.issue, author="bob", body="Indeed.")
        _, body = await alice.ask("/github/issues/acme/widgets")
        assert [one["number"] for one in body["issues"]] == [1, door.number]
        _, body = await alice.ask("/github/issues/acme/widgets?q=DOOR")
        assert [one["number"] for one in body["issues"]] == [door.number]
        _, body = await alice.ask("/github/issues/acme/widgets?limit=1")
        assert (len(body["issues"]), body["complete"]) == (1, False)


async def test_a_number_finds_its_issue_first_open_or_not(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        sim, repository = here.stage.sim, here.stage.repository
        shut = sim.open_issue(repository, author="bob", title="Shut", body="")
        sim.close_issue(shut)
        here.stage.time_passes(seconds=5)
        sim.open_issue(repository, author="bob", title="Like #1 and #2", body="")
        found = {}
        for word in ("1", "%232", "99", "1+2", "0"):
            _, body = await alice.ask(f"/github/issues/acme/widgets?q={word}")
            found[word] = [one["number"] for one in body["issues"]]
        assert found == {"1": [1, 3], "%232": [2, 3], "99": [], "1+2": [3], "0": []}


async def test_what_github_refuses_says_why(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        words = '{"message": "Resource protected by organization SAML enforcement."}'
        here.stage.fault("GET", "/repos/acme/widgets/issues", "status", 9, status=403, body=words)
        status, body = await alice.ask("/github/issues/acme/widgets")
        assert (status, body["code"]) == (403, "github_refused")
        assert "SAML enforcement" in body["detail"]


async def test_an_odd_refusal_is_no_answer(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        here.stage.fault("GET", "/user", "status", 9, status=418)
        assert (await alice.ask("/github/profile"))[0] == 503


async def test_what_has_not_changed_costs_nothing(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        for _ in range(3):
            assert (await alice.ask("/github/repositories"))[0] == 200
        assert alice.statuses(PLACES) == [200, 304, 304]
        assert alice.statuses(within(here)) == [200, 304, 304]
        add(here, "acme/anvils")
        _, body = await alice.ask("/github/repositories")
        assert body["count"] == 2
        assert alice.statuses(within(here)) == [200, 304, 304, 200]
        await alice.ask("/github/issues/acme/widgets/1")
        await alice.ask("/github/issues/acme/widgets/1")
        assert alice.statuses("/repos/acme/widgets/issues/1") == [200, 304]


async def test_who_types_costs_nothing_either(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        for word in ("w", "wi", "wid"):
            _, body = await alice.ask(f"/github/repositories?q={word}")
            assert body["count"] == 1
        assert alice.statuses(PLACES) == [200]
        here.stage.time_passes(seconds=A_WHILE)
        await alice.ask("/github/repositories?q=widg")
        assert alice.statuses(PLACES) == [200, 304]


async def test_two_people_never_share_what_they_see(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        bob = await signed_in(here, "bob")
        add(here, "acme/of-alice", private=True)
        add(here, "acme/of-bob", login="bob", private=True)
        seen = {}
        for one in (alice, bob, alice, bob):
            _, body = await one.ask("/github/repositories?q=of-")
            seen.setdefault(one.login, []).append(
                [found["repository"] for found in body["repositories"]]
            )
        assert seen == {"alice": [["acme/of-alice"]] * 2, "bob": [["acme/of-bob"]] * 2}
        assert alice.statuses(PLACES) == bob.statuses(PLACES) == [200]
        assert {one.actor for one in here.stage.sim.requests if one.path.startswith("/user/")} == {
            "person:alice",
            "person:bob",
        }


async def test_whoever_signs_out_is_forgotten(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        assert (await alice.ask("/github/repositories"))[0] == 200
        token = (await alice.browser.get("/installations")).token
        answer = await alice.browser.post("/api/auth/logout", {"form_token": token})
        assert answer.status == 303
        again = await signed_in(here, "alice")
        assert (await again.ask("/github/repositories?q=w"))[0] == 200
        assert alice.statuses(PLACES) == [200, 304, 200]


async def test_a_summary(tmp_path: Path) -> None:
    async with visited(tmp_path, agent_command=WAITS) as (here, alice):
        client, bob = await here.client("alice"), await here.client("bob")
        made = await client.ask()
        assert (await bob.ask()).status == 202
        await here.in_state(made.id, "working")
        status, body = await alice.ask("/github/summary")
        assert status == 200
        counts = {name: body[name] for name in ("login", "installations", "repositories", "active")}
        assert counts == {"login": "alice", "installations": 1, "repositories": 1, "active": 1}
        assert [one["taskId"] for one in body["tasks"]] == [made.id]


async def test_a_summary_of_nothing(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, _):
        visitor = await signed_in(here, "visitor")
        _, body = await visitor.ask("/github/summary")
        assert (body["installations"], body["repositories"]) == (0, 0)
        assert (body["active"], body["tasks"]) == (0, [])


async def test_the_second_address_is_the_same(tmp_path: Path) -> None:
    async with visited(tmp_path) as (_, alice):
        assert (await alice.ask("/v1/github/profile"))[1]["login"] == "alice"
