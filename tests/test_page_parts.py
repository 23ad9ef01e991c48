"""What pages are made of: words for times and money, pictures, and Markdown by others."""

from __future__ import annotations

import re
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from inline_snapshot import snapshot

from bot.http.drawing import WIDE, Bar, Part, band, bars, widths
from bot.http.markdown import CUT, LONGEST, rendered
from bot.http.spans import ago, brief, dollars, span, when
from bot.http.task_timeline import MOST, rows
from handlers.values import Usage
from storage.attempts import Attempt
from storage.timeline import Happened
from tests.makers import ADA, NOON

REL = 'rel="nofollow noopener noreferrer"'


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 s"),
        (0.9, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (65, "1 min 5 s"),
        (600, "10 min"),
        (601, "10 min"),
        (3_600, "1 h"),
        (3_700, "1 h 1 min"),
        (2 * 86_400 - 1, "47 h 59 min"),
        (2 * 86_400, "2 days"),
    ],
)
def test_spans(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_short_spans_have_a_part_of_a_second() -> None:
    assert [brief(one) for one in (-1, 0.42, 9.9, 10.4)] == ["0.0 s", "0.4 s", "9.9 s", "10 s"]


def test_moments() -> None:
    assert when(NOON).endswith("12:00:00 UTC")
    later = [timedelta(seconds=one) for one in (-5, 59, 125, 7_300)]
    assert [ago(NOON, NOON + one) for one in later] == [
        "just now",
        "just now",
        "2 min ago",
        "2 h 1 min ago",
    ]


def test_money() -> None:
    told = [dollars(one) for one in (0, 0.001, 0.01, 1234.5)]
    assert told == ["$0.00", "<$0.01", "$0.01", "$1,234.50"]


@pytest.mark.parametrize(
    ("amounts", "whole"),
    [((1, 2, 3), 6), ((1, 2, 3), 12), ((0, 0, 5), 5), ((0,) * 900, 0), ((1e9, *(0,) * 99), 1e9)],
)
def test_whatever_is_there_can_be_seen_and_fits(amounts: tuple[float, ...], whole: float) -> None:
    drawn = widths(amounts, whole)
    assert sum(drawn) <= WIDE + 1e-6
    assert min(drawn) >= min(3, WIDE / len(amounts))
    assert sorted(drawn) == [width for _, width in sorted(zip(amounts, drawn, strict=True))]


def test_a_band_without_parts() -> None:
    assert "rect" not in band([], 0, "nothing")


def test_pictures_say_what_they_show_and_are_nothing_else() -> None:
    hostile = '<script>"&'
    for picture in (
        band([Part(1, "s-other", hostile)], 1, hostile),
        bars([Bar((Part(1, "s-other", hostile), Part(3, "s-other", "b"))), Bar(())], hostile),
    ):
        svg = ET.fromstring(picture)
        assert svg.attrib["role"] == "img"
        assert [title.text for title in svg.iter("title")][:2] == [hostile, hostile]
        assert "<script" not in picture
        assert "style=" not in picture


def test_bars_stand_on_each_other() -> None:
    svg = ET.fromstring(bars([Bar((Part(1, "a", ""), Part(3, "b", ""))), Bar(())], "t", high=100))
    drawn = [(one.attrib["y"], one.attrib["height"]) for one in svg.iter("rect")]
    assert drawn == [("75", "25"), ("0", "75")]
    assert "rect" not in bars([Bar((Part(0, "a", ""),))], "t")


def test_markdown_by_others_can_do_nothing() -> None:
    text = """# Done
<script>alert(1)</script> <img src=x onerror=alert(1)>
![a](https://evil.test/track.png) [b](javascript:alert(1)) [c](/api/auth/logout)
[d](https://ok.test/?a="b&c)
[e](data:text/html,x) [f](//evil.test)

| a | b |
|---|---|
| 1 | <b>2</b> |

```html
<i>
```"""
    assert rendered(text).count(REL) == 2
    assert rendered(text).replace(f" {REL}", "") == snapshot("""\
<h3>Done</h3>
<p>&lt;script&gt;alert(1)&lt;/script&gt; &lt;img src=x onerror=alert(1)&gt;
!<a href="https://evil.test/track.png">a</a> [b](javascript:alert(1)) [c](/api/auth/logout)
<a href="https://ok.test/?a=%22b&amp;c">d</a>
[e](data:text/html,x) [f](//evil.test)</p>
<div class="scroll" tabindex="0"><table>
<thead>
<tr>
<th>a</th>
<th>b</th>
</tr>
</thead>
<tbody>
<tr>
<td>1</td>
<td>&lt;b&gt;2&lt;/b&gt;</td>
</tr>
</tbody>
</table>
</div><pre><code class="language-html">&lt;i&gt;
</code></pre>
""")


def test_columns_are_aligned_without_a_style_of_their_own() -> None:
    html = rendered("| a | b | c |\n|--:|:-:|---|\n| 1 | 2 | 3 |")
    assert "style" not in html
    assert re.findall(r"<t[hd]\b[^>]*>", html) == [
        *('<th class="is-right">', '<th class="is-center">', "<th>"),
        *('<td class="is-right">', '<td class="is-center">', "<td>"),
    ]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("# a\n## b\n###### c", ["h3", "h4", "h6"]),
        ("#### a\n### b", ["h4", "h3"]),
        ("a\n===\n##### b", ["h3", "h6"]),
        ("no heading", []),
    ],
)
def test_headings_stand_below_those_of_the_page(text: str, tags: list[str]) -> None:
    html = rendered(text)
    assert re.findall(r"<(h\d)>", html) == re.findall(r"</(h\d)>", html) == tags


