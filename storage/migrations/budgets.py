"""What is spent on a day, looked up by whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.book import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database


@migrations()
def totals_of_owners(db: Database) -> None:
    """The cost of a person's day, over all repositories; that of a repository is found by its key.

    A row of totals changes when an attempt ends, which is seldom: the index costs next to nothing.
    """
    db.executescript("CREATE INDEX totals_of_owner ON totals (owner_id, day, cost_usd);")
