from __future__ import annotations

import pytest

from bot.github.calls import segments
from bot.github.errors import Refused
from bot.github.values import RepoRef


@pytest.mark.parametrize(
    "name",
    ["acme", "acme/", "/w", "a/b/c", "../x", "a/..", "./x", "a b/c", "a/b?x", "a/b#", "a/b\n"],
)
def test_a_full_name_that_would_change_an_address_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="not the full name"):
        RepoRef(1, 2, name)


def test_the_owner_is_the_first_part_of_the_name() -> None:
    assert RepoRef(1, 2, "acme/widgets.py").owner == "acme"


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("main", "main"),
        ("bellhop/brave-otter", "bellhop/brave-otter"),
        ("fix#12", "fix%2312"),
        ("what?", "what%3F"),
        ("100%", "100%25"),
        ("ümlaut {x}", "%C3%BCmlaut%20%7Bx%7D"),
    ],
)
def test_names_are_quoted_for_an_address(name: str, address: str) -> None:
    assert segments(name) == address


@pytest.mark.parametrize("name", ["", "..", "a/../b", "a//b", "/a", "a/", "a/./b"])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(Refused, match="not a name that Git allows"):
        segments(name)
