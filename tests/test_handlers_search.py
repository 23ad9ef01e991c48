"""What somebody types to find tasks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.search import LONGEST, MOST_WORDS, BadSearch, Search, parse_q
from handlers.task import Status


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("", Search()),
        ("  \t\n ", Search()),
        ("oil door", Search(words=("oil", "door"))),
        ('oil "the  door" now', Search(words=("oil", "the  door", "now"))),
        ('"oil"door', Search(words=("oil", "door"))),
        ('oil"the door"', Search(words=("oil", "the door"))),
        ('"status:failed"', Search(words=("status:failed",))),
        ("!!! ) OR (", Search(words=("!!!", ")", "OR", "("))),
        ("12:30 C++ -x", Search(words=("12:30", "C++", "-x"))),
        ("repo:acme/door", Search(repository="acme/door")),
        ("status:failed", Search(statuses=frozenset({Status.FAILED}))),
        ("STATUS:Failed", Search(statuses=frozenset({Status.FAILED}))),
        (
            "status:failed,queued status:running",
            Search(statuses=frozenset({Status.FAILED, Status.QUEUED, Status.RUNNING})),
        ),
        ("owner:me", Search(owner="me")),
        ("owner:ANYONE", Search(owner="anyone")),
        ("owner:@Ada", Search(owner="Ada")),
        ("owner:renovate[bot]", Search(owner="renovate[bot]")),
        ('agent:"claude" x', Search(agent="claude", words=("x",))),
        (
            'repo:acme/door status:failed owner:me agent:claude words "a phrase"',
            Search("acme/door", frozenset({Status.FAILED}), "me", "claude", ("words", "a phrase")),
        ),
    ],
)
def test_what_is_meant(text: str, search: Search) -> None:
    assert parse_q(text) == search


@pytest.mark.parametrize(
    ("text", "word", "position", "right"),
    [
        ("x statu:failed", "statu:failed", 3, "`status:`, or one of `repo:`, "),
        ("zzz:1", "zzz:1", 1, "one of `repo:`, `status:`, `owner:`, `agent:`; in"),
        (
            "https://github.com",
            "https://github.com",
            1,
            'in quotation marks, `"https://github.com"`, it is looked for',
        ),
        ("status:faild", "status:faild", 1, "`failed`, or one or more of queued, starting, "),
        ("status:zzz", "status:zzz", 1, "one or more of queued, starting, "),
        ("status:failed,", "status:failed,", 1, "one or more of queued"),
        ("a status: failed", "status:", 3, "a value right behind `"),
        ('owner:""', 'owner:""', 1, "a value right behind `"),
        ("repo:door", "repo:door", 1, "`repo:acme/door`"),
        ("owner:a/b", "owner:a/b", 1, "`owner:me`, `owner:anyone` or a login"),
        ("agent:/bin/sh", "agent:/bin/sh", 1, "`agent:claude`"),
        ("owner:me owner:you", "owner:you", 10, "`owner:` once"),
        ('oil "the door', '"the door', 5, 'another `"` behind'),
        ('agent:"claude', '"claude', 7, 'another `"` behind'),
        ('oil " "', '" "', 5, "a word between the quotation marks"),
        ("a \udcff", "\udcff", 3, "text in UTF-8"),
        ("w " * MOST_WORDS + "more", "more", 2 * MOST_WORDS + 1, "at most 10 words"),
        ("x" * LONGEST + "the end", "the end", LONGEST + 1, "a search of at most 500 characters"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_what_is_right(
    text: str, word: str, position: int, right: str
) -> None:
    found = parse_q(text)
    assert isinstance(found, BadSearch)
    assert (found.word, found.position) == (word, position)
    assert right in found.right
    assert text[position - 1 :].startswith(word)


def test_a_search_as_long_as_may_be_is_read() -> None:
    assert parse_q("x" * LONGEST) == Search(words=("x" * LONGEST,))


PIECES = st.sampled_from(
    ["repo:", "status:", "owner:", "agent:", "zz:", '"', " ", ",", "me", "failed", "a/b", "\0", "x"]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=25).map("".join) | st.text())
def test_whatever_is_typed_is_a_search_or_what_is_wrong_with_it(text: str) -> None:
    found = parse_q(text)
    if isinstance(found, BadSearch):
        assert found.word
        assert text[found.position - 1 :].startswith(found.word)
        assert found.right
    else:
        assert all(word == word.strip() != "" for word in found.words)
        assert len(found.words) <= MOST_WORDS