def test_long_words_are_cut() -> None:
    assert CUT.strip() in rendered("a" * (LONGEST + 1))
    assert CUT.strip() not in rendered("a" * LONGEST)


def attempt(number: int = 1, *, ended: float | None = 60) -> Attempt:
    end = None if ended is None else NOON + timedelta(seconds=ended)
    return Attempt(number, ADA, "Do it.", "", "completed", None, Usage(), NOON, NOON, end)


def happened(seconds: float, number: int = 1, **data: str) -> Happened:
    at = NOON + timedelta(seconds=seconds)
    return Happened(int(seconds) + 1, "t", number, at, "status", "", data)


def test_the_states_of_attempts() -> None:
    states = [
        happened(0, status="queued"),
        happened(10, status="starting"),
        happened(10, status="running"),
        happened(20, state="cloning"),
        happened(30, state="cloning"),
        happened(40, state="a_word_of_its_own"),
        happened(60, status="completed"),
        happened(100, 2, status="queued"),
        happened(110, 2, state="working"),
    ]
    now = NOON + timedelta(seconds=130)
    one, two = rows([attempt(), attempt(2, ended=None)], states, now, ended=False)
    assert [(stay.name, stay.colour, stay.seconds) for stay in one.stays] == [
        ("queued", "s-waiting", 10),
        ("starting", "s-starting", 0),
        ("running", "s-starting", 10),
        ("cloning", "s-cloning", 20),
        ("a word of its own", "s-other", 20),
    ]
    assert [(stay.name, stay.seconds) for stay in two.stays] == [("queued", 10), ("working", 20)]
    assert (one.seconds, two.seconds) == (60, 30)


def test_an_attempt_of_which_nothing_is_known_has_an_empty_band() -> None:
    (row,) = rows([attempt(ended=None)], [], NOON, ended=True)
    assert (row.stays, row.seconds) == ((), 0)
    assert rows([], [], NOON, ended=True) == []


def test_many_states_are_one_at_the_end() -> None:
    states = [happened(one, state=f"state-{one}") for one in range(60)]
    (row,) = rows([attempt()], states, NOON, ended=True)
    assert len(row.stays) == MOST
    assert (row.stays[-1].name, row.stays[-1].seconds) == ("much else", 21)
