"""What is kept about people and programs that ask: keys, sessions, tokens, webhook secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from storage import keys, user_tokens, webhook_secrets
from storage.keys import ApiKey, Session
from storage.sqlite import Engine
from storage.user_tokens import SealedUserToken
from storage.webhook_secrets import SealedSecret


class People:
    """The keys, sessions and secrets of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.on_unused: Callable[[Iterable[SealedUserToken]], None] = _nobody_revokes
        """Told of the tokens that were forgotten since nobody is signed in with them any more."""

    async def keep_key(self, key: ApiKey, digest: bytes) -> bool:
        """Remember a new key by its digest; False where its owner has as many as may be."""
        return await self._engine.write(lambda db: keys.keep_key(db, key, digest))

    async def key_of(self, digest: bytes) -> ApiKey | None:
        """The key of a digest, expired or not."""
        return await self._engine.read(lambda db: keys.key_of(db, digest))

    async def key_named(self, key_id: str) -> ApiKey | None:
        """The key of an id, expired or not."""
        return await self._engine.read(lambda db: keys.key_named(db, key_id))

    async def keys_of(self, owner_id: int | None) -> tuple[ApiKey, ...]:
        """The keys of a person, or all, newest first."""
        return await self._engine.read(lambda db: keys.keys_of(db, owner_id))

    async def login_of(self, person_id: int) -> str | None:
        """The login by which somebody last made a key or signed in, of what is still there."""
        return await self._engine.read(lambda db: keys.login_of(db, person_id))

    async def drop_key(self, key_id: str, owner_id: int | None = None) -> bool:
        """Forget a key of a person's, or of anybody's; False where there is none."""
        return await self._engine.write(lambda db: keys.drop_key(db, key_id, owner_id))

    async def touch_key(self, key_id: str, now: datetime) -> None:
        """A key was used."""
        await self._engine.write(lambda db: keys.touch_key(db, key_id, now))

    async def keep_session(self, session: Session, digest: bytes) -> None:
        """Remember a new session by its digest."""
        await self._engine.write(lambda db: keys.keep_session(db, session, digest))

    async def session_of(self, digest: bytes, now: datetime) -> Session | None:
        """The session of a digest, unless it has expired."""
        return await self._engine.read(lambda db: keys.session_of(db, digest, now))

    async def session_named(self, session_id: str, now: datetime) -> Session | None:
        """The session of an id, unless it has expired."""
        return await self._engine.read(lambda db: keys.session_named(db, session_id, now))

    async def touch_session(self, session_id: str, now: datetime) -> None:
        """A session was seen."""
        await self._engine.write(lambda db: keys.touch_session(db, session_id, now))

    async def sessions_of(self, person_id: int, now: datetime) -> tuple[Session, ...]:
        """The sessions of a person that have not expired, newest first."""
        return await self._engine.read(lambda db: keys.sessions_of(db, person_id, now))

    async def drop_session(self, session_id: str, person_id: int | None = None) -> bool:
        """End a session of a person's, or of anybody's; False where there is none."""
        return await self._engine.write(lambda db: keys.drop_session(db, session_id, person_id))

    async def keep_token(self, token: SealedUserToken) -> None:
        """Remember a person's token instead of the one before."""
        await self._engine.write(lambda db: user_tokens.keep(db, token))

    async def token_of(self, person_id: int) -> SealedUserToken | None:
        """The token of a person, expired or not."""
        return await self._engine.read(lambda db: user_tokens.of_person(db, person_id))

    async def drop_token(self, token: SealedUserToken) -> None:
        """Forget a token that is no good, unless there is another by now."""
        await self._engine.write(lambda db: user_tokens.drop(db, token))

    async def take_token(self, person_id: int) -> SealedUserToken | None:
        """Forget the token of a person and return it, to be revoked."""
        return await self._engine.write(lambda db: user_tokens.take(db, person_id))

    async def take_unused_token(self, person_id: int, now: datetime) -> SealedUserToken | None:
        """The same for a person who has no session any more; None for others."""
        return await self._engine.write(lambda db: user_tokens.take_unused(db, person_id, now))

    async def keep_webhook_secret(self, owner_id: int, secret: SealedSecret) -> bool:
        """Remember a new secret; False where the owner has as many as there may be."""
        return await self._engine.write(lambda db: webhook_secrets.keep(db, owner_id, secret))

    async def webhook_secrets_of(self, owner_id: int) -> tuple[SealedSecret, ...]:
        """The secrets of a person, newest first."""
        return await self._engine.read(lambda db: webhook_secrets.of_owner(db, owner_id))

    async def drop_webhook_secret(self, secret_id: str, owner_id: int | None = None) -> bool:
        """Forget a secret of a person's, or of anybody's; False where there is none."""
        return await self._engine.write(lambda db: webhook_secrets.drop(db, secret_id, owner_id))

    async def forget(self, now: datetime) -> None:
        """Remove what has expired."""
        await self._engine.write(lambda db: keys.forget_sessions(db, now))
        unused = await self._engine.write(user_tokens.forget_unused)
        self.on_unused(unused)


def _nobody_revokes(_: Iterable[SealedUserToken]) -> None:
    pass
