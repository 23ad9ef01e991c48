"""What is counted within a minute, and how much memory that takes."""

from __future__ import annotations

import pytest

from bot.http.limiting import Limits, RateLimiter
from bot.http.problems import Problem
from bot.http.windows import MOST, WINDOW, Hit, Windows, home_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_window_moves_with_the_time() -> None:
    clock = Clock()
    windows = Windows(clock)
    assert windows.hit("a", 2) == Hit(allowed=True, left=1, reset=60)
    clock.now += 20
    assert windows.hit("a", 2) == Hit(allowed=True, left=0, reset=40)
    assert windows.hit("a", 2) == Hit(allowed=False, left=0, reset=40)
    assert windows.hit("b", 2).allowed, "everybody has their own"
    clock.now += 39.5
    assert windows.hit("a", 2) == Hit(allowed=False, left=0, reset=1)
    clock.now += 0.5
    assert windows.hit("a", 2) == Hit(allowed=True, left=0, reset=20), "the first is a minute old"
    clock.now += 3600
    assert windows.hit("a", 2) == Hit(allowed=True, left=1, reset=60)


def test_whoever_was_silent_for_a_minute_takes_no_memory() -> None:
    clock = Clock()
    windows = Windows(clock)
    for number in range(1000):
        windows.hit(str(number), 5)
    clock.now += WINDOW - 1
    windows.hit("0", 5)
    clock.now += 1
    windows.hit("new", 5)
    assert len(windows) == 2


def test_there_is_an_end_to_how_many_are_known() -> None:
    windows = Windows(Clock(), most=100)
    for number in range(1000):
        windows.hit(str(number), 5)
    assert len(windows) == 100
    assert MOST >= 10_000


def test_a_limit_of_nothing_allows_nothing() -> None:
    assert Windows(Clock()).hit("a", 0) == Hit(allowed=False, left=0, reset=60)


@pytest.mark.parametrize(
    ("address", "home"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_whoever_has_an_address_has_its_network(address: str, home: str) -> None:
    assert home_of(address) == home


def test_guesses_from_all_of_a_network_count_together() -> None:
    limiter = RateLimiter(Limits(failures=2))
    limiter.refuse_guessing("2001:db8::1")
    limiter.refuse_guessing("2001:db8::2")
    with pytest.raises(Problem):
        limiter.refuse_guessing("2001:db8::3")
    limiter.refuse_guessing("2001:db8:0:1::3")
