"""Deliveries that ask for nothing become one event for each task that they touch."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers import deliveries, events
from handlers.github_objects import Repository
from storage import house
from tests.makers import RULES
from tests.storage_support import PERSON, Bench, opened

DOOR = Repository(id=100, full_name="acme/gate", private=False, default_branch="main")
BASE: dict[str, Any] = {"installation_id": 10, "repository": DOOR, "sender": PERSON}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    """Issues 7, 8 and 9 of two repositories; the task of issue 9 has ended."""
    async with opened(tmp_path, replace(RULES, max_running=0)) as made:
        for number, repository in ((7, 100), (8, 100), (9, 100), (7, 200)):
            await made.ask(number=number, repository=repository)
        await made.sql(
            "UPDATE tasks SET doc = json_set(doc, '$.status', 'completed', '$.pull', "
            'json(\'{"number": 31, "url": "u", "state": "open"}\')) WHERE number = 9'
        )
        yield made


async def meant(bench: Bench, delivery: house.HouseKeeping) -> list[tuple[str, int, int]]:
    """The events, as their kind with the repository and number of their task."""
    found = await bench.do(lambda db: list(house.events_of(db, delivery)))
    where = {
        row[0]: row[1:] for row in await bench.rows("SELECT id, repository_id, number FROM tasks")
    }
    return sorted((_told(event), *where[event.task_id]) for event in found)


def _told(event: events.Event) -> str:
    match event:
        case events.TargetGone(reason=reason):
            return reason
        case events.RepositoryRenamed(full_name=name):
            return name
        case events.PullRequestClosed(merged=merged):
            return f"merged={merged}"
        case _:
            return type(event).__name__


def removed(reason: str, *repositories: int) -> deliveries.AppRemoved:
    return deliveries.AppRemoved(
        installation_id=10, reason=reason, repository_ids=repositories or None
    )


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        (
            deliveries.IssueGone(**BASE, number=7, reason="closed"),
            [("IssueClosed", 100, 7)],
        ),
        (
            deliveries.IssueGone(**BASE, number=8, reason="deleted"),
            [("the issue was deleted", 100, 8)],
        ),
        (deliveries.IssueGone(**BASE, number=9, reason="transferred"), []),
        (
            deliveries.RepositoryGone(**BASE, reason="archived"),
            [("the repository was archived", 100, 7), ("the repository was archived", 100, 8)],
        ),
        (
            deliveries.RepositoryRenamed(**BASE, action="renamed"),
            [("acme/gate", 100, 7), ("acme/gate", 100, 8), ("acme/gate", 100, 9)],
        ),
        (
            deliveries.PullRequestClosed(
                **BASE, action="closed", number=31, merged=True, branch="b"
            ),
            [("merged=True", 100, 9)],
        ),
        (
            deliveries.PullRequestClosed(
                **BASE, action="closed", number=32, merged=True, branch="b"
            ),
            [],
        ),
        (
            deliveries.PullRequestClosed(
                **BASE, action="closed", number=8, merged=False, branch="b"
            ),
            [("IssueClosed", 100, 8)],
        ),
    ],
)
async def test_a_delivery_touches_the_tasks_of_its_place(
    bench: Bench, delivery: house.HouseKeeping, expected: list[tuple[str, int, int]]
) -> None:
    assert await meant(bench, delivery) == expected


async def test_where_the_app_is_gone_nothing_goes_on(bench: Bench) -> None:
    why = "the App's installation was deleted"
    assert await meant(bench, removed("deleted")) == [
        (why, 100, 7),
        (why, 100, 8),
        (why, 200, 7),
    ]
    why = "the App was removed from the repository"
    assert await meant(bench, removed("removed", 200, 300)) == [(why, 200, 7)]
