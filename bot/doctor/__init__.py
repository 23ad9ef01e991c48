"""`bellhop doctor`: everything that must be right, each with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import aiohttp
from pydantic import SecretStr

from bot.doctor import github, local
from bot.doctor.findings import Evidence, Finding, State
from bot.github.about import TIMEOUT, ask
from bot.github.app import AppIdentity, AppTokens
from bot.github.clock import SystemClock
from bot.github.errors import GitHubError
from bot.github.transport import Api
from bot.settings import Settings
from bot.startup import private_key

__all__ = ["CHECKS", "Evidence", "Finding", "State", "examine", "gather"]

CHECKS: tuple[Callable[[Evidence], Iterable[Finding]], ...] = (
    local.settings,
    local.data_folder,
    local.database,
    local.git,
    local.base_url,
    github.answers,
    github.permissions,
    github.webhook,
    github.clock,
)
"""Every check, in the order in which they are told."""


async def examine(settings: Settings) -> tuple[Finding, ...]:
    """Look at everything. Nothing is changed."""
    evidence = await gather(settings)
    return tuple(finding for check in CHECKS for finding in check(evidence))


async def gather(settings: Settings) -> Evidence:
    """Ask GitHub what the checks want to know, if there is an App to ask for."""
    now = datetime.now(UTC)
    try:
        app = _identity(settings)
    except (OSError, ValueError) as error:
        return Evidence(settings, None, None, asked=False, silence=str(error), asked_at=now)
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            jwt = _tokens(session, settings, app).jwt()
            about = await ask(session, settings.github_api_url, "/app", jwt)
            hook = await ask(session, settings.github_api_url, "/app/hook/config", jwt)
    except ValueError as error:
        return Evidence(settings, None, None, asked=False, silence=str(error), asked_at=now)
    except GitHubError as error:
        return Evidence(settings, None, None, asked=True, silence=str(error), asked_at=now)
    return Evidence(settings, about, hook, asked=True, silence="", asked_at=now)


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
