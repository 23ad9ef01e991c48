"""What outbound webhooks are signed with: rows <-> values, encrypted before they come here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from storage.times import from_text, to_text

MOST = 2
"""Secrets of one owner: the one in use, and the next while receivers change over."""


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """One secret, encrypted."""

    id: str
    secret: bytes
    last4: str
    created_at: datetime


def keep(db: Database, owner_id: int, secret: SealedSecret) -> bool:
    """Remember a new secret; False where the owner has as many as there may be."""
    kept = db.conn.execute(
        "INSERT INTO webhook_secrets (id, owner_id, secret, last4, created_at) "
        "SELECT ?1, ?2, ?3, ?4, ?5 "
        "WHERE (SELECT count(*) FROM webhook_secrets WHERE owner_id = ?2) < ?6",
        (
            *(secret.id, owner_id, secret.secret, secret.last4),
            *(to_text(secret.created_at), MOST),
        ),
    ).rowcount
    return bool(kept)


def of_owner(db: Database, owner_id: int) -> tuple[SealedSecret, ...]:
    """The secrets of a person, newest first."""
    rows = db.conn.execute(
        "SELECT id, secret, last4, created_at FROM webhook_secrets WHERE owner_id = ? "
        "ORDER BY id DESC",
        (owner_id,),
    )
    return tuple(
        SealedSecret(number, secret, last4, from_text(at)) for number, secret, last4, at in rows
    )


def drop(db: Database, secret_id: str, owner_id: int | None) -> bool:
    """Forget a secret of a person's, or of anybody's; False where there is none."""
    return bool(
        db.conn.execute(
            "DELETE FROM webhook_secrets WHERE id = :id AND (:owner IS NULL OR owner_id = :owner)",
            {"id": secret_id, "owner": owner_id},
        ).rowcount
    )
