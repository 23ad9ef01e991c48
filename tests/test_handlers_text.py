from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from markdown_it import MarkdownIt

from handlers.comment_form import MAX_COMMENT, find_marker, fit, marker
from handlers.honest import clean
from handlers.inert import is_inert
from handlers.text import (
    code,
    fenced,
    neutral,
    neutral_line,
    visible,
)

PIECES = [
    "@octocat", "@acme/team", "fixes #12", "Closes: acme/site#3", "resolved GH-4",
    "fix https://github.com/a/b/issues/1", "/fix", "/approve", "<!-- hidden -->", "<!--", "-->",
    "```", "~~~", "````",
    "`", "``", "\\", "\n", "\n\n", "    ", "  ", "- ", "> ", "1. ", "|", "\t",
    "|-|-|", "<div>", "<b>",
    "</b>", "<pre>", "<script>", "[a](b)", "[", "](", ")", "[^1]: ",
    "[x]: y", "&#64;", "&commat;", "&num;", "&#35;", "&", "#", "@", "\u200b", "\u202e",
    "\U000e0041", "<https://a.example/@me>", "https://a.example/@me", "**", "_", "~~",
    "é", "a", "1",
    "---", "===",
]  # fmt: skip
markdown = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=25).map("".join)

# Written apart from the code: what GitHub acts on, looked for in what HTML shows outside code.
MENTION = re.compile(r"(?<![A-Za-z0-9/])@[A-Za-z0-9]")
CLOSES = re.compile(r"(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\s*:?\s+[\w./-]*#\d")
RENDER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def outside_code(text: str) -> str:
    page = RENDER.render(text)
    page = re.sub(r"(?s)<pre><code.*?</code></pre>|<code>.*?</code>", " code ", page)
    return re.sub(r'(?s)<a href="[^"]*">https?:.*?</a>', " link ", page)


def assert_harmless(text: str) -> None:
    page = outside_code(text)
    words = re.sub(r"https?://[a-z]+\.[a-z]+/\S*", "address", re.sub(r"(?s)<[^>]*>", "", page))
    assert not MENTION.search(words)
    assert not CLOSES.search(words)
    assert "<!--" not in page
    assert "<div" not in page
    assert "<script" not in page
    assert not re.search(r"[\u200b\u202e\U000e0041]", text)


@settings(max_examples=300, deadline=None)
@given(markdown)
@example("`a\n/fix b`")
@example("- `a\n- @octocat `")
@example("[^1]: a\n\n    @octocat")
@example("&&#35;64;octocat")
@example("`a\n<div>@octocat`")
def test_neutral_text_does_nothing_and_stays_as_it_is(text: str) -> None:
    done = neutral(text)
    assert_harmless(done)
    assert neutral(done) == done
    assert not [
        token
        for token in RENDER.parse(f"{done}\n\n# after")
        if token.type == "fence" and "# after" in token.content
    ]


