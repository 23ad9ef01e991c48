"""Tokens of workers, as ciphertext."""

from __future__ import annotations

from pathlib import Path

from handlers.task import Status
from storage import vault_rows
from storage.vault_rows import SealedToken
from tests.makers import HOUR, ID, NOON, SECOND, task_in
from tests.storage_support import opened


async def test_tokens_are_kept_until_they_are_revoked_or_expired(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        store = bench.store
        for attempt in (1, 2, 3):
            task = task_in(Status.RUNNING, attempt=attempt, launch=attempt)
            await store.keep_token(task, bytes([attempt, 0, 255]), NOON + attempt * HOUR)
        await store.keep_token(task_in(Status.RUNNING, id="y"), b"y", NOON + HOUR)
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
