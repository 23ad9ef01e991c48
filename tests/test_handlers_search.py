"""The language of searches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.search import LONGEST, BadSearch, Search, parse_q
from handlers.task import Status

FAILED = frozenset({Status.FAILED})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Search()),
        ("  \t\n", Search()),
        ("door", Search(words=("door",))),
        ('oil "the door" well', Search(words=("oil", "the door", "well"))),
        ('"" door', Search(words=("door",))),
        ("repo:acme/door", Search(repository="acme/door")),
        ("REPO:acme/door", Search(repository="acme/door")),
        ('repo:"acme/door"', Search(repository="acme/door")),
        ("status:failed", Search(statuses=FAILED)),
        ("status:failed,queued", Search(statuses=FAILED | {Status.QUEUED})),
        ("owner:me", Search(owner="me")),
        ("owner:anyone", Search(owner="anyone")),
        ("owner:Ada-L", Search(owner="Ada-L")),
        ("owner:robot[bot]", Search(owner="robot[bot]")),
        ("agent:claude", Search(agent="claude")),
        (
            'repo:o/r oil status:failed owner:me agent:claude "a phrase"',
            Search("o/r", FAILED, "me", "claude", ("oil", "a phrase")),
        ),
        ('"status:failed"', Search(words=("status:failed",))),
        ("12:30", Search(words=("12:30",))),
        ("!!! ) OR (", Search(words=("!!!", ")", "OR", "("))),
    ],
)
def test_what_is_meant(text: str, expected: Search) -> None:
    assert parse_q(text) == expected


@pytest.mark.parametrize(
    ("text", "word", "position", "right"),
    [
        ("oil repo:acme", "repo:acme", 5, "a repository, `repo:owner/name`"),
        ("repo:", "repo:", 1, "a repository, `repo:owner/name`"),
        ("status:done", "status:done", 1, "one or more of queued, starting, "),
        ("status:failed,", "status:failed,", 1, "one or more of queued, starting, "),
        ("owner:@ada", "owner:@ada", 1, "`owner:me`, `owner:anyone` or a login"),
        ("agent:-x", "agent:-x", 1, "the name of an agent"),
        ("owner:me owner:ada", "owner:ada", 10, "`owner:` once"),
        ("stat:failed", "stat:failed", 1, "`status:`, or one of `repo:`, `status:`, "),
        ("zzzz:1", "zzzz:1", 1, "one of `repo:`, `status:`, `owner:`, `agent:`; in quotation"),
        ('a "b c', '"b', 3, 'another `"` after it'),
        ("a \udcff", "\udcff", 3, "text in UTF-8"),
        (" ".join("x" * 21), "x", 41, "at most 20 words"),
    ],
)
def test_what_is_wrong_is_named(text: str, word: str, position: int, right: str) -> None:
    bad = parse_q(text)
    assert isinstance(bad, BadSearch)
    assert (bad.word, bad.position) == (word, position)
    assert bad.right.startswith(right)


def test_a_search_has_an_end() -> None:
    assert isinstance(parse_q("x" * LONGEST), Search)
    bad = parse_q("x" * (LONGEST + 1))
    assert (bad.word, bad.position) == ("x", LONGEST + 1)  # pyright: ignore[reportAttributeAccessIssue]


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    found = parse_q(text)
    if isinstance(found, BadSearch):
        assert text[found.position - 1 :].startswith(found.word)
