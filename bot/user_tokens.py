"""People's own GitHub tokens: encrypted at rest, renewed in time, revoked at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import structlog
from cachetools import LRUCache
from pydantic import BaseModel, SecretStr

from bot.github.errors import GitHubError, OAuthRefused
from bot.github.oauth import Granted, OAuth
from bot.vault import Vault, WrongKey
from handlers.values import Person
from storage.people import People
from storage.user_tokens import SealedUserToken

T = TypeVar("T")

_log = structlog.stdlib.get_logger(__name__)

LEAST_LEFT = timedelta(minutes=5)
"""A token that is handed out must outlive the calls it is for."""
DEAD = frozenset({"bad_refresh_token", "unauthorized"})
"""GitHub's words for a refresh token that is none any more."""


MOST_UNSTORED = 1_000
"""Pairs that wait for a database which takes nothing."""


class SignInAgain(Exception):  # noqa: N818 - it says what its person has to do
    """No good token of this person is left: they have to sign in again."""


class _Pair(BaseModel):
    """What is encrypted as one."""

    access: str
    refresh: str | None


@dataclass(slots=True)
class UserTokens:
    """The tokens of all people who have signed in.

    A renewal kills both old tokens at GitHub, so there is one at a time for a person, its outcome
    is stored before anybody gets it, and it goes on although whoever asked has left. Nobody waits
    for a revocation.
    """

    people: People
    vault: Vault
    oauth: OAuth
    clock: Callable[[], datetime]
    on_end: Callable[[int], None] = field(default=lambda _: None, init=False)
    """Told of everybody who ends a session: what they saw is to be forgotten."""
    _unstored: LRUCache[bytes, Granted] = field(
        default_factory=lambda: LRUCache[bytes, Granted](MOST_UNSTORED), init=False
    )
    """By the sealed pair that it replaced: what GitHub granted and the database could not keep."""
    _locks: WeakValueDictionary[int, asyncio.Lock] = field(
        default_factory=WeakValueDictionary[int, asyncio.Lock], init=False
    )
    _at_work: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]], init=False)

    def __post_init__(self) -> None:
        """Revoke the tokens of those whose last session runs out."""
        self.people.on_unused = self._end

    async def token(self, person: Person) -> SecretStr:
        """A token in a person's own name that is good for five minutes at least.

        Raises:
            SignInAgain: there is none, and none can be had without them.
            GitHubError: GitHub did not renew it now.
            StorageFailed: the database cannot be used.
        """
        kept = await self.people.token_of(person.id)
        if kept is None:
            raise SignInAgain
        if self._lasts(kept):
            return SecretStr(self._opened(kept).access)
        return await asyncio.shield(self._begin(self._renewed(person.id)))

    async def keep(self, person: Person, granted: Granted) -> None:
        """Remember what GitHub granted; what was there before is revoked.

        GitHub lets each sign-in's tokens live beside the others, the ones to renew them with for
        half a year.
        """
        async with self._lock(person.id):
            before = await self.people.token_of(person.id)
            await self._store(person, granted)
            if before is not None and not self._opens_as(before, granted.access):
                self._end((before,))

    def let_go(self, granted: Granted) -> None:
        """Revoke what GitHub granted for nothing: no sign-in came of it."""
        self._begin(self._revoke_access(granted.access))

    async def refused(self, person: Person, token: SecretStr) -> None:
        """GitHub does not take this token any more: forget it, if it is still the one."""
        async with self._lock(person.id):
            kept = await self.people.token_of(person.id)
            if kept is not None and self._opens_as(kept, token):
                await self.people.drop_token(kept)

    async def forget(self, person_id: int) -> None:
        """Forget a person's token, and revoke it at GitHub if GitHub answers."""
        async with self._lock(person_id):
            if (kept := await self.people.take_token(person_id)) is not None:
                self._end((kept,))
        self.on_end(person_id)

    async def forget_unused(self, person_id: int) -> None:
        """The same for somebody who has no session any more; nothing for anybody else."""
        async with self._lock(person_id):
            kept = await self.people.take_unused_token(person_id, self.clock())
            if kept is not None:
                self._end((kept,))
        self.on_end(person_id)

    async def settled(self) -> None:
        """Wait until every renewal that has begun is stored, and every revocation done."""
        await asyncio.gather(*self._at_work, return_exceptions=True)

    async def _renewed(self, person_id: int) -> SecretStr:
        async with self._lock(person_id):
            if (former := await self.people.token_of(person_id)) is not None:
                await self._store_late(former)
            kept = await self.people.token_of(person_id)
            if kept is None:
                raise SignInAgain
            pair = self._opened(kept)
            if self._lasts(kept):  # somebody was faster
                return SecretStr(pair.access)
            if pair.refresh is None or self._is_over(kept.renewable_until):
                await self.people.drop_token(kept)
                raise SignInAgain
            granted = await self._ask(kept, SecretStr(pair.refresh))
            self._unstored[kept.secret] = granted
            await self._store_late(kept)
            return granted.access

    async def _store_late(self, kept: SealedUserToken) -> None:
        """Store what GitHub granted instead of this, if that is still to be done."""
        if (granted := self._unstored.get(kept.secret)) is not None:
            await self._store(kept.person, granted)
            self._unstored.pop(kept.secret, None)

    async def _ask(self, kept: SealedUserToken, refresh: SecretStr) -> Granted:
        try:
            return await self.oauth.renew(refresh)
        except OAuthRefused as error:
            if error.code not in DEAD:
                raise
            _log.info("a user token is dead", code=error.code)
            await self.people.drop_token(kept)
            raise SignInAgain from None

    async def _store(self, person: Person, granted: Granted) -> None:
        refresh = granted.refresh.get_secret_value() if granted.refresh else None
        pair = _Pair(access=granted.access.get_secret_value(), refresh=refresh)
        sealed = self.vault.seal(pair.model_dump_json())
        await self.people.keep_token(
            SealedUserToken(person, sealed, granted.expires_at, granted.renewable_until)
        )

    def _end(self, tokens: Iterable[SealedUserToken]) -> None:
        for kept in tokens:
            self._begin(self._revoke(kept))

    async def _revoke(self, kept: SealedUserToken) -> None:
        try:
            access = await self._to_revoke(kept)
        except (GitHubError, WrongKey) as error:
            _unrevoked(error)
        else:
            if access is not None:
                await self._revoke_access(access)

    async def _to_revoke(self, kept: SealedUserToken) -> SecretStr | None:
        """The access token whose end is the end of a pair; None where all of it has ended.

        One that has ended cannot be revoked any more, while what it is renewed with lives on: to
        renew it kills both, and leaves one that can be.
        """
        pair = _pair(self.vault, kept)
        if (unstored := self._unstored.pop(kept.secret, None)) is not None:
            return unstored.access
        if not self._is_over(kept.expires_at):
            return SecretStr(pair.access)
        if pair.refresh is None or self._is_over(kept.renewable_until):
            return None
        try:
            return (await self.oauth.renew(SecretStr(pair.refresh))).access
        except OAuthRefused as error:
            if error.code not in DEAD:
                raise
            return None

    async def _revoke_access(self, access: SecretStr) -> None:
        try:
            await self.oauth.revoke(access)
        except GitHubError as error:
            _unrevoked(error)

    def _lasts(self, kept: SealedUserToken) -> bool:
        return kept.expires_at is None or self.clock() + LEAST_LEFT <= kept.expires_at

    def _is_over(self, end: datetime | None) -> bool:
        return end is not None and end <= self.clock()

    def _opened(self, kept: SealedUserToken) -> _Pair:
        """Sealed with another key than the present one, it is as good as none."""
        try:
            return _pair(self.vault, kept)
        except WrongKey:
            raise SignInAgain from None

    def _opens_as(self, kept: SealedUserToken, token: SecretStr) -> bool:
        try:
            return _pair(self.vault, kept).access == token.get_secret_value()
        except WrongKey:
            return False

    def _lock(self, person_id: int) -> asyncio.Lock:
        return self._locks.setdefault(person_id, asyncio.Lock())

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._at_work.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._at_work.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked may have left, so it is looked at here


def _unrevoked(error: Exception) -> None:
    _log.warning("a user token was not revoked", problem=str(error))


def _pair(vault: Vault, kept: SealedUserToken) -> _Pair:
    return _Pair.model_validate_json(vault.unseal(kept.secret))
