"""The composition root: everything that the settings name is opened here, and closed again."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver
from pydantic import SecretStr

from bot import identity as who
from bot.bellhop import Bellhop
from bot.data_folder import make_folder
from bot.github.app import AppIdentity
from bot.github.client import GitHub
from bot.look_ups import SystemResolver
from bot.outbound_guard import Policy, guarded_session
from bot.roles import Roles
from bot.rotation import vault_with_history
from bot.runners.base import Runner
from bot.runners.process import ProcessRunner
from bot.secret_key import secret_key, settle_key
from bot.settings import Settings
from bot.startup import private_key
from bot.tempo import Tempo
from storage import FolderLock, Store


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    tempo: Tempo | None = None,
    resolver: AbstractResolver | None = None,
    trust: ssl.SSLContext | None = None,
    provider_bases: Mapping[str, str] | None = None,
) -> AsyncGenerator[Bellhop]:
    """Open everything that these settings name, and close it again.

    `resolver` looks up the hosts of webhooks to programs, and `trust` says whose certificates count
    of them, instead of the system. `provider_bases` are other addresses of providers of models, by
    the address that they stand for.

    Raises:
        FolderInUse: another Bellhop uses the data folder.
        StorageFailed: the database cannot be used.
        OSError: a file or the data folder cannot be read or made.
        ValueError: the private key is none.
    """
    tempo = tempo or Tempo()
    make_folder(settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(FolderLock(settings.data))
        settle_key(settings)
        key = secret_key(settings)
        timeout = aiohttp.ClientTimeout(total=None, connect=10)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout)
        )
        resolver = resolver or SystemResolver()
        stack.push_async_callback(resolver.close)
        policy = Policy(settings.webhook_urls, resolver)
        outbound = await stack.enter_async_context(guarded_session(policy, trust))
        store = await Store.open(settings.data / settings.database, settings.rules("bellhop"))
        stack.push_async_callback(store.close)
        vault = await vault_with_history(key, store)
        app_id = settings.app_id or 0
        app = AppIdentity(app_id, settings.client_id, SecretStr(private_key(settings)))
        github = GitHub(
            session,
            app,
            api_url=settings.github_api_url,
            requester=who.USER_AGENT,
            clock=tempo.github_clock,
        )
        runners = _runners(settings)
        known = await who.recall(store, app_id)
        bellhop = Bellhop(
            settings,
            store,
            github,
            runners,
            vault,
            session,
            tempo,
            policy,
            outbound,
            Roles(github, tempo.clock),
            known,
            provider_bases=provider_bases or {},
        )
        store.on_move = bellhop.meters.moved
        yield bellhop


def _runners(settings: Settings) -> dict[str, Runner]:
    folder: Path = settings.data.resolve() / "workers"
    return {"process": ProcessRunner(folder, user=settings.worker_user)}
