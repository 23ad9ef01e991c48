"""Requests for tasks that carry an `Idempotency-Key`."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

from tests.http_tasks import WAITS, desk


async def test_the_same_again_is_answered_as_the_first_time(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        first = await alice.ask(key="one", timeLimit=600)
        assert first.status == 202
        await here.ended(first.id)
        other_spelling = {"prompt": "Mend it.", "time_limit": 600}
        body = {"repo_url": f"{here.stage.settings.github_url}/acme/widgets", **other_spelling}
        again = await alice.call("POST", "/v1/tasks", body, headers={"Idempotency-Key": "one"})
        assert (again.status, again.raw) == (202, first.raw)
        assert again.headers["Location"] == first.headers["Location"]
        assert len(here.stage.repository.pulls) == 1


async def test_another_body_or_another_owner(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        first = await alice.ask(key="one")
        other = await alice.ask("Mend something else.", key="one")
        assert (other.status, other.body["code"]) == (422, "key_reused")
        bob = await here.client("bob")
        assert (await bob.ask(key="one")).id != first.id
        assert (await alice.ask(key="two")).id != first.id


async def test_ten_at_once_are_one_task(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        answers = await asyncio.gather(*(alice.ask(key="one") for _ in range(10)))
        assert {one.status for one in answers} == {202}
        assert len({one.raw for one in answers}) == 1
        assert await here.count() == 1


async def test_two_bodies_at_once_are_one_task_and_one_refusal(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        answers = await asyncio.gather(*(alice.ask(f"Mend {n}.", key="one") for n in range(4)))
        assert sorted(one.status for one in answers) == [202, 422, 422, 422]
        assert await here.count() == 1


async def test_the_answer_outlives_the_task_but_not_the_day(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        words = {"metadata": {"ticket": "A-1"}}
        first = await alice.ask("Mend the secret door.", key="one", **words)
        await here.ended(first.id)
        assert (await alice.call("DELETE", f"/tasks/{first.id}")).status == 200
        await here.gone(first.id)
        again = await alice.ask("Mend the secret door.", key="one", **words)
        assert again.status == 202
        assert again.headers["Location"] == first.headers["Location"]
        assert again.body == first.body | {"prompt": "", "metadata": {}}, "no word of it is left"
        path = here.stage.settings.data / here.stage.settings.database
        with contextlib.closing(sqlite3.connect(path)) as db:
            rows = str(db.execute("SELECT * FROM idempotency").fetchall())
        assert "secret door" not in rows
        assert await here.count() == 0
        here.stage.time_passes(hours=24)
        later = await alice.ask("Another.", key="one")
        assert later.status == 202
        assert later.id != first.id


async def test_what_was_refused_may_be_tried_again(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        here.stage.repository.archived = True
        assert (await alice.ask(key="one")).status == 409
        here.stage.repository.archived = False
        assert (await alice.ask(key="one")).status == 202


async def test_keys_that_are_none(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        for key in ("", "x" * 256, "a\tb", "ü"):
            answer = await alice.ask(key=key)
            assert (answer.status, key) == (400, key)
        assert await here.count() == 0