@settings(max_examples=150, deadline=None)
@given(markdown, st.integers(0, 80))
def test_neutral_text_keeps_to_its_limit(text: str, limit: int) -> None:
    done = neutral(text, limit)
    assert len(done) <= limit
    assert_harmless(done)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Thanks @octocat and @acme/team", "Thanks @&#x200B;octocat and @&#x200B;acme/team"),
        ("mail a@b.example", "mail a@b.example"),
        ("**@octocat**, _@me_, @**you**", "**@&#x200B;octocat**, _@&#x200B;me_, @&#x200B;**you**"),
        ("&#64;me &commat;me", "@&#x200B;me @&#x200B;me"),
        ("This fixes #12", "This f&#x200B;ixes #12"),
        ("Closes: acme/site#3", "C&#x200B;loses: acme/site#3"),
        ("**Resolved** GH-4", "**R&#x200B;esolved** GH-4"),
        ("fix\nhttps://github.com/a/b/issues/1", "f&#x200B;ix\nhttps://github.com/a/b/issues/1"),
        ("fixes &num;12 and fixes &#35;12", "f&#x200B;ixes #12 and f&#x200B;ixes #12"),
        ("fixes <!-- x -->#12", "f&#x200B;ixes #12"),
        ("fixes the 12 doors, see #12", "fixes the 12 doors, see #12"),
        ("prefixes #12", "prefixes #12"),
        ("/approve\n  /lgtm\na /fix", "\\/approve\n  \\/lgtm\na /fix"),
        ("`a\n/fix`", "`a /fix`"),
        ("a <!-- secret --> b", "a  b"),
        ("a <!-- open", "a &lt;!-- open"),
        ("<details>\na\n</details>", "&lt;details>\na\n&lt;/details>"),
        ("a < b && c > d &lt; &amp; &nbsp;e", "a < b && c > d &lt; &amp;  e"),
        ("<https://a.example/@me>", "<https://a.example/@me>"),
        ("see https://a.example/@me", "see https://a.example/@me"),
        ("use `@decorator` and `<b>`", "use `@decorator` and `<b>`"),
        ("```py\n@decorator\n/x\n```\n@me", "```py\n@decorator\n/x\n```\n@&#x200B;me"),
        ("- a\n\n  ```\n  @x\n  ```\n", "- a\n\n  ```\n  @x\n  ```\n"),
        ("    @indented <b>\n", "    @indented <b>\n"),
        ("```\nopen", "```\nopen\n```"),
        ("~~~~\n~~~\n", "~~~~\n~~~\n\n~~~~"),
        ("```", "```\n```"),
        ("[^1]: a", "[&#x200B;^1]: a"),
        ("\\`@me`", "\\`@&#x200B;me`"),
        ("- a `\n- @me `", "- a `\n- @&#x200B;me `"),
        ("&&#35;64;me", "```text\n&&#35;64;me\n```"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\u200bb\u202ec\U000e0041d\ufe0f\x00e\u2028f\ud800", "abcde f"),
        ("", ""),
    ],
)
def test_what_text_by_others_becomes(text: str, shown: str) -> None:
    assert neutral(text) == shown


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("a `@me` <https://a.example/@me>", True),
        ("```\n@me\n/fix\n```", True),
        ("a\\/b", True),
        ("a @me", False),
        ("fi**xes** #12", False),
        ("<div>", False),
        ("a <b>c</b>", False),
        ("<!-- a -->", False),
        (" /fix", False),
    ],
)
def test_what_acts_is_seen(text: str, inert: bool) -> None:
    assert is_inert(text) is inert


def test_what_is_cut_is_said() -> None:
    assert neutral("word " * 10_000, 100) == snapshot("""\
word word word word word word word word word word word word word word \n\

… cut: 49930 more characters\
""")
    assert neutral("@me " * 1000, 200).endswith(" more characters")
    assert len(neutral("@me " * 1000, 200)) > 150
    assert neutral("`" + "@me " * 100, 100).count("&#x200B;") > 3
    assert neutral("long", 4) == "long"
    assert len(neutral("longer", 4)) == 4
    assert neutral("x", 0) == ""


def test_what_is_far_beyond_the_limit_is_not_looked_at() -> None:
    hidden = "\u200b" * 400
    assert neutral(hidden + "word", 100) == "\n\n… cut: 4 more characters"
    assert neutral(hidden[:396] + "word", 100) == "word"
    assert neutral("a" * 10**7, 100).endswith("more characters")


@pytest.mark.parametrize(
    "piece", ["* a\n", "@a\n", "1. a\n", "|a\n|-\n", "> * ", "`@a\n", "```@a "]
)
def test_hostile_text_is_parsed_a_few_times_at_most(piece: str) -> None:
    cost = -time.process_time()
    neutral(piece * (94_000 // len(piece)))
    assert cost + time.process_time() < 10


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Fix the\n door", "Fix the door"),
        ("a_b *c* `d` [e](f) <g> | ~h~ &amp; \\ !", None),
        ("@octocat fixes #12, acme/site#3", None),
        ("closes acme/site#3", None),
        ("1. one", "1\\. one"),
        ("- one", "\\- one"),
        ("/fix", "\\/fix"),
        ("# one", "\\# one"),
        ("2026 in review", "2026 in review"),
        ("a <!-- b --> c\u202e", "a c"),
        ("", ""),
    ],
)
def test_a_title_is_shown_as_it_is_on_one_line(text: str, shown: str | None) -> None:
    done = neutral_line(text)
    if shown is not None:
        assert done == shown
    assert_harmless(done)
    (_, inline, _) = RENDER.parse(done) or (None, None, None)
    plain = "".join(child.content for child in inline.children or []) if inline else ""
    assert plain.replace("\u200b", "") == " ".join(re.sub(r"<!--.*?-->|\u202e", "", text).split())


