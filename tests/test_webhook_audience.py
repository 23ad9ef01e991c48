"""Who may be told of a task by a webhook, asked of an offline GitHub."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.keys import digest
from bot.roles import BELIEVED
from bot.webhook_audience import Audience
from handlers.values import Person
from simulator import Fault
from storage.keys import ApiKey
from storage.outbound_about import About
from tests.makers import NOON, id_of
from tests.storage_support import opened
from tests.test_bot_roles import club


async def test_owners_are_told_while_they_can_read_and_github_says_so(tmp_path: Path) -> None:
    async with club(tmp_path) as here, opened(tmp_path) as bench:
        audience = Audience(here.roles, bench.store.people)
        about = About(here.place, here.person("alice"))
        assert await audience.may_know(None), "their own words, of a task that is gone"
        assert await audience.may_know(about)
        here.town.widgets.private = True
        here.town.widgets.set_role("alice", "none")
        assert await audience.may_know(about), "it is believed for five minutes"
        here.town.clock.now += BELIEVED.total_seconds()
        assert await audience.may_know(about) is False
        here.town.clock.now += BELIEVED.total_seconds()
        here.town.sim.faults.add(Fault(method="GET", path="/repos/.*/collaborators", times=None))
        assert await audience.may_know(about) is None


async def test_an_owner_is_asked_about_by_the_login_that_they_came_with_last(
    tmp_path: Path,
) -> None:
    async with club(tmp_path) as here, opened(tmp_path) as bench:
        people = bench.store.people
        audience = Audience(here.roles, people)
        alice = here.person("alice")
        former = About(here.place, replace(alice, login="visitor"))
        assert await audience.may_know(former) is False
        here.town.clock.now += BELIEVED.total_seconds()
        key = ApiKey(id_of(1), Person(alice.id, "alice"), "hers", "bh_", frozenset(), NOON)
        await people.keep_key(key, digest("one"))
        assert await audience.may_know(former)
