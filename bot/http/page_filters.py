"""What templates may do with values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup, escape

from bot.http import spans, task_view

_CODE = re.compile(r"`([^`]+)`")


def prose(text: str) -> Markup:
    """A sentence as HTML: what stands between backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


FILTERS: dict[str, Callable[..., Any]] = {
    "ago": spans.ago,
    "brief": spans.brief,
    "doing": task_view.doing,
    "dollars": spans.dollars,
    "issue_link": task_view.issue_link,
    "moves": task_view.moves,
    "prose": prose,
    "pull_link": task_view.pull_link,
    "repository_link": task_view.repository_link,
    "span": spans.span,
    "title_of": task_view.title_of,
    "when": spans.when,
}
