"""Tokens of workers, as ciphertext."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from handlers.effects import RevokeTokens
from handlers.task import Status, Task
from storage import tasks, vault_rows
from storage.vault_rows import SealedToken
from tests.makers import HOUR, ID, NOON, SECOND, task_in
from tests.storage_support import opened


async def test_tokens_are_kept_until_they_are_revoked_or_expired(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        store = bench.store
        for attempt in (1, 2, 3):
            task = task_in(Status.RUNNING, attempt=attempt, launch=attempt)
            await store.keep_token(task, bytes([attempt, 0, 255]), NOON + attempt * HOUR, NOON)
        await store.keep_token(task_in(Status.RUNNING, id="y"), b"y", NOON + HOUR, NOON)
        second, first = await store.tokens(ID, 2, 2)
        assert (second.attempt, first.attempt) == (2, 1)
        assert first == SealedToken(first.id, 1, 1, b"\x01\x00\xff", NOON + HOUR)
        assert await store.tokens(ID, 2, 1) == (first,), "a later launch keeps its own"
        await store.forget_token(first.id)
        assert await store.tokens(ID, 2, 2) == (second,)
        await bench.do(lambda db: vault_rows.forget_expired(db, NOON + 2 * HOUR))
        assert [one.attempt for one in await store.tokens(ID, 9, 1)] == [3, 2]
        await bench.do(lambda db: vault_rows.forget_expired(db, NOON + 2 * HOUR + SECOND))
        assert [one.attempt for one in await store.tokens(ID, 9, 1)] == [3]
        assert await store.tokens("y", 9, 1) == ()


async def test_a_token_that_comes_too_late_is_revoked(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        queued = await bench.ask()
        await bench.offer(queued)
        task = await bench.store.task(queued.id)
        assert task is not None

        async def revoked() -> list[RevokeTokens]:
            owed = [one.effect for one in await bench.owed()]
            return [one for one in owed if isinstance(one, RevokeTokens)]

        async def keep(of: Task) -> None:
            await bench.store.keep_token(of, b"s", bench.now + HOUR, bench.now)

        await keep(task)
        assert await revoked() == []
        for number, old in ((2, replace(task, attempt=0)), (3, replace(task, launch=0))):
            await keep(old)
            late = (await revoked())[-1]
            of_launch = f"{old.attempt}/{old.launch}"
            assert late.key == f"{task.id}/{of_launch}/late/{number}"
            assert (late.attempt, late.launch) == (old.attempt, old.launch)
        ended = replace(task, status=Status.CANCELLED, completed_at=NOON)
        await bench.do(lambda db: tasks.save(db, ended, None))
        await keep(task)
        assert len(await revoked()) == 3
        await keep(replace(task, id="gone"))
        assert [one.task_id for one in await revoked()] == [task.id] * 3 + ["gone"]
