"""Bellhop as a GitHub App: the proof of who it is, and the tokens it gets for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import jwt
from cachetools import TLRUCache
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.github.errors import Refused
from bot.github.retry import patiently
from bot.github.shapes import Token, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import SecretStr

    from bot.github.clock import Clock
    from bot.github.transport import Api

# GitHub takes a JWT of at most ten minutes, and its clock may be behind ours.
JWT_BACKDATED = 60
JWT_LIFE = 8 * 60
# A cached token must outlive the call it is given to; GitHub's last an hour.
RENEW_BEFORE = 5 * 60
MAX_TOKENS = 10_000

# An installation that is gone or suspended, or has no such repository or permission.
UNREACHABLE = frozenset({403, 404, 410, 422, 451})

# A worker reads the one repository and nothing else; what it makes leaves through the push gate.
WORKER_PERMISSIONS: Mapping[str, str] = MappingProxyType({"contents": "read", "metadata": "read"})

_Key = tuple[int, int, frozenset[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """Who we are to GitHub: the App's numbers and its private key, a PEM text.

    `client_id` may be empty where the server is too old to know it.
    """

    app_id: int
    client_id: str
    private_key: SecretStr


@dataclass(frozen=True, slots=True)
class WorkerToken:
    """A read-only token of one repository, for one attempt."""

    token: str = field(repr=False)
    expires_at: datetime


class AppTokens:
    """Makes, remembers and revokes installation tokens.

    Raises:
        ValueError: The private key is not an RSA key in PEM form.
    """

    def __init__(self, api: Api, identity: AppIdentity, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._issuer = identity.client_id or str(identity.app_id)
        self._private_key = _load(identity.private_key.get_secret_value())
        self._cache: TLRUCache[_Key, WorkerToken] = TLRUCache(
            MAX_TOKENS,
            ttu=lambda _key, kept, _now: kept.expires_at.timestamp() - RENEW_BEFORE,
            timer=clock.time,
        )
        # A lock lives as long as somebody holds or waits for it.
        self._locks: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()

    def jwt(self) -> str:
        """A JSON Web Token that proves we are the App, good for eight minutes.

        See GitHub's "Generating a JSON Web Token (JWT) for a GitHub App".
        """
        now = int(self._clock.time())
        claims = {"iat": now - JWT_BACKDATED, "exp": now + JWT_LIFE, "iss": self._issuer}
        return jwt.encode(claims, self._private_key, algorithm="RS256")

    async def token(
        self, installation_id: int, repository_id: int, permissions: Mapping[str, str]
    ) -> str:
        """A token for our own calls, narrowed to one repository and to `permissions`.

        Remembered per installation, repository and permissions until five minutes before its
        end. Callers who want the same one at the same time share one request.

        Raises:
            GitHubError: None could be had; `Refused` where the installation, the repository in
                it or one of the permissions is gone.
        """
        key = (installation_id, repository_id, frozenset(permissions.items()))
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            kept = self._cache.get(key)
            if kept is None:
                kept = await self._mint(installation_id, repository_id, permissions)
                self._cache[key] = kept
        return kept.token

    async def reach(
        self, installation_id: int, name: str, permissions: Mapping[str, str]
    ) -> int | None:
        """The id of the repository of this name within an installation; None: it is not in it.

        The token that is made to learn it is remembered as `token` would.

        Raises:
            GitHubError: GitHub did not say.
        """
        try:
            made = await self._ask(
                installation_id, {"repositories": [name], "permissions": dict(permissions)}
            )
        except Refused as error:
            if error.status in UNREACHABLE:
                return None
            raise
        if not made.repositories:
            return None
        number = made.repositories[0].id
        key = (installation_id, number, frozenset(permissions.items()))
        self._cache[key] = WorkerToken(made.token, made.expires_at.astimezone(UTC))
        return number

    async def mint_worker_token(self, installation_id: int, repository_id: int) -> WorkerToken:
        """A new read-only token of one repository, to hand to a worker; never remembered.

        Raises:
            GitHubError: None could be had.
        """
        return await self._mint(installation_id, repository_id, WORKER_PERMISSIONS)

    async def revoke(self, token: str) -> None:
        """End a token's life; one that has ended already is fine.

        Raises:
            GitHubError: It could not be ended now.
        """

        async def revoke() -> None:
            await self._api.call("DELETE", "/installation/token", bearer=token, repeatable=True)

        try:
            await patiently(self._clock, revoke)
        except Refused as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise

    def forget(self, token: str) -> None:
        """Do not hand out this token again: GitHub does not take it any more."""
        self._drop(key for key, kept in self._cache.items() if kept.token == token)

    def drop_installation(self, installation_id: int) -> None:
        """Forget all tokens of an installation that is gone or suspended."""
        self._drop(key for key in self._cache if key[0] == installation_id)

    def _drop(self, keys: Iterable[_Key]) -> None:
        for key in list(keys):
            self._cache.pop(key, None)

    async def _mint(
        self, installation_id: int, repository_id: int, permissions: Mapping[str, str]
    ) -> WorkerToken:
        wanted = {"repository_ids": [repository_id], "permissions": dict(permissions)}
        made = await self._ask(installation_id, wanted)
        return WorkerToken(made.token, made.expires_at.astimezone(UTC))

    async def _ask(self, installation_id: int, wanted: Mapping[str, object]) -> Token:
        async def ask() -> Token:
            # A token that nobody received harms nobody, so this may be repeated.
            answer = await self._api.call(
                "POST",
                f"/app/installations/{installation_id}/access_tokens",
                bearer=self.jwt(),
                data=wanted,
                repeatable=True,
            )
            return parse(Token, answer.data)

        return await patiently(self._clock, ask)


@cache
def _load(pem: str) -> RSAPrivateKey:
    """Read the key, once a process: checking it takes far longer than signing with it."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (TypeError, ValueError):
        key = None
    if isinstance(key, RSAPrivateKey):
        return key
    raise ValueError(
        "The GitHub App's private key is not an RSA key in PEM form: give the .pem file as "
        "GitHub made it, with its BEGIN and END lines"
    )
