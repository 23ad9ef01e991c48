"""Text that somebody is to judge: nothing in it hides, and nothing of it is lost."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from handlers.approval import quotation
from handlers.commands import Command, Options
from handlers.exact import CLOSING, GOES_ON, OPENING, WIDTH, exact, in_sight
from handlers.inert import is_inert

HIDDEN = (
    "\u200b\u200d\u202e\u2066\u2800\ufe0f\ufeff\u00ad\u3164\U000e0041\U000e0100\u00a0\u2028\x00\x1b"
)
ANY = st.text(st.one_of(st.characters(), st.sampled_from(f"{HIDDEN}{OPENING}{CLOSING}`~\n/@#<")))


RUNS = st.lists(
    st.one_of(
        ANY,
        st.integers(1, 40).map(lambda count: " " * count),
        st.sampled_from(["\n" * 9, "\t" * 9, "x" * 90, "\u0301" * 9]),
    )
).map("".join)


def read_back(shown: str) -> str:
    """What a text was, from what is shown of it: all that is shown is needed for it."""
    told = re.compile(rf"{OPENING}U\+([0-9A-F]{{4,6}})(?:\*(\d+))?{CLOSING}")
    return told.sub(
        lambda match: chr(int(match[1], 16)) * int(match[2] or 1), shown.replace(f"{GOES_ON}\n", "")
    )


def written(source: str) -> Command:
    return Command("fix", source, Options(), None, 0, addressed=False, source=source)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Oil *the* door", "Oil *the* door"),
        ("a\tb\nc", "a\tb\nc"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("\u202etxt.exe", "⟨U+202E⟩txt.exe"),
        ("\U000e0066\U000e0069", "⟨U+E0066⟩⟨U+E0069⟩"),
        ("a\u00a0b\u3000c\u2800d", "a⟨U+00A0⟩b⟨U+3000⟩c⟨U+2800⟩d"),
        ("e" + "\u0301" * 6 + "f\u0301", "e" + "\u0301" * 4 + "⟨U+0301⟩⟨U+0301⟩f\u0301"),
        ("a\u2028b\x0cc\x1b[2J", "a⟨U+2028⟩b⟨U+000C⟩c⟨U+001B⟩[2J"),
        ("\u2764\ufe0f", "\u2764⟨U+FE0F⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("⟨U+200B⟩", "⟨U+27E8⟩U+200B⟩"),
        ("Grüße, 世界", "Grüße, 世界"),
        (f"a{' ' * 16}b{' ' * 17}c", f"a{' ' * 16}b⟨U+0020*17⟩c"),
        ("a\t\t\t\tb\t\t\t\t\tc", "a\t\t\t\tb⟨U+0009*5⟩c"),
        ("a\n\n\nb\n\n\n\nc", "a\n\n\nb⟨U+000A*4⟩c"),
    ],
)
def test_what_nobody_sees_is_written_out(text: str, shown: str) -> None:
    assert exact(text) == shown


@given(RUNS)
@example("⟨U+200B⟩\u200b")
@example("⟨U+0020*17⟩" + " " * 17)
def test_no_two_texts_look_alike(text: str) -> None:
    assert read_back(exact(text)) == text


@given(RUNS)
@example("⟨↩⟩\n")
@example("a " * 200)
@example(f"{'x' * 79}\u200b")
@example("世" * 100)
def test_nothing_is_out_of_sight(text: str) -> None:
    shown = in_sight(exact(text))
    assert read_back(shown) == text
    for line in shown.split("\n"):
        words = line.removesuffix(GOES_ON)
        wide = sum(1 + (unicodedata.east_asian_width(char) in {"W", "F"}) for char in words)
        assert wide <= WIDTH


def test_a_line_is_broken_where_a_word_ends_if_it_can_be() -> None:
    assert in_sight(f"{'word ' * 17}end") == f"{'word ' * 16}⟨↩⟩\nword end"
    assert in_sight("x" * 81) == f"{'x' * 80}⟨↩⟩\nx"
    assert in_sight("x" * 80) == "x" * 80


@given(ANY)
def test_all_that_is_shown_can_be_seen(text: str) -> None:
    unseen = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}
    for char in exact(text):
        assert char in " \t\n" or unicodedata.category(char) not in unseen


@given(ANY)
@example("```\n@everyone\n```")
@example("~~~\nCloses #1\n````")
@example("</details>\n<!-- ")
@example("`" * 70)
def test_a_quotation_is_one_block_of_code_with_all_of_it(source: str) -> None:
    quoted = quotation(written(source))
    (token,) = MarkdownIt("commonmark").parse(quoted)
    assert token.type == "fence"
    # CommonMark counts a carriage return as a line break, and there is none left.
    assert read_back(token.content) == f"{source}\n"
    assert is_inert(quoted)
