"""Tokens of workers, as ciphertext."""

from __future__ import annotations

from pathlib import Path

from storage import vault_rows
from storage.vault_rows import SealedToken
from tests.makers import HOUR, NOON, SECOND
from tests.storage_support import opened


async def test_tokens_are_kept_until_they_are_revoked_or_expired(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        store = bench.store
        for attempt, task in ((1, "x"), (2, "x"), (3, "x"), (1, "y")):
            await store.keep_token(task, attempt, bytes([attempt, 0, 255]), NOON + attempt * HOUR)
        second, first = await store.tokens("x", 2)
        assert (second.attempt, first.attempt) == (2, 1)
        assert first == SealedToken(first.id, 1, b"\x01\x00\xff", NOON + HOUR)
        await store.forget_token(first.id)
        assert await store.tokens("x", 2) == (second,)
        await bench.do(lambda db: vault_rows.forget_expired(db, NOON + 2 * HOUR))
        assert [one.attempt for one in await store.tokens("x", 9)] == [3, 2]
        await bench.do(lambda db: vault_rows.forget_expired(db, NOON + 2 * HOUR + SECOND))
        assert [one.attempt for one in await store.tokens("x", 9)] == [3]
        assert await store.tokens("y", 9) == ()
