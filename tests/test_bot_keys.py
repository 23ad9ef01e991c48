"""Keys as they look, and what makes them."""

from __future__ import annotations

import base64
import re
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.key_desk import KeyDesk
from bot.keys import PREFIX, SCOPES, SHOWN, digest, looks_right, new_key, new_webhook_secret
from bot.redact import redact
from bot.vault import Vault
from tests.makers import ADA, BOB, NOON
from tests.storage_support import opened

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_a_key_is_random_letters_and_their_checksum() -> None:
    keys = [new_key() for _ in range(500)]
    assert len(set(keys)) == 500
    for key in keys:
        assert re.fullmatch(r"bh_[0-9A-Za-z]{38}", key)
        assert looks_right(key)
        body, check = key[3:-6], key[-6:]
        number = 0
        for letter in check:
            number = number * 62 + BASE62.index(letter)
        assert number == zlib.crc32(body.encode())
    assert len(BASE62) ** 32 > 2**160


def test_the_checksum_stays_what_it_is() -> None:
    """Keys that people have must not stop to work with a new version."""
    body = "0" * 32
    assert looks_right(f"bh_{body}2wjyrI")
    assert not looks_right(f"bh_{body}000000")


@given(st.integers(min_value=0, max_value=40), st.characters(codec="ascii"))
def test_a_typing_error_is_found(place: int, char: str) -> None:
    key = new_key()
    wrong = key[:place] + char + key[place + 1 :]
    assert looks_right(wrong) is (wrong == key)


@given(st.text(max_size=60))
def test_nothing_made_up_is_a_key(text: str) -> None:
    assert not looks_right(text)
    assert not looks_right(PREFIX + text)


@pytest.mark.parametrize(
    "change",
    ["{}\n", " {}", "{}\x00", "{}{}", "x{}", "{}x", "\N{FULLWIDTH LATIN SMALL LETTER B}{}"],
)
def test_a_key_has_nothing_around_it(change: str) -> None:
    key = new_key()
    assert not looks_right(change.format(key, key))


def test_a_webhook_secret_is_as_standard_webhooks_write_it() -> None:
    secret = new_webhook_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert secret != new_webhook_secret()


def test_keys_and_secrets_are_redacted_wherever_they_stand() -> None:
    for _ in range(200):
        for secret in (new_key(), new_webhook_secret()):
            for text in ("{}", "key={}!", '{{"a":"{}"}}', "x\n{}\ny", "Bearer {},", "`{}`"):
                assert redact(text.format(secret)) == text.format("***")


@given(st.text())
def test_whatever_a_cookie_holds_has_a_digest(text: str) -> None:
    assert len(digest(text)) == 32
    assert len(digest("\udcff" + text)) == 32


async def test_a_key_is_made_and_kept_without_what_opens_anything(tmp_path: Path) -> None:
    async with opened(tmp_path) as bench:
        desk = KeyDesk(bench.store.people, Vault(b"k" * 32), lambda: NOON)
        ends = NOON + timedelta(days=1)
        made = await desk.new_key(ADA, "a script", frozenset(SCOPES), ends)
        assert await bench.store.people.key_of(digest(made.secret)) == made.key
        assert made.key.prefix == made.secret[:SHOWN] == f"bh_{made.secret[3:9]}"
        assert (made.key.owner, made.key.expires_at, made.key.used_at) == (ADA, ends, None)
        assert made.secret not in repr(made)
        later = await desk.new_key(ADA, "a script", frozenset(SCOPES), None)
        assert later.key.id > made.key.id


async def test_a_webhook_secret_is_sealed(tmp_path: Path) -> None:
    vault = Vault(b"k" * 32)
    async with opened(tmp_path) as bench:
        desk = KeyDesk(bench.store.people, vault, lambda: NOON)
        made = await desk.new_webhook_secret(ADA)
        assert made is not None
        (kept,) = await bench.store.people.webhook_secrets_of(ADA.id)
        assert kept == made.kept
        assert vault.unseal(kept.secret) == made.secret
        assert made.secret.encode() not in kept.secret
        assert made.secret.rstrip("=").endswith(kept.last4)
        assert made.secret not in repr(made)
        assert await desk.new_webhook_secret(ADA) is not None
        assert await desk.new_webhook_secret(ADA) is None
        assert await desk.new_webhook_secret(BOB) is not None
