"""Makes keys and webhook secrets; the only time that anybody sees them whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from uuid_utils import uuid7

from bot.keys import SHOWN, digest, new_key, new_webhook_secret
from bot.vault import Vault, WrongKey
from handlers.values import Person
from storage.keys import MOST_KEYS, ApiKey
from storage.people import People
from storage.webhook_secrets import MOST, SealedSecret

LONGEST_NAME = 100
"""Characters of a key's name."""
TOO_MANY = (
    f"There are {MOST} secrets already, the one in use and the next. "
    "Delete the one that no receiver uses any more."
)


class TooManyKeys(Exception):  # noqa: N818 - the name says what is wrong
    """Somebody has as many keys as may be; the text says what to do."""

    def __init__(self) -> None:
        super().__init__(
            f"There are {MOST_KEYS} keys already, and one person may have no more. "
            "End those that are not used any more."
        )


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key with what opens something."""

    key: ApiKey
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A webhook secret with its text."""

    kept: SealedSecret
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyDesk:
    """Makes and keeps.

    `key_changed` tells whether another process has replaced the secret key since the vault was
    made; whoever holds the data folder's lock need not ask.
    """

    people: People
    vault: Vault
    clock: Callable[[], datetime]
    key_changed: Callable[[], bool] = lambda: False

    async def new_key(
        self, owner: Person, name: str, scopes: frozenset[str], expires_at: datetime | None
    ) -> NewKey:
        """A new key of a person's.

        Raises:
            TooManyKeys: they have as many as may be.
        """
        secret = new_key()
        key = ApiKey(
            id=str(uuid7()),
            owner=owner,
            name=name,
            prefix=secret[:SHOWN],
            scopes=scopes,
            created_at=self.clock(),
            expires_at=expires_at,
        )
        if not await self.people.keep_key(key, digest(secret)):
            raise TooManyKeys
        return NewKey(key, secret)

    async def new_webhook_secret(self, owner: Person) -> NewSecret | None:
        """A new secret of a person's; None where there are as many as there may be.

        Raises:
            WrongKey: the secret key is another one by now.
        """
        secret = new_webhook_secret()
        kept = SealedSecret(
            str(uuid7()), self.vault.seal(secret), secret.rstrip("=")[-4:], self.clock()
        )
        if not await self.people.keep_webhook_secret(owner.id, kept):
            return None
        if self.key_changed():  # what was sealed with the former key nobody could open
            await self.people.drop_webhook_secret(kept.id)
            raise WrongKey(
                "The secret key was replaced at this moment: nothing was made. Try again."
            )
        return NewSecret(kept, secret)
