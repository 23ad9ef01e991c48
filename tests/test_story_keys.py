"""The keys that agents work with: whose they are, and that they are told to nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from bot.agent_keys import AgentKeys
from bot.runners.base import WorkerKey
from bot.vault import Vault
from handlers.task import Status, Task
from handlers.values import ErrorCode, Person
from storage.preferences import installation_scope, user_scope
from storage.provider_secrets import NewSecret
from tests.story import Stage, staged

ALICES, BOBS, SHARED = "key-of-alice-1", "key-of-bob-22", "key-of-the-installation"
WORKS = (
    f'test "$OPENAI_API_KEY" = {ALICES} && echo "$OPENAI_API_KEY" && echo mended > mended.txt; '
    'echo "I used $OPENAI_API_KEY."'
)


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with staged(tmp_path, agent_command="sleep 600") as one:
        yield one


async def keep(stage: Stage, scope: str, vault: Vault | None = None, **keys: str) -> None:
    sealed = {
        name: NewSecret((vault or stage.bot.vault).seal(key), key[-4:])
        for name, key in keys.items()
    }
    await stage.bot.store.scopes.keep_secrets(scope, sealed, stage.clock())


def of_person(stage: Stage, login: str) -> str:
    return user_scope(stage.sim.user(login).id)


async def working(stage: Stage, text: str = "/fix it") -> Task:
    stage.comments("alice", text)
    return await stage.in_state("working")


async def given(stage: Stage, task: Task) -> dict[str, str]:
    """What a worker's assignment says of keys."""
    return await AgentKeys(stage.bot.store, stage.bot.vault).variables(task)


async def told(stage: Stage, task: Task) -> str:
    """All that is kept of what a task said."""
    store = stage.bot.store
    lines, events = await store.logs.of_task(task.id), await store.timeline(task.id)
    return f"{lines}{events}{await store.brief(task.id)}{stage.replies()}"


async def test_an_agent_works_with_its_requesters_key_and_nobody_hears_it(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command=WORKS) as stage:
        await keep(stage, of_person(stage, "alice"), openai=ALICES)
        await keep(stage, installation_scope(stage.installation.id), openai=SHARED)
        with capture_logs() as logs:
            stage.comments("alice", "/fix it")
            task = await stage.ended()
        assert task.status is Status.COMPLETED
        assert task.pull is not None
        assert task.summary is not None
        assert "I used ***." in task.summary
        everything = f"{await told(stage, task)}{logs}"
        assert ALICES not in everything
        assert SHARED not in everything


CASES: dict[str, tuple[str, dict[str, str]]] = {
    "any model": (
        "/fix it",
        {
            "ANTHROPIC_API_KEY": SHARED,
            "GEMINI_API_KEY": SHARED,
            "GOOGLE_GENERATIVE_AI_API_KEY": SHARED,
            "OPENAI_API_KEY": ALICES,
        },
    ),
    "a model of a provider": ("/fix --model openai/gpt-5 it", {"OPENAI_API_KEY": ALICES}),
    "a provider with another name": (
        "/fix --model google/gemini-2.5-pro it",
        {"GEMINI_API_KEY": SHARED, "GOOGLE_GENERATIVE_AI_API_KEY": SHARED},
    ),
    "a provider of which nobody has a key": ("/fix --model groq/llama it", {}),
    "a provider of which only somebody else has a key": ("/fix --model xai/grok-4 it", {}),
}


@pytest.mark.parametrize("name", CASES)
async def test_the_requesters_key_comes_before_the_installations(stage: Stage, name: str) -> None:
    text, variables = CASES[name]
    await keep(stage, of_person(stage, "alice"), openai=ALICES)
    await keep(stage, of_person(stage, "bob"), openai=BOBS, xai=BOBS)
    everywhere = installation_scope(stage.installation.id)
    await keep(stage, everywhere, openai=SHARED, anthropic=SHARED, gemini=SHARED, fly=SHARED)
    await keep(stage, installation_scope(stage.installation.id + 1), groq=SHARED)
    assert await given(stage, await working(stage, text)) == variables


