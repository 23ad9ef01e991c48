"""Keys that people and installations give for their agents: encrypted before they come here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlite_utils import Database

from storage.times import from_text, maybe_text, to_text


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret to keep, encrypted, and its last four characters."""

    secret: bytes = field(repr=False)
    last4: str


@dataclass(frozen=True, slots=True)
class KeptSecret(NewSecret):
    """A secret that is kept; `validated_at` is when its provider last took it."""

    updated_at: datetime
    validated_at: datetime | None = None


def of_scope(db: Database, scope: str) -> dict[str, KeptSecret]:
    """The secrets of a scope, by provider."""
    rows = db.conn.execute(
        "SELECT provider, secret, last4, updated_at, validated_at FROM provider_secrets "
        "WHERE scope = ? ORDER BY provider",
        (scope,),
    )
    return {
        provider: KeptSecret(
            secret, last4, from_text(updated), None if validated is None else from_text(validated)
        )
        for provider, secret, last4, updated, validated in rows
    }


def keep(db: Database, scope: str, secrets: Mapping[str, NewSecret | None], now: datetime) -> None:
    """Replace secrets of a scope, by provider; None removes one. The others stay."""
    for provider, secret in secrets.items():
        if secret is None:
            db.conn.execute(
                "DELETE FROM provider_secrets WHERE scope = ? AND provider = ?", (scope, provider)
            )
        else:
            db.conn.execute(
                "INSERT OR REPLACE INTO provider_secrets (scope, provider, secret, last4, "
                "updated_at) VALUES (?, ?, ?, ?, ?)",
                (scope, provider, secret.secret, secret.last4, to_text(now)),
            )


def mark(db: Database, scope: str, provider: str, secret: bytes, at: datetime | None) -> None:
    """Note when a provider took a secret, None if it refused it; not if another is kept by now."""
    db.conn.execute(
        "UPDATE provider_secrets SET validated_at = ? "
        "WHERE scope = ? AND provider = ? AND secret = ?",
        (maybe_text(at), scope, provider, secret),
    )


def forget(db: Database, scope: str) -> None:
    """Remove all secrets of a scope."""
    db.conn.execute("DELETE FROM provider_secrets WHERE scope = ?", (scope,))
