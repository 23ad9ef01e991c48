"""A month of work that nobody had to wait for: what the plots are drawn from."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Sequence
from datetime import timedelta

from storage.pull_times import BOUNDS
from tests.pages.place import Place

DAYS = 30
OUTCOMES = (("completed", 0.8), ("failed", 0.12), ("cancelled", 0.08))


def fill(there: Place, login: str, repositories: Sequence[tuple[int, float]]) -> None:
    """Fill in a month of attempts of somebody's, in repositories with what an attempt costs there.

    The same every time; the repositories must have had a task.
    """
    chance, owner = random.Random(7), there.desk.person(login).id
    settings, now = there.desk.stage.settings, there.desk.stage.clock()
    with contextlib.closing(sqlite3.connect(settings.data / settings.database)) as db, db:
        for number in range(1, DAYS):
            at = now - timedelta(days=number)
            day = at.date().isoformat()
            quiet = at.weekday() > 4
            for place, price in repositories:
                for outcome, share in OUTCOMES:
                    count = round(chance.uniform(0, 2 if quiet else 7) * share)
                    if count:
                        _add(db, place, owner, day, (outcome, count, count * price))
                for within in chance.choices(BOUNDS[:8], (1, 3, 8, 9, 6, 3, 2, 1), k=2):
                    db.execute(
                        "INSERT INTO pull_times VALUES (?, ?, ?, ?, 1) "
                        "ON CONFLICT DO UPDATE SET pulls = pulls + 1",
                        (place, owner, day, within),
                    )


def _add(
    db: sqlite3.Connection, place: int, owner: int, day: str, of: tuple[str, int, float]
) -> None:
    outcome, count, cost = of
    db.execute(
        "INSERT INTO totals VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (place, owner, day, outcome, count, count * 300, cost, count),
    )
