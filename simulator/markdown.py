"""What people write, as it is shown: like GitHub, but HTML is never run, only shown.

HTML comments are hidden and bare addresses are links, as on GitHub, so that a page shows what
people would see there.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_core import StateCore

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ADDRESS = re.compile(r"(https?://[^\s<>\"']*[^\s<>\"'.,;:!?)])")


def render(text: str) -> str:
    """Markdown as HTML."""
    return _MARKDOWN.render(text)


def _shown(
    _renderer: RendererHTML,
    tokens: Sequence[Token],
    place: int,
    _options: object,
    _env: object,
) -> str:
    """HTML by others: what is no comment is shown as it was written."""
    return escape(_COMMENT.sub("", tokens[place].content))


def _link_addresses(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.children:
            token.children = list(_linked(token.children))


def _linked(children: Sequence[Token]) -> Iterator[Token]:
    depth = 0
    for child in children:
        depth += child.nesting if child.type.startswith("link_") else 0
        if child.type != "text" or depth:
            yield child
            continue
        for number, part in enumerate(_ADDRESS.split(child.content)):
            if number % 2:
                yield _token("link_open", "a", 1, attrs={"href": part})
            yield _token("text", "", 0, content=part)
            if number % 2:
                yield _token("link_close", "a", -1)


def _token(kind: str, tag: str, nesting: Any, **more: Any) -> Token:  # noqa: ANN401 - as `Token` takes them
    return Token(kind, tag, nesting, **more)


# Links keep the schemes that markdown-it allows.
_MARKDOWN = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable(
    ["table", "strikethrough"]
)
_MARKDOWN.add_render_rule("html_block", _shown)
_MARKDOWN.add_render_rule("html_inline", _shown)
_MARKDOWN.core.ruler.push("addresses", _link_addresses)
