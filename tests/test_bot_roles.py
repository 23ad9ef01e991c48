"""What people may do, asked of an offline GitHub and believed for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.http.caller import Caller
from bot.http.problems import Problem
from bot.roles import AT_A_TIME, BELIEVED, Roles
from handlers.roles import Role
from handlers.values import Person
from simulator import Fault
from simulator.model import Repository
from storage.lists import Place, Scope
from tests.github_support import CUT, REPO, FakeServer, Reply, Town, scripted, simulated
from tests.story import until


@dataclass
class Club:
    """Roles in the repositories of an offline GitHub."""

    town: Town
    roles: Roles
    place: Place

    def person(self, login: str) -> Person:
        return Person(self.town.sim.user(login).id, login)

    async def role(self, login: str = "alice") -> Role:
        return await self.roles.role(self.place, self.person(login))

    def asked(self, login: str = "alice") -> int:
        return self.town.asked("GET", f"/repos/acme/widgets/collaborators/{login}/permission")

    def another(self, name: str) -> tuple[Repository, Place]:
        made = self.town.sim.add_repository(name, {"README.md": "# x\n"})
        installation = self.town.sim.install(made)
        return made, Place(made.id, installation.id, name)


@asynccontextmanager
async def club(folder: Path) -> AsyncGenerator[Club]:
    async with simulated(folder) as town:
        for login in ("alice", "bob", "visitor"):
            town.sim.add_user(login)
        town.widgets.set_role("alice", "write")
        town.widgets.set_role("bob", "triage")

        def clock() -> datetime:
            return datetime.fromtimestamp(town.clock.now, UTC)

        place = Place(town.repo.repository_id, town.repo.installation_id, town.repo.full_name)
        yield Club(town, Roles(town.github, clock), place)


async def test_a_role_is_believed_for_five_minutes(tmp_path: Path) -> None:
    async with club(tmp_path) as here:
        assert await here.role() is Role.WRITE
        here.town.widgets.set_role("alice", "read")
        here.town.clock.now += BELIEVED.total_seconds() - 1
        assert (await here.role(), here.asked()) == (Role.WRITE, 1)
        here.town.clock.now += 1
        assert (await here.role(), here.asked()) == (Role.READ, 2)
        assert timedelta(minutes=5) == BELIEVED


async def test_each_person_and_repository_is_asked_about(tmp_path: Path) -> None:
    async with club(tmp_path) as here:
        other, place = here.another("acme/gadgets")
        other.set_role("alice", "admin")
        assert (await here.role("alice"), await here.role("bob")) == (Role.WRITE, Role.TRIAGE)
        assert await here.roles.role(place, here.person("alice")) is Role.ADMIN


async def test_the_same_question_is_asked_once_at_a_time(tmp_path: Path) -> None:
    async with club(tmp_path) as here:
        roles = await asyncio.gather(*(here.role() for _ in range(20)))
        assert set(roles) == {Role.WRITE}
        assert here.asked() == 1


async def test_nobody_may_do_anything(tmp_path: Path) -> None:
    """An account that is gone, and one whose login is somebody else's by now."""
    async with club(tmp_path) as here:
        assert await here.roles.role(here.place, Person(999, "nobody")) is Role.NONE
        assert await here.roles.role(here.place, Person(999, "alice")) is Role.NONE
        assert await here.role() is Role.WRITE


async def test_a_repository_that_is_gone_for_us_is_gone_for_everybody(tmp_path: Path) -> None:
    async with club(tmp_path) as here:
        elsewhere = Place(123456, here.place.installation_id, "acme/removed")
        assert await here.roles.role(elsewhere, here.person("alice")) is Role.NONE
        sim = here.town.sim
        sim.uninstall(sim.installations[here.place.installation_id])
        assert await here.role("bob") is Role.NONE


async def test_roles_go_on_where_the_app_was_installed_anew(tmp_path: Path) -> None:
    """Old tasks remember the installation that is gone; they are as visible as new ones."""
    async with club(tmp_path) as here:
        sim, alice = here.town.sim, here.person("alice")
        sim.uninstall(sim.installations[here.place.installation_id])
        assert await here.role() is Role.NONE
        again = sim.install(here.town.widgets)
        assert again.id != here.place.installation_id
        now = Place(here.place.repository_id, again.id, "acme/widgets")
        assert await here.roles.role(now, alice) is Role.WRITE, "what was said before is not it"
        here.town.clock.now += BELIEVED.total_seconds()
        assert await here.role() is Role.WRITE


async def test_who_has_only_taken_the_name_is_another_repository(tmp_path: Path) -> None:
    async with club(tmp_path) as here:
        other, _ = here.another("acme/gadgets")
        other.set_role("alice", "admin")
        before = Place(123456, 999_999, "acme/gadgets")
        assert await here.roles.role(before, here.person("alice")) is Role.NONE


ACCESS = {"role_name": "write", "user": {"id": 1, "permissions": {}}}
PERMISSION = "/repos/acme/widgets/collaborators/alice/permission"
PLACE = Place(REPO.repository_id, REPO.installation_id, REPO.full_name)
ALICE = Person(1, "alice")


@asynccontextmanager
async def told(*replies: Reply) -> AsyncGenerator[tuple[Roles, FakeServer]]:
    async with scripted() as (github, server):
        server.on("GET", PERMISSION, *replies)
        yield Roles(github, lambda: datetime.fromtimestamp(server.clock.now, UTC)), server


@pytest.mark.parametrize("status", [403, 404, 410, 451])
async def test_what_the_app_cannot_see_nobody_sees(status: int) -> None:
    async with told(Reply(status, {"message": "no"})) as (roles, _):
        assert await roles.role(PLACE, ALICE) is Role.NONE


