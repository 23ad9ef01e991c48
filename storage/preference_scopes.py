"""What is kept for people and installations: defaults, keys of providers, Fly."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlite_utils import Database

from handlers.decision import Defaults, Kept
from storage import preferences, provider_secrets
from storage.preferences import FlyPlace, Said, installation_scope, user_scope
from storage.provider_secrets import KeptSecret, NewSecret
from storage.sqlite import Engine


class Secrets(NamedTuple):
    """The secrets that may count for an attempt, by provider."""

    own: Mapping[str, KeptSecret]
    """The requester's."""
    shared: Mapping[str, KeptSecret]
    """The installation's."""


class Scopes:
    """The scopes of one database; see `user_scope` and `installation_scope`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def defaults(self, scope: str) -> Said:
        """The defaults of a scope."""
        return await self._engine.read(lambda db: preferences.defaults_of(db, scope))

    async def kept(self, installation_id: int, person_id: int) -> Kept:
        """The defaults that count for an attempt that a person asks for."""
        return await self._engine.read(lambda db: preferences.kept(db, installation_id, person_id))

    async def keep_defaults(
        self, scope: str, defaults: Defaults, now: datetime, seen: Collection[str] = ()
    ) -> bool:
        """Replace the defaults of a scope; False where others are set than those that were seen.

        `seen` are the tags of what may be replaced; none: whatever is set.
        """
        return await self._engine.write(
            lambda db: preferences.keep_defaults(db, scope, defaults, now, seen)
        )

    async def secrets(self, scope: str) -> dict[str, KeptSecret]:
        """The secrets of a scope, by provider."""
        return await self._engine.read(lambda db: provider_secrets.of_scope(db, scope))

    async def keep_secrets(
        self, scope: str, secrets: Mapping[str, NewSecret | None], now: datetime
    ) -> None:
        """Replace secrets of a scope, all or none; None removes one."""
        await self._engine.write(lambda db: provider_secrets.keep(db, scope, secrets, now))

    async def mark(self, scope: str, provider: str, secret: bytes, at: datetime | None) -> None:
        """Note when a provider took a secret, None if it refused it."""
        await self._engine.write(lambda db: provider_secrets.mark(db, scope, provider, secret, at))

    async def fly(self, scope: str) -> FlyPlace:
        """Where a scope's workers on Fly run."""
        return await self._engine.read(lambda db: preferences.fly_of(db, scope))

    async def keep_fly(
        self, scope: str, place: FlyPlace, token: Mapping[str, NewSecret | None], now: datetime
    ) -> None:
        """Replace where a scope's workers on Fly run, with the token if one is named."""

        def work(db: Database) -> None:
            preferences.keep_fly(db, scope, place, now)
            provider_secrets.keep(db, scope, token, now)

        await self._engine.write(work)

    async def secrets_for(self, person_id: int, installation_id: int) -> Secrets:
        """The secrets of an attempt's requester and of its installation, of one moment."""

        def work(db: Database) -> Secrets:
            own = provider_secrets.of_scope(db, user_scope(person_id))
            shared = provider_secrets.of_scope(db, installation_scope(installation_id))
            return Secrets(own, shared)

        return await self._engine.read(work)
