"""Markdown by workers as HTML that can do nothing: no raw HTML, no pictures, plain links."""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it.renderer import RendererHTML
    from markdown_it.utils import OptionsDict

LONGEST = 10_000
"""Characters that are shown; reading twice as many can take four times as long."""
CUT = "\n\n… the rest is left out here."
HIGHEST, LOWEST = 3, 6
"""The levels of headings: they stand below those of the page."""

_WEB = re.compile(r"https?://[^\s]+", re.IGNORECASE)


class _Reader(MarkdownIt):
    """CommonMark with tables, without what loads or hides anything."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False, "maxNesting": 20})
        self.enable("table").disable(["image", "html_block", "html_inline"])
        self.add_render_rule("link_open", _link)
        self.add_render_rule("table_open", _scrolling)
        self.add_render_rule("table_close", _end_of_scrolling)

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        """Nothing but the web."""
        return _WEB.fullmatch(url) is not None


@lru_cache(64)
def rendered(text: str) -> Markup:
    """A worker's words, as much of them as is shown."""
    shown = text if len(text) <= LONGEST else text[:LONGEST] + CUT
    tokens = _READER.parse(shown)
    _lower([token for token in tokens if token.type in {"heading_open", "heading_close"}])
    _align([token for token in tokens if token.type in {"th_open", "td_open"}])
    html = _READER.renderer.render(tokens, _READER.options, {})
    return Markup(html)  # noqa: S704 - made without raw HTML by the reader


def _lower(headings: Sequence[Token]) -> None:
    """Let the highest heading come next below those of the page, and the others below it."""
    down = HIGHEST - min((int(token.tag[1]) for token in headings), default=HIGHEST)
    for token in headings:
        token.tag = f"h{min(LOWEST, int(token.tag[1]) + down)}"


def _align(cells: Sequence[Token]) -> None:
    """Let cells stand by a class: a style of their own is not let through by our pages."""
    for token in cells:
        side = str(token.attrs.pop("style", "")).removeprefix("text-align:")
        if side:
            token.attrs["class"] = f"is-{side}"


_Env = MutableMapping[str, object]


def _link(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: _Env
) -> str:
    tokens[at].attrSet("rel", "nofollow noopener noreferrer")
    return renderer.renderToken(tokens, at, options, env)


def _scrolling(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: _Env
) -> str:
    return '<div class="scroll" tabindex="0">' + renderer.renderToken(tokens, at, options, env)


def _end_of_scrolling(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: _Env
) -> str:
    return renderer.renderToken(tokens, at, options, env) + "</div>"


_READER = _Reader()
