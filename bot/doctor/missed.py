"""Checks of what GitHub could not deliver."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta

from bot.doctor.findings import Evidence, Finding, ok, unchecked, warning
from storage.missed import Outcome
from storage.missed_told import MissedTold, look

SUBJECT = "missed deliveries"
KEPT = timedelta(days=3)
"""How long GitHub keeps its log."""
GIVEN_UP = (Outcome.LOST, Outcome.UNREADABLE)


def missed(evidence: Evidence) -> Iterator[Finding]:
    """What the last looks at GitHub's log of deliveries have found, as the database has it."""
    path = (evidence.settings.data / evidence.settings.database).absolute()
    try:
        told = look(path, evidence.asked_at - KEPT)
    except sqlite3.Error as error:
        yield unchecked(SUBJECT, f"{path} cannot be read: {error}")
        return
    yield ok(SUBJECT, "GitHub's log is read at each start") if told is None else _finding(told)


def _finding(told: MissedTold) -> Finding:
    when = f"read at {told.looked_at:%Y-%m-%d %H:%M:%S} UTC" if told.looked_at else "never read"
    read = f"GitHub's log was {when}"
    found = _found(told)
    if told.problem:
        remedy = "Bellhop tries again by itself. Is the webhook on, on the App's page?"
        return warning(SUBJECT, f"{read}; since then it failed: {told.problem}", remedy)
    if any(told.outcomes.get(one) for one in GIVEN_UP):
        remedy = "See `a missed delivery is given up` in the log, and ask for those commands again."
        return warning(SUBJECT, f"{read}; {found}", remedy)
    if told.outcomes.get(Outcome.LOG, 0) > told.outcomes.get(Outcome.REDELIVERED, 0):
        remedy = "GitHub does not reach Bellhop: see the webhook's address and its secret."
        return warning(SUBJECT, f"{read}; {found}", remedy)
    return ok(SUBJECT, f"{read}; {found}")


def _found(told: MissedTold) -> str:
    counted = [
        (told.outcomes.get(Outcome.REDELIVERED, 0), "came when asked for again"),
        (told.outcomes.get(Outcome.LOG, 0), "taken from the log"),
        (sum(told.outcomes.get(one, 0) for one in GIVEN_UP), "given up"),
        (told.waiting, "waiting"),
    ]
    parts = [f"{count} {words}" for count, words in counted if count]
    return f"in three days {', '.join(parts)}" if parts else "nothing was missed in three days"