async def test_what_a_worker_says_is_searched_for_the_keys_that_it_has(stage: Stage) -> None:
    await keep(stage, of_person(stage, "alice"), openai=ALICES)
    task = await working(stage)
    line: dict[str, Any] = {"type": "info", "message": f"my key is {ALICES}!"}
    await stage.call("POST", "progress", task, {"message": f"with {ALICES}", "logs": [line]})
    await stage.stop()
    await stage.start()
    await stage.call("POST", "progress", task, {"logs": [line]})
    outcome: dict[str, object] = {
        "status": "failed",
        "title": f"title {ALICES}",
        "summary": f"summary {ALICES}",
        "error": {"title": ALICES, "detail": f"no {ALICES}", "remedy": ALICES},
    }
    assert await stage.report(task, outcome) == 200
    task = await stage.ended()
    assert task.error is not None
    assert (task.error.title, task.error.detail, task.summary) == ("***", "no ***", "summary ***")
    everything = await told(stage, task)
    assert "my key is ***!" in everything
    assert ALICES not in everything


async def test_the_last_words_of_a_lost_worker_are_searched_too(tmp_path: Path) -> None:
    """An agent can write where its worker does, and what a worker wrote last is logged."""
    dies = 'echo "with $OPENAI_API_KEY" > /proc/$PPID/fd/2; kill -9 $PPID'
    async with staged(tmp_path, agent_command=dies) as stage:
        await keep(stage, of_person(stage, "alice"), openai=ALICES)
        with capture_logs() as logs:
            stage.comments("alice", "/fix it")
            task = await stage.ended()
        assert task.error is not None
        assert task.error.code is ErrorCode.WORKER_LOST
        lost = [one["last"] for one in logs if one["event"] == "worker lost"]
        assert ["with ***" in one for one in lost] == [True, True]
        assert ALICES not in f"{logs}"


async def test_a_key_that_was_replaced_meanwhile_is_still_looked_for(stage: Stage) -> None:
    await keep(stage, of_person(stage, "alice"), openai=ALICES)
    task = await working(stage)
    keys = AgentKeys(stage.bot.store, stage.bot.vault)
    await keys.variables(task)
    await keep(stage, of_person(stage, "alice"), openai=BOBS)
    await keys.variables(task)
    scrub = await keys.scrub(WorkerKey(task.id, task.attempt, task.launch))
    assert scrub(f"{ALICES} {BOBS} {SHARED}") == f"*** *** {SHARED}"


async def test_a_key_that_is_handed_out_while_others_are_read_is_looked_for(stage: Stage) -> None:
    await keep(stage, of_person(stage, "alice"), openai=ALICES)
    await keep(stage, of_person(stage, "bob"), openai=BOBS)
    task = await working(stage)
    keys = AgentKeys(stage.bot.store, stage.bot.vault)
    launch = WorkerKey(task.id, task.attempt, task.launch)
    bob = replace(task, requester=Person(stage.sim.user("bob").id, "bob"))
    await asyncio.gather(keys.scrub(launch), keys.variables(bob))
    assert (await keys.scrub(launch))(f"{ALICES} {BOBS}") == "*** ***"


async def test_a_launch_that_is_over_has_no_keys(stage: Stage) -> None:
    await keep(stage, of_person(stage, "alice"), openai=ALICES)
    task = await working(stage)
    keys = AgentKeys(stage.bot.store, stage.bot.vault)
    for launch in (
        WorkerKey(task.id, task.attempt + 1, 1),
        WorkerKey("0197a000-0000-7000-8000-000000000009", 1, 1),
    ):
        assert (await keys.scrub(launch))(ALICES) == ALICES


async def test_a_key_that_cannot_be_read_any_more_is_left_out(stage: Stage) -> None:
    await keep(stage, of_person(stage, "alice"), openai=ALICES)
    await keep(stage, of_person(stage, "alice"), Vault(b"another"), groq=SHARED)
    task = await working(stage)
    with capture_logs() as logs:
        assert await given(stage, task) == {"OPENAI_API_KEY": ALICES}
    assert [one["event"] for one in logs] == ["a key is left out"]
    assert ALICES not in f"{logs}"
