"""Everything that must be right, each with its remedy: one list for all who ask.

`bellhop doctor` and `GET /api/startup/check` tell it all. `bellhop serve` does not start with a
problem that `before_start` finds, and logs whatever else is wrong once it listens.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
from pydantic import SecretStr

from bot import startup
from bot.doctor import github, local
from bot.doctor.findings import Evidence, Finding, State
from bot.doctor.missed import missed
from bot.doctor.names import names, names_given
from bot.github.about import TIMEOUT, Said, ask, ask_as_client
from bot.github.app import AppIdentity, AppTokens
from bot.github.clock import SystemClock
from bot.github.errors import GitHubError
from bot.github.oauth import NO_TOKEN, OAuthClient
from bot.github.transport import Api
from bot.settings import Problem, Settings
from bot.startup import private_key
from bot.stored_app import with_stored
from bot.vault import WrongKey
from storage import StorageFailed

__all__ = [
    "CHECKS",
    "Evidence",
    "Finding",
    "State",
    "before_start",
    "examine",
    "gather",
]

Check = Callable[[Evidence], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (
    local.settings,
    local.data_folder,
    names,
    local.database,
    local.secret_key,
    local.disk,
    local.git,
    local.agent,
    local.base_url,
    github.answers,
    github.permissions,
    github.webhook,
    missed,
    github.sign_in,
    github.clock,
)
"""Every check, in the order in which they are told."""


async def examine(settings: Settings) -> tuple[Finding, ...]:
    """Look at everything, the App that the set-up page made included. Nothing is changed."""
    unreadable: tuple[Finding, ...] = ()
    try:
        settings = await asyncio.to_thread(with_stored, settings)
    except (StorageFailed, WrongKey, OSError) as error:
        unreadable = (_unreadable(error),)
    evidence = replace(await gather(settings), free=_free(settings), names=names_given())
    found = await asyncio.to_thread(_looked, CHECKS, evidence)  # files, a database, a program
    return (*unreadable, *found)


def _unreadable(error: Exception) -> Finding:
    remedy = "Put the database and its key back from a backup, or set the settings of the App."
    return Finding("stored App", "problem", str(error), remedy)


def before_start(settings: Settings) -> tuple[Problem, ...]:
    """What keeps Bellhop from starting, without touching the network.

    Without an App it can be set up, for which it needs not yet know what it will need for its work.
    """
    setting_up = startup.has_no_app(settings)
    nothing = Evidence(settings, None, None, asked=False, silence="", asked_at=datetime.now(UTC))
    folder = [one for one in local.data_folder(nothing) if one.state == "problem"]
    return (
        *(one for one in startup.problems(settings) if not (setting_up and one.missing)),
        *(Problem(one.subject, one.remedy) for one in folder),
    )


async def gather(settings: Settings) -> Evidence:
    """Ask GitHub what the checks want to know, if there is an App to ask for."""
    evidence = Evidence(settings, None, None, asked=False, silence="", asked_at=datetime.now(UTC))
    try:
        app = _identity(settings)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            jwt = _tokens(session, settings, app).jwt()
            about = await ask(session, settings.github_api_url, "/app", jwt)
            hook = await ask(session, settings.github_api_url, "/app/hook/config", jwt)
            client = await _of_client(session, settings)
    except (OSError, ValueError) as error:
        return replace(evidence, silence=str(error))
    except GitHubError as error:
        return replace(evidence, asked=True, silence=str(error))
    return replace(evidence, app=about, hook=hook, client=client, asked=True)


async def _of_client(session: aiohttp.ClientSession, settings: Settings) -> Said | None:
    client = OAuthClient(settings.client_id, settings.client_secret)
    if not client.is_complete:
        return None
    url, client_id = settings.github_api_url, settings.client_id
    return await ask_as_client(session, url, client_id, client.password, NO_TOKEN)


def _looked(checks: tuple[Check, ...], evidence: Evidence) -> tuple[Finding, ...]:
    return tuple(finding for check in checks for finding in check(evidence))


def _free(settings: Settings) -> int | None:
    folder = settings.data.absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        return shutil.disk_usage(there).free
    except OSError:
        return None


def _identity(settings: Settings) -> AppIdentity:
    """Raise ValueError or OSError where the settings do not say who to ask as."""
    there = settings.private_key is not None or settings.private_key_file is not None
    if settings.app_id is None or not there:
        raise ValueError("it takes an App id and its key to ask")
    return AppIdentity(settings.app_id, settings.client_id, SecretStr(private_key(settings)))


def _tokens(session: aiohttp.ClientSession, settings: Settings, app: AppIdentity) -> AppTokens:
    clock = SystemClock()
    url = settings.github_api_url
    api = Api(session, base_url=url, requester="bellhop", clock=clock, timeout=TIMEOUT)
    return AppTokens(api, app, clock)
