"""The database for a command beside a Bellhop that may be running."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime

import aiohttp
from pydantic import SecretStr

from bot.data_folder import make_folder
from bot.github.app import AppIdentity
from bot.github.client import GitHub
from bot.identity import PATIENCE, USER_AGENT
from bot.key_desk import KeyDesk
from bot.secret_key import secret_key, settle_key
from bot.settings import Settings
from bot.startup import private_key
from bot.tempo import Tempo
from bot.vault import Vault
from storage import FolderInUse, FolderLock, Store
from storage.sealed import key_print


@dataclass(frozen=True, slots=True)
class Beside:
    """What a command may use."""

    store: Store
    desk: KeyDesk
    github: GitHub
    clock: Callable[[], datetime]


@contextlib.asynccontextmanager
async def beside(settings: Settings) -> AsyncGenerator[Beside]:
    """Open the database, whether a Bellhop runs on it or not.

    Its tables are brought up to date only where none does: one that runs knows the tables as they
    were when it started.

    Raises:
        StorageFailed: the database cannot be used, or is older than this program while a Bellhop
            uses it.
        OSError: a file or the data folder cannot be read or made.
        ValueError: the private key is none.
    """
    tempo = Tempo()
    make_folder(settings)
    path = settings.data / settings.database
    sealed_with = key_print(path)  # before the key is read, so that no change is missed
    async with contextlib.AsyncExitStack() as stack:
        store, vault = await _open(settings)
        stack.push_async_callback(store.close)
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        app = AppIdentity(
            settings.app_id or 0, settings.client_id, SecretStr(private_key(settings))
        )
        url = settings.github_api_url
        github = GitHub(session, app, api_url=url, requester=USER_AGENT)
        desk = KeyDesk(store.people, vault, tempo.clock, lambda: key_print(path) != sealed_with)
        yield Beside(store, desk, github, tempo.clock)


async def _open(settings: Settings) -> tuple[Store, Vault]:
    """The folder is locked only while its files are made ready: a Bellhop may start meanwhile."""
    path, rules = settings.data / settings.database, settings.rules("bellhop")
    try:
        with FolderLock(settings.data):
            settle_key(settings)
            vault = Vault(secret_key(settings))
            return await Store.open(path, rules), vault
    except FolderInUse:
        return await Store.open(path, rules, migrate=False), Vault(secret_key(settings))
