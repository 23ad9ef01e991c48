"""People's own GitHub tokens, as ciphertext: the key stays outside the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from handlers.values import Person
from storage.times import from_text, maybe_text, to_text


@dataclass(frozen=True, slots=True)
class SealedUserToken:
    """The tokens of one person, encrypted as one."""

    person: Person
    secret: bytes = field(repr=False)
    expires_at: datetime | None
    """When the access token ends; None for one that does not."""
    renewable_until: datetime | None
    """When the refresh token ends; None where there is none."""


_COLUMNS = "person_id, login, secret, expires_at, renewable_until"


def keep(db: Database, token: SealedUserToken) -> None:
    """Remember a person's token instead of the one before."""
    db.conn.execute(
        f"INSERT OR REPLACE INTO user_tokens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - our own words
        (
            *(token.person.id, token.person.login, token.secret),
            *(maybe_text(token.expires_at), maybe_text(token.renewable_until)),
        ),
    )


def of_person(db: Database, person_id: int) -> SealedUserToken | None:
    """The token of a person, expired or not."""
    row = db.conn.execute(
        f"SELECT {_COLUMNS} FROM user_tokens WHERE person_id = ?",  # noqa: S608 - our own words
        (person_id,),
    ).fetchone()
    return None if row is None else _token(row)


def drop(db: Database, token: SealedUserToken) -> None:
    """Forget a token, unless there is another by now."""
    db.conn.execute(
        "DELETE FROM user_tokens WHERE person_id = ? AND secret = ?",
        (token.person.id, token.secret),
    )


def take(db: Database, person_id: int) -> SealedUserToken | None:
    """Forget the token of a person and return it."""
    row = db.conn.execute(
        f"DELETE FROM user_tokens WHERE person_id = ? RETURNING {_COLUMNS}",  # noqa: S608 - our own words
        (person_id,),
    ).fetchone()
    return None if row is None else _token(row)


def take_unused(db: Database, person_id: int, now: datetime) -> SealedUserToken | None:
    """Forget the token of a person who has no session any more, and return it."""
    signed_in = db.conn.execute(
        "SELECT 1 FROM sessions WHERE person_id = ? AND expires_at > ?", (person_id, to_text(now))
    ).fetchone()
    return None if signed_in else take(db, person_id)


def forget_unused(db: Database) -> tuple[SealedUserToken, ...]:
    """Remove the tokens of those who have no session any more, and return them."""
    rows = db.conn.execute(
        "DELETE FROM user_tokens WHERE person_id NOT IN (SELECT person_id FROM sessions) "  # noqa: S608 - our own words
        f"RETURNING {_COLUMNS}"
    ).fetchall()
    return tuple(_token(row) for row in rows)


def _token(row: Sequence[Any]) -> SealedUserToken:
    person, login, secret, expires, until = row
    return SealedUserToken(
        Person(person, login),
        secret,
        None if expires is None else from_text(expires),
        None if until is None else from_text(until),
    )