async def test_a_token_for_a_repository_that_left_the_installation_is_none() -> None:
    async with told(Reply(200, ACCESS)) as (roles, server):
        server.on_tokens(Reply(422, {"message": "not accessible"}))
        assert await roles.role(PLACE, ALICE) is Role.NONE


@pytest.mark.parametrize(
    "reply",
    [
        CUT,
        Reply(500, {"message": "broken"}),
        Reply(401, {"message": "Bad credentials"}),
        Reply(200, {"role": "?"}),
        Reply(429, {"message": "slow down"}, {"retry-after": "90"}),
        Reply(403, {"message": "You have exceeded a secondary rate limit"}, {"retry-after": "90"}),
    ],
)
async def test_a_question_that_fails_is_no_answer(reply: Reply) -> None:
    async with told(reply) as (roles, server):
        with pytest.raises(Problem) as caught:
            await roles.role(PLACE, ALICE)
        assert (caught.value.status, caught.value.code) == (503, "lookup_failed")
        assert int(caught.value.headers["Retry-After"]) >= 1
        server.on("GET", PERMISSION, Reply(200, ACCESS))
        server.clock.now += 120
        assert await roles.role(PLACE, ALICE) is Role.WRITE, "the failure is not remembered"


async def test_all_who_wait_hear_of_one_failure() -> None:
    async with told(Reply(401, {"message": "Bad credentials"})) as (roles, server):
        asks = [roles.role(PLACE, ALICE) for _ in range(10)]
        heard = await asyncio.gather(*asks, return_exceptions=True)
        assert {getattr(one, "status", None) for one in heard} == {503}
        assert len(server.to(PERMISSION)) == len(server.minted()) <= 2


async def test_a_role_without_an_account_is_none() -> None:
    async with told(Reply(200, {"role_name": "admin"})) as (roles, _):
        assert await roles.role(PLACE, ALICE) is Role.NONE


async def test_whoever_gives_up_ends_no_others_question(tmp_path: Path) -> None:
    async with club(tmp_path) as here:
        here.town.sim.faults.add(
            Fault(path="/repos/acme/widgets/collaborators", kind="slow", seconds=60)
        )
        first = asyncio.create_task(here.role())
        second = asyncio.create_task(here.role())
        await here.town.sim.faults.held()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        here.town.sim.faults.clear()
        assert await second is Role.WRITE
        assert here.asked() == 1


async def test_a_question_that_nobody_waits_for_ends(tmp_path: Path) -> None:
    async with club(tmp_path) as here:
        here.town.sim.faults.add(
            Fault(path="/repos/acme/widgets/collaborators", kind="slow", seconds=60)
        )
        only = asyncio.create_task(here.role())
        await here.town.sim.faults.held()
        only.cancel()
        await asyncio.gather(only, return_exceptions=True)
        assert await here.role() is Role.WRITE
        assert here.asked() == 2
        here.town.sim.faults.clear()


def caller(person: Person, *, operator: bool = False) -> Caller:
    return Caller(person, operator, frozenset())


async def test_a_scope_is_what_somebody_may_read_and_write(tmp_path: Path) -> None:
    async with club(tmp_path) as here:
        places, numbers = [here.place], dict[str, int]()
        for role in ("none", "read", "triage", "write", "maintain", "admin"):
            made, place = here.another(f"acme/{role}")
            if role != "none":
                made.set_role("alice", role)
            else:
                made.private = True
            places.append(place)
            numbers[role] = made.id
        alice = here.person("alice")
        scope = await here.roles.scope(caller(alice), places)
        assert numbers["none"] not in scope.readable
        assert scope.writable == {
            here.place.repository_id,
            *(numbers[role] for role in ("write", "maintain", "admin")),
        }
        assert scope.readable == scope.writable | {numbers["read"], numbers["triage"]}
        assert (scope.person_id, scope.everything) == (alice.id, False)
        assert await here.roles.scope(caller(alice), []) == Scope(alice.id)


async def test_operators_see_all_and_nobody_is_asked(tmp_path: Path) -> None:
    async with club(tmp_path) as here:
        alice = here.person("alice")
        scope = await here.roles.scope(caller(alice, operator=True), [here.place])
        assert scope == Scope(alice.id, everything=True)
        assert here.asked() == 0


async def test_github_is_asked_about_eight_at_a_time(tmp_path: Path) -> None:
    async with club(tmp_path) as here:
        here.town.sim.faults.add(
            Fault(path="/repos/acme/widgets", kind="slow", seconds=60, times=None)
        )
        people = [Person(1000 + number, f"p{number}") for number in range(AT_A_TIME + 5)]
        asks = [asyncio.create_task(here.roles.role(here.place, one)) for one in people]

        def begun() -> int:
            return sum(here.asked(one.login) for one in people)

        await until(lambda: begun() == AT_A_TIME, "the first questions")
        assert await here.town.github.app() is not None, "time for another one to arrive"
        assert begun() == AT_A_TIME == 8
        here.town.sim.faults.clear()
        assert await asyncio.gather(*asks) == [Role.NONE] * len(people)
        assert begun() == len(people)


async def test_one_failure_ends_the_questions_about_the_rest() -> None:
    async with scripted() as (github, server):
        roles = Roles(github, lambda: datetime.fromtimestamp(server.clock.now, UTC))
        server.on_tokens(Reply(401, {"message": "Bad credentials"}))
        places = [Place(number, 7, f"acme/r{number}") for number in range(1, 101)]
        with pytest.raises(Problem) as caught:
            await roles.scope(caller(ALICE), places)
        assert caught.value.status == 503
        assert (await roles.scope(caller(ALICE), ())) == Scope(ALICE.id)
        assert len(server.seen) <= 2 * AT_A_TIME
