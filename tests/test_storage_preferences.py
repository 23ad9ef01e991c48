"""Defaults, keys of providers and Fly, as rows; and what decisions see of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.commands import Command
from handlers.decision import Defaults, Kept
from handlers.deliveries import AppRemoved
from handlers.events import (
    Event,
    ExtensionRequested,
    FollowUpDue,
    MessageSent,
    RetryRequested,
    StopRequested,
    WorkRequested,
)
from handlers.options import Options
from handlers.task import Status
from handlers.values import FollowUp, Origin
from storage import tasks, views
from storage.preferences import FlyPlace, Said, installation_scope, user_scope
from storage.provider_secrets import KeptSecret, NewSecret
from tests.makers import ADA, BOB, HERE, HOUR, ID, NOON, RULES, given, task_in
from tests.storage_support import Bench, opened

ALL = Defaults("codex", "openai/gpt-5", "fly", "one:1", 600, 2.5, 3)
ADAS, BOBS, THERE = user_scope(ADA.id), user_scope(BOB.id), installation_scope(10)
LATER = NOON + HOUR


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with opened(tmp_path) as made:
        yield made


async def test_defaults_are_kept_by_scope_and_replaced_whole(bench: Bench) -> None:
    scopes = bench.store.scopes
    assert await scopes.defaults(ADAS) == Said(Defaults())
    await scopes.keep_defaults(ADAS, ALL, NOON)
    await scopes.keep_defaults(THERE, Defaults(max_cost=1), NOON)
    assert await scopes.defaults(ADAS) == Said(ALL, NOON)
    assert await scopes.defaults(BOBS) == Said(Defaults())
    await scopes.keep_defaults(ADAS, Defaults(agent="aider"), LATER)
    assert await scopes.defaults(ADAS) == Said(Defaults(agent="aider"), LATER)
    assert await scopes.defaults(THERE) == Said(Defaults(max_cost=1.0), NOON)


async def test_defaults_that_somebody_changed_meanwhile_are_not_replaced(bench: Bench) -> None:
    scopes, seen = bench.store.scopes, Defaults().tag
    saved = [
        await scopes.keep_defaults(ADAS, defaults, NOON, [seen])
        for defaults in (Defaults(max_cost=1), Defaults(agent="aider"))
    ]
    assert saved == [True, False]
    now = (await scopes.defaults(ADAS)).defaults
    assert now == Defaults(max_cost=1.0)
    assert await scopes.keep_defaults(ADAS, ALL, LATER, [seen, now.tag])
    assert await scopes.defaults(ADAS) == Said(ALL, LATER)


async def test_keys_are_kept_by_provider_and_marked(bench: Bench) -> None:
    scopes = bench.store.scopes
    await scopes.keep_secrets(ADAS, {"openai": NewSecret(b"1", "last")}, NOON)
    await scopes.keep_secrets(
        ADAS, {"xai": NewSecret(b"2", "two2"), "groq": None, "anthropic": None}, NOON
    )
    await scopes.mark(ADAS, "openai", b"1", LATER)
    await scopes.mark(ADAS, "xai", b"another by now", LATER)
    await scopes.mark(BOBS, "openai", b"1", LATER)
    assert await scopes.secrets(ADAS) == {
        "openai": KeptSecret(b"1", "last", NOON, LATER),
        "xai": KeptSecret(b"2", "two2", NOON),
    }
    await scopes.mark(ADAS, "openai", b"1", None)
    await scopes.keep_secrets(ADAS, {"xai": None}, LATER)
    assert await scopes.secrets(ADAS) == {"openai": KeptSecret(b"1", "last", NOON)}
    assert "b'1'" not in repr(await scopes.secrets(ADAS))


async def test_fly_is_kept_with_its_token_or_without(bench: Bench) -> None:
    scopes = bench.store.scopes
    assert await scopes.fly(THERE) == FlyPlace()
    place = FlyPlace("workers", "ams", "shared-cpu-1x")
    await scopes.keep_fly(THERE, place, {"fly": NewSecret(b"t", "oken")}, NOON)
    await scopes.keep_fly(THERE, replace(place, region=None), {}, LATER)
    assert await scopes.fly(THERE) == FlyPlace("workers", None, "shared-cpu-1x")
    assert set(await scopes.secrets(THERE)) == {"fly"}


async def test_an_attempts_keys_are_the_requesters_and_the_installations(bench: Bench) -> None:
    scopes = bench.store.scopes
    for scope in (ADAS, BOBS, THERE, installation_scope(11)):
        await scopes.keep_secrets(scope, {"openai": NewSecret(scope.encode(), "last")}, NOON)
    own, shared = await scopes.secrets_for(ADA.id, 10)
    assert (own["openai"].secret, shared["openai"].secret) == (ADAS.encode(), THERE.encode())
    assert await scopes.secrets_for(99, 99) == ({}, {})


@pytest.mark.parametrize(
    ("reason", "repositories", "gone"),
    [("deleted", None, True), ("suspended", None, False), ("removed", (100,), False)],
)
async def test_nothing_is_left_of_an_installation_that_is_deleted(
    bench: Bench, reason: str, repositories: tuple[int, ...] | None, *, gone: bool
) -> None:
    scopes = bench.store.scopes
    for scope in (THERE, ADAS):
        await scopes.keep_defaults(scope, ALL, NOON)
        await scopes.keep_fly(scope, FlyPlace("a"), {"fly": NewSecret(b"t", "oken")}, NOON)
    removal = AppRemoved.model_construct(
        installation_id=10, repository_ids=repositories, reason=reason
    )
    await bench.store.apply_delivery("d", removal, NOON)
    assert (await scopes.defaults(THERE)).updated_at == (None if gone else NOON)
    assert await scopes.fly(THERE) == (FlyPlace() if gone else FlyPlace("a"))
    assert set(await scopes.secrets(THERE)) == (set() if gone else {"fly"})
    assert (await scopes.defaults(ADAS)).updated_at == NOON
    assert set(await scopes.secrets(ADAS)) == {"fly"}


FOUND = given("/fix").found
ASKED = Command("fix", "it", Options(), None, 0, addressed=False)
SAID = FollowUp("m", "more", BOB)
KEPT: dict[str, tuple[Event, Kept]] = {
    "a command": (given("/fix"), Kept(ALL, Defaults(agent="adas"))),
    "a command of somebody else": (given("/fix", sender=BOB), Kept(ALL, Defaults(agent="bobs"))),
    "a command elsewhere": (
        given("/fix", where=replace(HERE, installation_id=11)),
        Kept(Defaults(), Defaults(agent="adas")),
    ),
    "a program's request": (
        WorkRequested(ID, ASKED, HERE, BOB, Origin("api", 0, 0, ""), FOUND),
        Kept(ALL, Defaults(agent="bobs")),
    ),
    "a retry by somebody else": (
        RetryRequested(ID, BOB, FOUND),
        Kept(ALL, Defaults(agent="bobs")),
    ),
    "a message": (MessageSent(ID, SAID), Kept(ALL, Defaults(agent="bobs"))),
    "a message that was not heard": (FollowUpDue(ID), Kept(ALL, Defaults(agent="bobs"))),
    "more time": (ExtensionRequested(ID, 60), Kept(ALL, Defaults(agent="adas"))),
    "a stop": (StopRequested(ID, BOB), Kept()),
}


@pytest.mark.parametrize("name", KEPT)
async def test_a_decision_sees_what_is_kept_of_who_asks(bench: Bench, name: str) -> None:
    scopes = bench.store.scopes
    await scopes.keep_defaults(THERE, ALL, NOON)
    await scopes.keep_defaults(ADAS, Defaults(agent="adas"), NOON)
    await scopes.keep_defaults(BOBS, Defaults(agent="bobs"), NOON)
    assert await scopes.kept(10, ADA.id) == Kept(ALL, Defaults(agent="adas"))
    event, kept = KEPT[name]
    if "command" not in name and "program" not in name:
        task = task_in(Status.FAILED, pending=(SAID,), version=0)
        await bench.do(lambda db: tasks.save(db, task, None))
    assert (await bench.do(lambda db: views.view_for(db, event, RULES, NOON))).kept == kept


async def test_a_follow_up_of_nobody_asks_for_nothing(bench: Bench) -> None:
    task = task_in(Status.FAILED, version=0)
    await bench.do(lambda db: tasks.save(db, task, None))
    found = await bench.do(lambda db: views.view_for(db, FollowUpDue(ID), RULES, NOON))
    assert found.kept == Kept()
