"""When a webhook is tried again, and when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from handlers.webhook_tries import A_DAY, WAITS, Next, Outcome, Sending, what_next
from tests.makers import HOUR, MINUTE, NOON, SECOND


def outcome(status: int | None = None, **changes: object) -> Outcome:
    usual = {"error": None if status else "it could not be connected to", **changes}
    return Outcome(NOON, 12, status, **usual)  # pyright: ignore[reportArgumentType]


def after(made: Outcome, tried: int = 1, now: datetime = NOON, jitter: float = 0.5) -> Next:
    return what_next(made, tried, NOON, now, jitter)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    assert after(outcome(status)) == Next(Sending.DELIVERED)
    assert after(outcome(status), now=NOON + 2 * A_DAY) == Next(Sending.DELIVERED)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 422, 451, 499])
def test_a_refusal_ends_it(status: int) -> None:
    assert after(outcome(status)) == Next(Sending.FAILED)


@pytest.mark.parametrize(
    "status", [300, 301, 302, 307, 308, 408, 425, 429, 500, 502, 503, 504, 599, 600, 999, None]
)
def test_all_else_is_tried_again(status: int | None) -> None:
    assert after(outcome(status)) == Next(Sending.WAITING, NOON + SECOND)


def test_what_never_passes_ends_it() -> None:
    assert after(outcome(again=False)) == Next(Sending.FAILED)


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_the_waits_grow_and_long_ones_vary(jitter: float) -> None:
    now, waits = NOON, list[timedelta]()
    for tried in range(1, 20):
        then = after(outcome(500), tried, now, jitter)
        if then.due_at is None:
            break
        waits.append(then.due_at - now)
        now = then.due_at
    factor = 0.9 + 0.2 * jitter
    assert waits[:3] == [SECOND, 2 * SECOND, 4 * SECOND]
    long = [5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR]
    for wait, usual in zip(waits[3:8], long, strict=True):
        assert abs(wait - usual * factor) < timedelta(milliseconds=1)
    assert len(waits) == len(WAITS) + 1
    assert now == NOON + A_DAY, "the last try is made when the day is over"


def test_a_day_is_enough() -> None:
    assert after(outcome(500), 3, NOON + A_DAY) == Next(Sending.FAILED)
    late = NOON + A_DAY - SECOND
    assert after(outcome(500), 3, late) == Next(Sending.WAITING, NOON + A_DAY)


@pytest.mark.parametrize(
    ("status", "asked", "wait"),
    [
        (429, 90.0, 90.0),
        (503, 90.0, 90.0),
        (429, 0.0, 1.0),
        (429, None, 1.0),
        (500, 90.0, 1.0),
        (429, 10.0**9, 86_400.0),
    ],
)
def test_a_receiver_may_say_when_within_the_day(
    status: int, asked: float | None, wait: float
) -> None:
    then = after(outcome(status, retry_after=asked))
    assert then == Next(Sending.WAITING, NOON + wait * SECOND)