def test_a_long_title_is_cut() -> None:
    assert neutral_line("word " * 100, 12) == "word word w…"
    assert neutral_line("x" * 12, 12) == "x" * 12


@settings(max_examples=150, deadline=None)
@given(markdown)
def test_no_title_does_anything(text: str) -> None:
    done = neutral_line(text)
    assert "\n" not in done
    assert_harmless(done)
    assert not re.search(r"<(?!/?p>)", RENDER.render(done))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", "`a b`"),
        ("a\nb", "`a b`"),
        ("a`b", "``a`b``"),
        ("`a`", "`` `a` ``"),
        ("", "`  `"),
        ("x" * 81, f"`{'x' * 79}…`"),
        ("@me\u200b", "`@me`"),
    ],
)
def test_plain_text_as_inline_code(text: str, shown: str) -> None:
    assert code(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a <!-- b --> c", "a  c"),
        ("a\n\n<!-- b\n\nc -->\n\nd", "a\n\n\n\nd"),
        ("a\n<!-- b\n\n```\nc\n```", "a\n"),
        ("<div><!-- b\n\n```\nc\n```\n\nd", ""),
        ("a <!-- b", "a <!-- b"),
        ("`<!-- b -->`", "`<!-- b -->`"),
        ("```\n<!-- b -->\n```\n", "```\n<!-- b -->\n```\n"),
        ("a\n\n[//]: # (psst)\nb", "a\n\n\nb"),
        ("[a]: https://a.example 'title'", "[a]: https://a.example 'title'"),
        ("a\u200b\u202eb\r\nc", "ab\nc"),
        ("@me fixes #1\n/fix", "@me fixes #1\n/fix"),
        ("", ""),
    ],
)
def test_the_agent_reads_what_people_see(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(markdown)
def test_cleaning_leaves_no_closed_comment_outside_code(text: str) -> None:
    page = outside_code(clean(text))
    assert not re.search(r"(?s)<!--.*?-->", page)


def test_visible_text_stays() -> None:
    assert visible("Añ 日本 \t\n✓") == "Añ 日本 \t\n✓"
    assert visible("plain") == "plain"


def test_a_comment_that_fits_stays() -> None:
    assert fit("body", 4) == "body"
    assert fit("x" * MAX_COMMENT, MAX_COMMENT) == "x" * MAX_COMMENT


@pytest.mark.parametrize(
    ("body", "room", "start"),
    [
        ("word " * 50, 60, "word word"),
        ("```\n" + "line\n" * 50, 60, "```\nline"),
        ("`" * 60 + "\n" + "line\n" * 50, 80, ""),
        ("a `" + "@me " * 50 + "`", 60, "a \n\n"),
        ("`a` b\n\n`" + "@me " * 50 + "`", 70, "`a` b\n\n\n\n"),
        ("x" * 100, 5, "\n\n… c"),
        ("x" * 100, 0, ""),
    ],
)
def test_a_comment_that_does_not_fit_is_cut_with_a_note(body: str, room: int, start: str) -> None:
    done = fit(body, room)
    assert len(done) <= room
    assert done.startswith(start)
    assert_harmless(done)


def test_a_note_says_how_much_was_cut() -> None:
    done = fit("word " * 50, 60)
    kept, count = re.fullmatch(r"(?s)(.*)\n\n… cut: (\d+) more characters", done).groups()  # type: ignore[union-attr]  it matches
    assert len(kept) + int(count) == 250


@settings(max_examples=150, deadline=None)
@given(markdown, st.integers(0, 120))
def test_a_cut_comment_stays_harmless(text: str, room: int) -> None:
    body = f"{neutral(text)}\n\nmore"
    done = fit(body, room)
    assert len(done) <= room
    assert_harmless(done)


def test_a_fence_is_longer_than_any_inside() -> None:
    assert fenced("a") == "```text\na\n```"
    assert fenced("````\na") == "`````text\n````\na\n`````"


def test_a_marker_is_found_on_the_last_line_only() -> None:
    mine = marker("task:1:final", "abc123")
    assert mine == "<!-- bellhop:task:1:final:abc123 -->"
    assert find_marker(f"Hello\n\n{mine}") == ("task:1:final", "abc123")
    assert find_marker(f"Hello\r\n{mine}\r\n") == ("task:1:final", "abc123")
    assert find_marker(f"{mine}\nHello") is None
    assert find_marker(f"Hello {mine}") is None
    assert find_marker("") is None
