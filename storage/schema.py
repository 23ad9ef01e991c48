"""Bringing a database's tables up to what this version of the code expects."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from sqlite_utils import Database

from storage.connections import StorageFailed

if TYPE_CHECKING:
    from sqlite_utils import Migrations


def bring_up_to_date(db: Database, migrations: Migrations, *, migrate: bool) -> None:
    """Apply the steps that are missing, each in a transaction of its own.

    Args:
        db: The writer's database.
        migrations: All steps that this version knows.
        migrate: Whether steps may be applied: not where another process uses the database.

    Raises:
        StorageFailed: The database has steps that this version does not know, or lacks some that
            may not be applied now.
    """
    with closing(Database(memory=True)) as empty:
        known = {step.name for step in migrations.pending(empty)}
    unknown = sorted({step.name for step in migrations.applied(db)} - known)
    if unknown:
        raise StorageFailed(
            "A newer Bellhop made this database "
            f"(it has the unknown step {unknown[0]}). Start that version, or restore a backup."
        )
    if not migrate and migrations.pending(db):
        raise StorageFailed(
            "The Bellhop that uses this database is older than this program. Start it again with "
            "the new version first."
        )
    migrations.apply(db)
