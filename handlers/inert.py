"""What in a Markdown text would act on GitHub: notify people, close issues, hide, or swallow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

MENTION: Final = re.compile(r"(?<![A-Za-z0-9])@(?=[*_~\[\]\\]*[A-Za-z0-9])")
"""`@user` and `@org/team`, also with Markdown around the name; no addresses of mail."""

CLOSING: Final = re.compile(
    r"(?<![A-Za-z0-9])(close[sd]?|fix(?:e[sd])?|resolve[sd]?)"
    r"(?=[^A-Za-z0-9]{1,12}"
    r"(?:(?:[\w.\\-]+/[\w.\\-]+)?#[0-9]|GH-[0-9]|https?:[^\s]+/[0-9]))",
    re.IGNORECASE,
)
"""A keyword that closes the issue named behind it, also with Markdown between the two.

Source: https://docs.github.com/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
"""

ADDRESS: Final = re.compile(
    r"(?<![^\s(*_])https?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+/[A-Za-z0-9@/._%+=&?#-]*"
)
"""What GitHub surely makes a link of; an `@` in it speaks to nobody.

Source: https://github.github.com/gfm/#autolinks-extension-
"""

CODE_RUN: Final = re.compile(
    r"(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n[ \t>]*\n).)+?(?<!`)(?P=ticks)(?!`)", re.DOTALL
)
"""Inline code, as far as it can be told without reading the Markdown around it."""

_EXTENSIONS: Final = ["table", "strikethrough"]
_WHOLE: Final = MarkdownIt("commonmark").enable(_EXTENSIONS)
# Blocks are found without looking into their lines, which is most of the work.
_BLOCKS: Final = MarkdownIt("commonmark").enable(_EXTENSIONS).disable("inline")
_BLOCKS_WITHOUT_HTML: Final = (
    MarkdownIt("commonmark", {"html": False}).enable(_EXTENSIONS).disable("inline")
)
_LINE_SLASH: Final = re.compile(r"^[ \t]*/", re.MULTILINE)


def with_newlines(text: str) -> str:
    r"""Return the text with `\n` for every line break: GitHub's form sends `\r\n`."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a text: `code` where they are a block of code, with its fences."""

    text: str
    code: bool


def blocks(text: str, *, html: bool) -> Iterator[Block]:
    r"""Cut a text into its blocks of code and what stands between them.

    Args:
        text: Markdown with `\n` for line breaks.
        html: Whether raw HTML counts, as it does on GitHub, or is text like any other.
    """
    lines = text.split("\n")
    done = 0
    for token in (_BLOCKS if html else _BLOCKS_WITHOUT_HTML).parse(text):
        if token.type in {"fence", "code_block"} and token.map is not None:
            start, end = token.map
            if done < start:
                yield Block("\n".join(lines[done:start]), code=False)
            yield Block("\n".join(lines[start:end]), code=True)
            done = end
    if done < len(lines):
        yield Block("\n".join(lines[done:]), code=False)


def open_fence(text: str) -> str:
    """Return the line that closes the block of code in which the text ends, or nothing."""
    tokens = _BLOCKS.parse(text)
    if not tokens or tokens[-1].type != "fence" or tokens[-1].map is None:
        return ""
    fence, (start, end) = tokens[-1].markup, tokens[-1].map
    last = text.split("\n")[end - 1].strip(" \t")
    closed = end - 1 > start and set(last) == {fence[0]} and len(last) >= len(fence)
    return "" if closed else fence


def is_inert(text: str) -> bool:
    """Tell whether nothing in the text acts, judged by what Markdown makes of it.

    Nothing mentions, closes or hides, and no line outside code begins with a slash, which other
    bots would take for a command.
    """
    slash = any(
        _LINE_SLASH.search(block.text) for block in blocks(text, html=True) if not block.code
    )
    return not slash and all(map(_is_harmless, _WHOLE.parse(text)))


def _is_harmless(token: Token) -> bool:
    children = token.children or []
    if token.type == "html_block" or any(child.type == "html_inline" for child in children):
        return False
    shown = "".join(_shown(children))
    return not CLOSING.search(shown) and not MENTION.search(ADDRESS.sub(" ", shown))


def _shown(children: Sequence[Token]) -> Iterator[str]:
    """Yield the text that people read, but for code and links that are addresses."""
    address = False
    for child in children:
        if child.markup == "autolink":
            address = child.type == "link_open"
        if child.type == "text" and not address:
            yield child.content
        else:
            yield {"softbreak": "\n", "hardbreak": "\n", "code_inline": "x"}.get(child.type, "")
