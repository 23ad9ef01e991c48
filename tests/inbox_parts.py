"""Deliveries for an inbox of its own, and words for what it holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.candidates import Candidate
from storage.inbox import Inbox
from storage.migrations import migrations
from storage.receiving import Arrival
from storage.sqlite import Engine
from tests.first_start import lay_out
from tests.payloads import closed_body, comment_body

NOW = datetime(2026, 5, 15, 15, 20, 21, 123456, tzinfo=UTC)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    """A database without a store around it."""
    made = await Engine.open(lay_out(tmp_path / "inbox.db"), migrations=migrations)
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
def inbox(engine: Engine) -> Inbox:
    """The inbox of that database."""
    return Inbox(engine)


def arrival(delivery: str, source: int, *positions: int, at: datetime = NOW) -> Arrival:
    """A comment, with candidates on these lines."""
    candidates = tuple(
        Candidate(f"{delivery}-{position}", "comment", source, position) for position in positions
    )
    return Arrival(delivery, "issue_comment", at, comment_body(source), candidates)


def closed(delivery: str, at: datetime = NOW) -> Arrival:
    """A closed issue, which asks for nothing."""
    return Arrival(delivery, "issues", at, closed_body())


async def count(engine: Engine, table: str) -> int:
    """How many rows there are."""
    return await engine.read(
        lambda db: db.conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    )


async def ids(inbox: Inbox) -> list[str]:
    """The deliveries that wait, oldest first."""
    return [one.delivery_id for one in await inbox.waiting(100)]
