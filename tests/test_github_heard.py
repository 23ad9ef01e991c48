"""What is heard of GitHub beside what was asked, and how much was written."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import ClientSession

from bot.github.client import GitHub
from bot.github.errors import Unavailable
from bot.github.heard import ASKING, LATEST, Heard
from bot.github.pace import Pace, Priority, Spent
from bot.github.values import RepoRef
from tests.github_support import FakeServer, JumpingClock, identity, simulated

LIMITS = {
    "x-ratelimit-limit": "5000",
    "x-ratelimit-remaining": "4999",
    "x-ratelimit-reset": "99",
}


def heard_of(**changes: str) -> Heard:
    heard = Heard()
    told = LIMITS | {f"x-ratelimit-{name}": value for name, value in changes.items()}
    before = ASKING.set(7)
    try:
        heard.answer(200, told, 0.1, 5.0)
    finally:
        ASKING.reset(before)
    return heard


@pytest.mark.parametrize("changes", [{"limit": ""}, {"remaining": "-1"}, {"reset": "soon"}])
def test_a_limit_that_makes_no_sense_is_none(changes: dict[str, str]) -> None:
    assert heard_of(**changes).limits() == {}


def test_a_limit_is_remembered_for_each_resource() -> None:
    (told,) = heard_of(resource="search", reset="9" * 30).limits()[7]
    assert (told.resource, told.limit, told.remaining, told.resets_at, told.heard_at) == (
        "search",
        5000,
        4999,
        LATEST,
        5.0,
    )


def test_what_is_asked_in_nobodys_name_tells_of_no_installation() -> None:
    heard = Heard()
    heard.answer(503, LIMITS, 0.1, 5.0)
    assert heard.limits() == {}
    assert heard.calls == {"5xx": 1}


async def test_reading_counts_for_its_installation_and_making_a_token_does_not(
    tmp_path: Path,
) -> None:
    async with simulated(tmp_path) as town:
        await town.github.ref_sha(town.repo, "heads/main")
        (told,) = town.github.heard.limits()[town.repo.installation_id]
        assert told.remaining == told.limit - 1
        assert town.github.heard.calls == {"2xx": 2}


async def test_silence_is_counted() -> None:
    clock = JumpingClock()
    async with FakeServer(clock).serve() as gone:
        address = gone.url
    async with ClientSession() as session:
        github = GitHub(session, identity(), api_url=address, clock=clock)
        with pytest.raises(Unavailable):
            await github.ref_sha(RepoRef(1, 2, "acme/widgets"), "heads/main")
        assert github.heard.calls["none"] >= 1


async def test_the_pace_tells_what_was_spent() -> None:
    clock = JumpingClock()
    pace = Pace(clock, per_minute=10, per_hour=20)
    assert pace.allowed == (10, 20)
    await pace.spend(1, Priority.FINAL)
    clock.now += 120
    await pace.spend(1, Priority.FINAL)
    pace.rest(2, 30)
    assert pace.spent() == {1: Spent(1, 2, 0, 0.0), 2: Spent(0, 0, 0, 30.0)}
