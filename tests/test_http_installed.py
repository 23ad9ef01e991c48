"""The way back from an installation, whose id anybody can have written."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from yarl import URL

from simulator import Fault
from tests.http_sign_in import Visitor, at_the_door

JSON = {"Accept": "application/json"}
PATH = "/api/auth/github/installed"


def way_back(number: object, action: str = "install") -> str:
    query = {"setup_action": action, "installation_id": str(number)}
    return str(URL(PATH).with_query(query))


async def leads_to(visitor: Visitor, path: str) -> str:
    answer = await visitor.get(path)
    assert answer.status == 303, answer.raw
    return answer.headers["Location"]


async def test_an_installation_of_ones_own_is_believed(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        await alice.sign_in("alice")
        number = alice.stage.installation.id
        for action, word in (("install", "installed"), ("update", "updated")):
            assert await leads_to(alice, way_back(number, action)) == f"/installations?done={word}"
        assert await leads_to(alice, f"{PATH}?setup_action=request") == (
            "/installations?done=requested"
        )
        assert await leads_to(alice, f"{PATH}?installation_id={number}&state=ours") == (
            "/installations?done=installed"
        )


async def test_a_forged_installation_is_not_believed(tmp_path: Path) -> None:
    """One of somebody else's, one that is gone, one that never was."""
    async with at_the_door(tmp_path) as alice:
        sim = alice.stage.sim
        await alice.sign_in("alice")
        theirs = sim.install(sim.add_repository("secret/plans", private=True))
        public = sim.install(sim.add_repository("elsewhere/open"))
        gone = sim.install(sim.add_repository("alice/notes"))
        sim.uninstall(gone)
        for number in (theirs.id, public.id, gone.id, 1, 10**18 - 1):
            location = URL(await leads_to(alice, way_back(number)))
            assert (location.path, location.query["problem"]) == ("/sign-in", "installation")
            told = await alice.get(way_back(number), JSON)
            assert (told.status, told.body["code"]) == (404, "installation")


@pytest.mark.parametrize(
    "path",
    [
        PATH,
        f"{PATH}?installation_id=",
        way_back("x"),
        way_back("-1"),
        way_back("1e3"),
        way_back("\u0661"),
        way_back("9" * 19),
        way_back("1", "remove"),
        way_back("1", ""),
        way_back("1", "//evil.test"),
    ],
)
async def test_what_is_no_installation_is_told_so(tmp_path: Path, path: str) -> None:
    async with at_the_door(tmp_path) as alice:
        await alice.sign_in("alice")
        for answer in (await alice.get(path), await alice.get(path, JSON)):
            assert answer.status in {303, 404}
            assert "evil" not in answer.headers.get("Location", "")


async def test_who_is_not_signed_in_signs_in_first(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        number = alice.stage.installation.id
        told = await alice.get(way_back(number), JSON)
        assert told.status == 401
        begin = await leads_to(alice, way_back(number) + "&next=//evil.test&code=x")
        assert URL(begin).path == "/api/auth/github"
        answer = await alice.sign_in("alice", begin)
        assert answer.headers["Location"] == way_back(number)
        assert await leads_to(alice, way_back(number)) == "/installations?done=installed"


async def test_a_dead_token_leads_to_another_sign_in(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        await alice.sign_in("alice")
        number, sim = alice.stage.installation.id, alice.stage.sim
        sim.people.revoke_all(sim.user("alice"))
        for _ in range(2):  # found out by asking, and then remembered
            begin = URL(await leads_to(alice, way_back(number)))
            assert (begin.path, begin.query["next"]) == ("/api/auth/github", way_back(number))
        await alice.sign_in("alice", str(begin))
        assert await leads_to(alice, way_back(number)) == "/installations?done=installed"


async def test_a_token_that_ends_is_renewed(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        await alice.sign_in("alice")
        alice.stage.clock.offset += timedelta(hours=8)
        number = alice.stage.installation.id
        assert await leads_to(alice, way_back(number)) == "/installations?done=installed"


async def test_a_github_that_does_not_answer_is_told_so(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        await alice.sign_in("alice")
        alice.stage.sim.faults.add(
            Fault(path="/user/installations", kind="status", status=502, times=9)
        )
        told = await alice.get(way_back(1), JSON)
        assert (told.status, told.body["code"]) == (503, "github")
        alice.stage.sim.faults.clear()
        alice.stage.sim.faults.add(Fault(path="/user/installations", kind="status", status=403))
        assert (await alice.get(way_back(1), JSON)).status == 503


async def test_many_installations_are_looked_through(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as alice:
        sim = alice.stage.sim
        for number in range(101):
            made = sim.add_repository(f"owner{number}/one")
            made.set_role("alice", "read")
            last = sim.install(made)
        await alice.sign_in("alice")
        assert await leads_to(alice, way_back(last.id)) == "/installations?done=installed"
