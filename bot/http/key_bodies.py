"""Keys and webhook secrets on the wire. What opens something is in one answer, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from bot.http.bodies import Body
from bot.key_desk import LONGEST_NAME
from bot.keys import SCOPES, Scope

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME)
]


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("it is beyond the years that there are") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class NewKey(Body):
    """What a key is to be."""

    name: Name
    scopes: list[Scope] = Field(
        default_factory=lambda: list(SCOPES), min_length=1, max_length=len(SCOPES)
    )
    expires_at: Instant | None = Field(
        None, description="When it stops to work by itself; never, if not given."
    )


class KeyShown(Body):
    """A key, as its owner sees it later."""

    key_id: str
    name: str
    prefix: str = Field(description="Its first characters.")
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class KeyMade(KeyShown):
    """A new key, whole: it is shown this once."""

    key: str


class KeyList(Body):
    """All keys of a person, newest first."""

    keys: list[KeyShown]


class SecretShown(Body):
    """A webhook secret, as its owner sees it later."""

    secret_id: str
    last4: str
    created_at: datetime


class SecretMade(SecretShown):
    """A new secret, whole: it is shown this once."""

    secret: str = Field(description="`whsec_…`, as Standard Webhooks write it.")


class SecretList(Body):
    """The secrets that sign for a person, newest first: at most two."""

    secrets: list[SecretShown]


class Deleted(Body):
    """How many records are gone."""

    deleted_count: Literal[1] = 1
