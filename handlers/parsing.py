"""Where a comment speaks in ordinary Markdown text, and not in code, quotation, link or comment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt
from markdown_it.rules_inline import escape, newline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

# Paragraphs, and what turns into a heading only because of the line below it: a mail's signature
# (`--`) must not hide the command above it. Other headings begin with a marker.
_TEXT: Final = {"paragraph_open": "", "heading_open": "=-"}
# Raw HTML that quotes or shows code, and so makes the Markdown inside it no ordinary text.
_RAW: Final = re.compile(r"<(/?)(?:a|blockquote|code|pre)(?![\w-])", re.IGNORECASE)


def _noting_lines(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    """Return a rule for line breaks that notes where the next line begins in the block's source."""

    def noting(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  markdown-it's signature
        at = state.pos
        found = rule(state, silent)
        if found and not silent and state.src.startswith(("\n", "\\\n"), at):
            state.tokens[-1].meta["position"] = state.src.index("\n", at) + 1
        return found

    return noting


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    parser.inline.ruler.at("newline", _noting_lines(newline))
    parser.inline.ruler.at("escape", _noting_lines(escape))
    return parser


_MARKDOWN: Final = _parser()


def ordinary_lines(text: str) -> frozenset[int]:
    r"""Return the numbers, from 0, of the lines that begin as ordinary Markdown text.

    Args:
        text: A comment, as GitHub has it, with `\n` for line breaks.
    """
    lines: set[int] = set()
    quotes = 0
    html = _Html()
    before: Token | None = None
    for token in _MARKDOWN.parse(text):
        quotes += (token.type == "blockquote_open") - (token.type == "blockquote_close")
        if token.type == "html_block":
            html.read(token.content)
        elif token.type == "inline" and before is not None and token.map is not None:
            ordinary = quotes == 0 and before.markup in _TEXT.get(before.type, ())
            for position in _line_starts(token, html):
                if ordinary:
                    lines.add(token.map[0] + token.content.count("\n", 0, position))
        before = token
    return frozenset(lines)


class _Html:
    """What the raw HTML so far has left open."""

    def __init__(self) -> None:
        self.depth = 0
        self.comment = False

    def read(self, html: str) -> None:
        for match in _RAW.finditer(html):
            self.depth = max(0, self.depth + (-1 if match[1] else 1))
        if "<!--" in html or "-->" in html:
            self.comment = html.rfind("<!--") > html.rfind("-->")

    @property
    def visible(self) -> bool:
        return self.depth == 0 and not self.comment


def _line_starts(token: Token, html: _Html) -> Iterator[int]:
    """Yield where in the source of a block lines begin outside links, code and raw HTML."""
    if html.visible:
        yield 0
    links = 0
    for child in token.children or ():
        links += child.nesting if child.type.startswith("link_") else 0
        if child.type == "html_inline":
            html.read(child.content)
        elif "position" in child.meta and links == 0 and html.visible:
            yield child.meta["position"]
