"""Who is an operator, whatever becomes of their login."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.operators import ASKED_EVERY, Operators
from handlers.values import Person
from storage import StorageFailed, Store
from tests.first_start import lay_out
from tests.github_support import CUT, FakeServer, Reply, scripted
from tests.makers import RULES
from tests.story import Stage, staged, until

ALICE = Person(11, "alice")
THIEF = Person(66, "alice")
BOB = Person(12, "bob")
PROFILE = "/users/alice"
IS_ALICE = Reply(200, {"id": 11, "login": "Alice", "type": "User"})
IS_THIEF = Reply(200, {"id": 66, "login": "alice", "type": "User"})
IS_A_GROUP = Reply(200, {"id": 11, "login": "alice", "type": "Organization"})
IS_NOBODY = Reply(404, {"message": "Not Found"})


@dataclass
class Office:
    """A list of operators, a database and a scripted GitHub."""

    store: Store
    server: FakeServer
    operators: Operators

    @property
    def asked(self) -> int:
        return len(self.server.to(PROFILE))


@asynccontextmanager
async def office(folder: Path, *named: str, reply: Reply = IS_ALICE) -> AsyncGenerator[Office]:
    store = await Store.open(lay_out(folder / "bellhop.db"), RULES)
    async with scripted() as (github, server):
        server.on("GET", PROFILE, reply)
        yield Office(store, server, Operators(store, github, named))
    await store.close()


async def test_without_the_setting_there_is_none(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        assert not await here.operators.includes(ALICE)
        await here.operators.pin()
        assert here.server.seen == []


async def test_a_number_is_a_person(tmp_path: Path) -> None:
    async with office(tmp_path, "12", "011") as here:
        assert await here.operators.includes(BOB)
        assert await here.operators.includes(Person(12, "robert"))
        assert await here.operators.includes(ALICE)
        assert not await here.operators.includes(Person(120, "12"))
        assert here.server.seen == []


async def test_a_login_is_looked_up_once(tmp_path: Path) -> None:
    async with office(tmp_path, "ALICE") as here:
        assert not await here.operators.includes(BOB)
        assert here.asked == 0, "it is not about them"
        many = (here.operators.includes(Person(11, "Alice")) for _ in range(10))
        assert set(await asyncio.gather(*many)) == {True}
        assert not await here.operators.includes(BOB)
        assert here.asked == 1


async def test_a_pinned_login_that_changes_hands_makes_nobody_an_operator(tmp_path: Path) -> None:
    async with office(tmp_path, "alice") as here:
        assert await here.operators.includes(ALICE)
    async with office(tmp_path, "alice", reply=IS_THIEF) as here:
        assert not await here.operators.includes(THIEF)
        assert await here.operators.includes(Person(11, "alice-renamed"))
        assert await here.operators.includes(ALICE)
        assert here.asked == 0, "it was stored"


async def test_operators_are_pinned_before_anybody_asks(tmp_path: Path) -> None:
    async with office(tmp_path, "12", "Alice") as here:
        await here.operators.pin()
        here.server.on("GET", PROFILE, IS_THIEF)
        assert not await here.operators.includes(THIEF)
        assert await here.operators.includes(ALICE)
        await here.operators.pin()
        assert here.asked == 1


async def test_a_login_that_somebody_claims_is_not_believed(tmp_path: Path) -> None:
    async with office(tmp_path, "alice", reply=IS_THIEF) as here:
        assert not await here.operators.includes(ALICE), "GitHub says that it is somebody else's"


@pytest.mark.parametrize(
    "reply", [CUT, Reply(500), Reply(401, {"message": "no"}), IS_NOBODY, IS_A_GROUP]
)
async def test_a_login_that_is_not_told_is_asked_for_again_later(
    tmp_path: Path, reply: Reply
) -> None:
    async with office(tmp_path, "alice", "12", reply=reply) as here:
        assert not await here.operators.includes(ALICE)
        asked = here.asked
        assert asked >= 1
        here.server.on("GET", PROFILE, IS_ALICE)
        assert not await here.operators.includes(ALICE)
        assert here.asked == asked, "not at every request"
        assert await here.operators.includes(BOB)
        here.server.clock.now += ASKED_EVERY
        assert await here.operators.includes(ALICE)
        assert here.asked == asked + 1


async def test_two_lists_on_one_database_pin_the_same(tmp_path: Path) -> None:
    async with office(tmp_path, "alice", "bob") as here:
        here.server.on("GET", "/users/bob", Reply(200, {"id": 12, "login": "bob", "type": "User"}))
        assert await asyncio.gather(
            here.operators.includes(ALICE), here.operators.includes(BOB)
        ) == [True, True]
        again = Operators(here.store, here.operators.github, ("bob", "alice"))
        seen = len(here.server.seen)
        assert await again.includes(ALICE)
        assert await again.includes(BOB)
        assert len(here.server.seen) == seen


async def test_nobody_is_an_operator_whom_the_database_does_not_keep(tmp_path: Path) -> None:
    async with office(tmp_path, "alice") as here:
        assert not await here.operators.includes(BOB)
        await here.store.close()
        with pytest.raises(StorageFailed):
            await here.operators.includes(ALICE)


async def test_a_start_pins_them_whether_or_not_github_answers(tmp_path: Path) -> None:
    """A start does not wait for it, and an end does not either."""

    def slow(stage: Stage) -> None:
        stage.fault("GET", "/users/tina", "slow", seconds=60)

    async with staged(tmp_path, admins=("alice", "tina"), prepare=slow) as stage:
        number = stage.sim.user("alice").id

        async def pinned() -> bool:
            return await stage.bot.store.recall("operators") == f'{{"alice":{number}}}'

        await until(pinned, "the pin")
        await stage.sim.faults.held()
        await stage.stop()
