"""Data folders with a secret in them, and a start as Bellhop makes it, for tests of the key."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from bot.rotation import Rotated, rotate, vault_with_history
from bot.secret_key import secret_key, settle_key
from bot.settings import Settings
from bot.vault import Vault
from storage import FolderLock, Store
from storage.provider_secrets import NewSecret
from tests.first_start import lay_out
from tests.makers import NOON, RULES

GIVEN = "a secret key of forty characters, or more"
KINDS = ("data folder", "setting", "file of a setting")


@dataclass
class Place:
    """A data folder with one secret in it, and where its key is."""

    settings: Settings

    @property
    def data(self) -> Path:
        return self.settings.data

    @asynccontextmanager
    async def store(self) -> AsyncGenerator[Store]:
        store = await Store.open(lay_out(self.data / "bellhop.db"), RULES)
        try:
            yield store
        finally:
            await store.close()

    async def fill(self) -> Vault:
        """Keep a secret; the vault that it is sealed with."""
        vault = Vault(secret_key(self.settings))
        async with self.store() as store:
            kept = NewSecret(vault.seal("sk-precious"), "ious")
            await store.scopes.keep_secrets("user:1", {"openai": kept}, NOON)
        return vault

    async def start(self) -> tuple[Vault, str]:
        """Start as Bellhop does: the vault, and what it opens."""
        with FolderLock(self.data):
            settle_key(self.settings)
            key = secret_key(self.settings)
            async with self.store() as store:
                vault = await vault_with_history(key, store)
                kept = (await store.scopes.secrets("user:1"))["openai"]
                return vault, vault.unseal(kept.secret)

    async def rotate(self, **options: bool) -> Rotated:
        return await rotate(self.settings, NOON, **options)

    def with_key(self, key: str) -> Place:
        """The same folder, once the operator has set another key."""
        file = self.settings.secret_key_file
        if file is not None:
            file.write_text(f"{key}\n")
            return self
        changed = {"secret_key": SecretStr(key)}
        return Place(self.settings.model_copy(update=changed))


def placed(folder: Path, kind: str) -> Place:
    data = folder / "data"
    data.mkdir()
    more: dict[str, object] = {}
    if kind == "setting":
        more = {"secret_key": SecretStr(GIVEN)}
    if kind == "file of a setting":
        (folder / "key").write_text(GIVEN)
        more = {"secret_key_file": folder / "key"}
    return Place(Settings.model_validate({"data": data} | more))
