"""Text by others for the agent: what people see of it, and nothing that they do not."""

from __future__ import annotations

import re
from typing import Final

from handlers.inert import blocks, with_newlines
from handlers.text import visible, without_comments

# A link that nothing refers to shows nothing: Markdown's way to write a hidden remark.
_REMARK: Final = re.compile(r"^ {0,3}\[[^\]\n]+\]:[ \t]*(?:#|<>)[ \t]*[(\"'][^\n]*$", re.MULTILINE)
# A comment that is never closed, where it begins raw HTML: GitHub hides all that follows.
_HIDDEN_REST: Final = re.compile(r"^ {0,3}<(?:!--|[a-z/][^\n]*<!--).*", re.DOTALL | re.MULTILINE)


def clean(text: str) -> str:
    """Return Markdown by others with what people see of it on GitHub, for the agent.

    HTML comments, remarks hidden as unused links and invisible characters are removed. Comments
    in code stay: there people see them.
    """
    parts: list[str] = []
    for block in blocks(with_newlines(text), html=True):
        if block.code:
            parts.append(block.text)
            continue
        shown = _REMARK.sub("", without_comments(block.text, keep_code=True))
        parts.append(_HIDDEN_REST.sub("", shown))
        if _HIDDEN_REST.search(shown):
            break
    return visible("\n".join(parts))
