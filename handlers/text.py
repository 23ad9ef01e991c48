"""Text by others, made safe to publish, and text for the agent, made honest."""

from __future__ import annotations

import re


def code(text: str) -> str:
    """Return one line of Markdown that shows the text as inline code, whatever is in it."""
    line = " ".join(text.split())
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") or not line else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"
