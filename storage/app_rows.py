"""The GitHub App that the set-up page made: its row <-> a value, secrets encrypted before."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from storage.connections import open_beside
from storage.times import from_text, to_text


@dataclass(frozen=True, slots=True)
class SealedApp:
    """The App, and where people and GitHub reach Bellhop; `secrets` is encrypted."""

    app_id: int
    slug: str
    client_id: str
    public_url: str
    made_at: datetime
    secrets: bytes = field(repr=False)


def keep(db: Database, app: SealedApp) -> bool:
    """Remember the App; False where there is one already."""
    kept = db.conn.execute(
        "INSERT INTO app (one, app_id, slug, client_id, public_url, secrets, made_at) "
        "VALUES (1, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            *(app.app_id, app.slug, app.client_id, app.public_url),
            *(app.secrets, to_text(app.made_at)),
        ),
    ).rowcount
    return bool(kept)


def load(db: Database) -> SealedApp | None:
    """The App, if there is one."""
    row = db.conn.execute(
        "SELECT app_id, slug, client_id, public_url, made_at, secrets FROM app"
    ).fetchone()
    if row is None:
        return None
    app_id, slug, client_id, public_url, made_at, secrets = row
    return SealedApp(app_id, slug, client_id, public_url, from_text(made_at), secrets)


def look(path: Path) -> SealedApp | None:
    """The App of a database that nobody has to have open, and that may not be there yet.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    if not path.exists():
        return None
    with closing(open_beside(path)) as db:
        # A database of an earlier version has no such table until `serve` brings it up to date.
        return load(db) if db["app"].exists() else None
