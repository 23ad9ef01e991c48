"""The plots: what is drawn of which tasks, also in numbers, and what stands instead of none."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from bot.http.plots import MOST_REPOSITORIES, OTHERS, costs_of, days_of, times_of
from storage.pull_times import BOUNDS, LONGER, PullTimes, class_of
from storage.totals import DayTotal
from tests.http_pages import browser
from tests.http_tasks import desk

DAY = date(2026, 3, 1)


def total(outcome: str = "completed", day: date = DAY, **changes: object) -> DayTotal:
    usual = {"repository": "acme/door", "attempts": 2, "cost_usd": 0.0}
    one = {**usual, **changes}
    return DayTotal(
        day,
        1,
        str(one["repository"]),
        outcome,
        int(str(one["attempts"])),
        1.0,
        float(str(one["cost_usd"])),
        0,
    )


def test_every_day_is_drawn_and_those_with_something_are_told() -> None:
    drawn = days_of(
        [total(), total("failed", attempts=3), total(day=date(2026, 2, 1)), total("odd")], DAY, 3
    )
    empty = dict.fromkeys(("completed", "failed", "cancelled", "lost"), 0)
    assert drawn.rows == ((DAY, {**empty, "completed": 2, "failed": 3}),)
    assert (drawn.most, drawn.totals["failed"]) == (5, 3)
    assert "2026-03-01: 3 failed" in drawn.picture
    nothing = days_of([], DAY, 2)
    assert (nothing.most, nothing.rows) == (0, ())


@pytest.mark.parametrize(
    ("pulls", "half"),
    [
        ({}, None),
        ({60: 1}, ("within 1 min", "of")),
        ({60: 1, 120: 1}, ("within 1 min", "of")),
        ({60: 1, 300: 2}, ("within 5 min", "of")),
        ({60: 1, LONGER: 5}, ("more than a day", "after")),
    ],
)
def test_half_of_the_pull_requests(pulls: dict[int, int], half: tuple[str, str] | None) -> None:
    drawn = times_of([PullTimes(one, pulls.get(one, 0)) for one in (*BOUNDS, LONGER)])
    assert drawn.half == half
    assert drawn.total == sum(pulls.values())
    assert drawn.feet == ("1m", "2m", "5m", "10m", "20m", "30m", "1h", "2h", "4h", "1d", "+")


def test_seconds_have_a_foot_too() -> None:
    assert times_of([PullTimes(30, 1)]).feet == ("30s",)


@pytest.mark.parametrize(
    ("seconds", "within"), [(0, 60), (60, 60), (60.1, 120), (86_400, 86_400), (86_401, LONGER)]
)
def test_the_class_of_a_time(seconds: float, within: int) -> None:
    assert class_of(seconds) == within


def test_the_dearest_come_first_and_the_many_others_are_one() -> None:
    many = [
        total(repository=f"acme/{number}", cost_usd=number)
        for number in range(MOST_REPOSITORIES + 3)
    ]
    costs = costs_of([*many, total(repository="acme/22", cost_usd=8)])
    assert len(costs) == MOST_REPOSITORIES + 1
    assert (costs[0].repository, costs[0].amount) == ("acme/22", 30)
    assert (costs[-1].repository, costs[-1].amount) == (OTHERS, 1 + 2)
    assert costs_of([]) == ()


async def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, _):
        nobody, alice = await browser(here), await browser(here, "alice")
        assert (await nobody.get("/plots")).location == "/sign-in?next=%2Fplots"
        shown = await alice.get("/plots?days=7")
        assert shown.status == 200
        assert "Nothing to draw yet" in shown.text


async def test_what_ended_is_drawn_for_those_who_see_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, client):
        await here.ended((await client.ask("Mend it.")).id)
        alice, visitor = await browser(here, "alice"), await browser(here, "visitor")
        shown = await alice.get("/plots")
        assert len(re.findall(r'<svg [^>]*class="bars"', shown.html)) == 2
        assert "completed 1" in shown.text
        assert "One pull request came within 1 min of being asked for." in shown.text
        assert "Nothing that agents reported cost anything." in shown.text
        assert shown.html.count("<script") == 0
        assert "One pull request" in (await alice.get("/plots?repository=acme%2Fwidgets")).text
        assert "Nothing to draw" in (await alice.get("/plots?repository=acme%2Fother")).text
        for query in ("", "?whose=anyone", "?whose=anyone&repository=acme%2Fwidgets"):
            assert "Nothing to draw" in (await visitor.get(f"/plots{query}")).text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("days=0", "Give a number from 1 to 366."),
        ("days=x", "Give a number from 1 to 366."),
        ("repository=widgets", "Give a repository as owner/name."),
    ],
)
async def test_what_cannot_be_drawn_is_told(tmp_path: Path, query: str, words: str) -> None:
    async with desk(tmp_path) as (here, _):
        alice = await browser(here, "alice")
        shown = await alice.get(f"/plots?{query}")
        assert shown.status == 422
        assert words in shown.text
        assert "Nothing was drawn" in shown.text
        tidy = await alice.get("/plots?days=7&repository=&whose=")
        assert (tidy.status, tidy.location) == (303, "/plots?days=7")


async def test_github_failing_is_no_empty_plot(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, client):
        await here.ended((await client.ask("Mend it.")).id)
        here.stage.time_passes(minutes=6)
        here.stage.fault("GET", ".*/collaborators/.*", "status", times=99, status=500)
        assert (await (await browser(here, "alice")).get("/plots")).status == 503
