"""What people and installations say about their attempts: rows <-> values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import astuple, dataclass
from datetime import datetime

from sqlite_utils import Database

from handlers.decision import Defaults, Kept
from storage.times import from_text, to_text


@dataclass(frozen=True, slots=True)
class Said:
    """The defaults of a scope, and when they were last changed; None: never."""

    defaults: Defaults
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FlyPlace:
    """Where workers on Fly run; None where nothing is set."""

    app: str | None = None
    region: str | None = None
    size: str | None = None


def user_scope(person_id: int) -> str:
    """By which what a person says is kept."""
    return f"user:{person_id}"


def installation_scope(installation_id: int) -> str:
    """By which what is said for an installation is kept."""
    return f"installation:{installation_id}"


def kept(db: Database, installation_id: int, person_id: int) -> Kept:
    """The defaults that count for an attempt that a person asks for."""
    return Kept(
        defaults_of(db, installation_scope(installation_id)).defaults,
        defaults_of(db, user_scope(person_id)).defaults,
    )


def defaults_of(db: Database, scope: str) -> Said:
    """The defaults of a scope."""
    row = db.conn.execute(
        "SELECT agent, model, runner, image, time_limit, max_cost, concurrency, updated_at "
        "FROM preferences WHERE scope = ?",
        (scope,),
    ).fetchone()
    return Said(Defaults()) if row is None else Said(Defaults(*row[:-1]), from_text(row[-1]))


def keep_defaults(
    db: Database, scope: str, defaults: Defaults, now: datetime, seen: Collection[str] = ()
) -> bool:
    """Replace the defaults of a scope; False where others are set than those that were seen.

    `seen` are the tags of what may be replaced; none: whatever is set.
    """
    if seen and defaults_of(db, scope).defaults.tag not in seen:
        return False
    db.conn.execute(
        "INSERT OR REPLACE INTO preferences (scope, agent, model, runner, image, time_limit, "
        "max_cost, concurrency, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (scope, *astuple(defaults), to_text(now)),
    )
    return True


def fly_of(db: Database, scope: str) -> FlyPlace:
    """Where a scope's workers on Fly run."""
    row = db.conn.execute(
        "SELECT app, region, size FROM fly_settings WHERE scope = ?", (scope,)
    ).fetchone()
    return FlyPlace() if row is None else FlyPlace(*row)


def keep_fly(db: Database, scope: str, place: FlyPlace, now: datetime) -> None:
    """Replace where a scope's workers on Fly run."""
    db.conn.execute(
        "INSERT OR REPLACE INTO fly_settings (scope, app, region, size, updated_at) "
        "VALUES (?, ?, ?, ?, ?)",
        (scope, *astuple(place), to_text(now)),
    )


def forget(db: Database, scope: str) -> None:
    """Remove all that a scope says."""
    db.conn.execute("DELETE FROM preferences WHERE scope = ?", (scope,))
    db.conn.execute("DELETE FROM fly_settings WHERE scope = ?", (scope,))
