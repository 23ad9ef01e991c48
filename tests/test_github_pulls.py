from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from bot.github.errors import Refused, Unavailable
from bot.github.pulls import OpenedPull, choose, open_pull_once
from bot.github.values import PullFacts
from simulator import Fault
from tests.github_support import CUT, REPO, Reply, Town, scripted, simulated

if TYPE_CHECKING:
    from pathlib import Path

    from bot.github.client import GitHub

HEAD = "bellhop/brave-otter"
PULLS = r"/repos/acme/widgets/pulls$"


TOKEN = {"token": "ghs_x", "expires_at": "2099-01-01T00:00:00Z"}


def listed(repository_id: int) -> dict[str, Any]:
    return {
        "number": 3,
        "state": "open",
        "merged_at": None,
        "head": {"ref": HEAD, "sha": "a", "repo": {"id": repository_id}},
        "base": {"ref": "main"},
        "user": None,
        "html_url": "https://github.test/3",
    }


def push(town: Town, text: str = "one\n") -> str:
    return town.widgets.commit(HEAD, {"fix.txt": text})


async def open_it(town: Town, sha: str, base: str = "main", **more: Any) -> OpenedPull:
    return await open_pull_once(
        town.github,
        town.repo,
        head=HEAD,
        head_sha=sha,
        base=base,
        title="Fix it",
        body="Closes #1",
        **more,
    )


async def test_it_is_opened(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        sha = push(town)
        opened = await open_it(town, sha)
        (pull,) = town.widgets.pulls
    assert opened.made
    assert (pull.number, pull.title, pull.body) == (opened.pull.number, "Fix it", "Closes #1")
    assert (opened.pull.head_sha, opened.pull.base_ref, opened.pull.state) == (sha, "main", "open")
    assert opened.pull.author_login == "bellhop[bot]"


async def test_an_open_one_is_taken_even_with_new_commits(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        first = await open_it(town, push(town))
        again = await open_it(town, push(town, "two\n"))
        assert (again.pull.number, again.made) == (first.pull.number, False)
        assert len(town.widgets.pulls) == 1


@pytest.mark.parametrize("end", ["close", "merge"])
async def test_one_that_ended_at_this_commit_is_reported_and_new_commits_make_another(
    tmp_path: Path, end: str
) -> None:
    async with simulated(tmp_path) as town:
        town.sim.add_user("alice")
        sha = push(town)
        first = await open_it(town, sha)
        (pull,) = town.widgets.pulls
        if end == "close":
            town.sim.close_pull(pull, "alice")
        else:
            town.sim.merge_pull(pull, "alice")
        again = await open_it(town, sha)
        assert (again.pull.number, again.made) == (first.pull.number, False)
        assert (again.pull.state, again.pull.merged) == ("closed", end == "merge")
        another = await open_it(town, push(town, "two\n"))
        assert another.made
        assert another.pull.number != first.pull.number


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "status"])
@pytest.mark.parametrize("times", [1, 2])
async def test_whatever_goes_wrong_there_is_one_in_the_end(
    tmp_path: Path, kind: Any, times: int
) -> None:
    async with simulated(tmp_path) as town:
        sha = push(town)
        town.sim.faults.add(Fault(method="POST", path=PULLS, kind=kind, status=502, times=times))
        opened = None
        while opened is None:
            with contextlib.suppress(Unavailable):
                opened = await open_it(town, sha)
        assert [pull.number for pull in town.widgets.pulls] == [opened.pull.number]


async def open_scripted(github: GitHub) -> OpenedPull:
    return await open_pull_once(
        github, REPO, head=HEAD, head_sha="a", base="main", title="t", body="b"
    )


async def test_when_looking_fails_the_doubt_remains() -> None:
    async with scripted() as (github, server):
        server.on("GET", "/repos/acme/widgets/pulls", Reply(200, []), Reply(500))
        server.on("POST", "/repos/acme/widgets/pulls", CUT)
        with pytest.raises(Unavailable) as caught:
            await open_scripted(github)
        assert caught.value.maybe_done


async def test_where_nothing_was_sent_there_is_nothing_to_look_for() -> None:
    async with scripted() as (github, server):
        server.on("GET", "/repos/acme/widgets/pulls", Reply(200, []))
        # The token for writing is another one than that for looking.
        server.on_tokens(Reply(201, TOKEN), Reply(500))
        with pytest.raises(Unavailable) as caught:
            await open_scripted(github)
        assert not caught.value.maybe_done
        assert len(server.to("/repos/acme/widgets/pulls")) == 1


async def test_of_two_who_open_it_at_once_the_slower_takes_the_others() -> None:
    refusal = Reply(422, {"message": "A pull request already exists for acme:x.", "errors": []})
    async with scripted() as (github, server):
        server.on("GET", "/repos/acme/widgets/pulls", Reply(200, []), Reply(200, [listed(42)]))
        server.on("POST", "/repos/acme/widgets/pulls", refusal)
        opened = await open_scripted(github)
    assert (opened.pull.number, opened.made) == (3, False)


async def test_a_branch_of_the_same_name_in_a_fork_is_not_ours() -> None:
    async with scripted() as (github, server):
        server.on("GET", "/repos/acme/widgets/pulls", Reply(200, [listed(77)]))
        server.on("POST", "/repos/acme/widgets/pulls", Reply(201, listed(42) | {"number": 4}))
        assert (await open_scripted(github)).made


@pytest.mark.parametrize(("pushed", "base"), [(True, "absent"), (False, "main")])
async def test_what_github_refuses_is_refused(tmp_path: Path, *, pushed: bool, base: str) -> None:
    async with simulated(tmp_path) as town:
        sha = push(town) if pushed else "a" * 40
        with pytest.raises(Refused, match="422"):
            await open_it(town, sha, base)
        assert town.widgets.pulls == []


def facts(number: int, **more: Any) -> PullFacts:
    known: dict[str, Any] = {
        "number": number,
        "state": "open",
        "merged": False,
        "head_ref": HEAD,
        "head_sha": "a",
        "head_repository_id": 42,
        "base_ref": "main",
        "author_id": 1,
        "author_login": "bellhop[bot]",
        "url": f"https://github.test/{number}",
    }
    return PullFacts(**(known | more))


@pytest.mark.parametrize(
    ("pulls", "number"),
    [
        ([], None),
        ([facts(1)], 1),
        ([facts(2, base_ref="next"), facts(1)], 1),
        ([facts(2, base_ref="next")], 2),
        ([facts(2, state="closed"), facts(1)], 1),
        ([facts(2, state="closed"), facts(1, state="closed", head_sha="b")], 2),
        ([facts(1, state="closed", head_sha="b")], None),
    ],
)
def test_which_one_it_is(pulls: list[PullFacts], number: int | None) -> None:
    found = choose(pulls, head_sha="a", base="main")
    assert (found.number if found else None) == number
