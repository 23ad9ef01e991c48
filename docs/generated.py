"""Which parts of which pages are made from the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from docs import lifecycle, settings

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Part:
    """What stands in `page` between the two comments that bear `name`."""

    page: str
    name: str
    text: Callable[[], str]

    @property
    def begin(self) -> str:
        """The line before it."""
        return f"<!-- {self.name}: made from the code by `make docs` -->"

    @property
    def end(self) -> str:
        """The line after it."""
        return f"<!-- end of {self.name} -->"


PARTS = (
    Part("design.md", "lifecycle", lifecycle.diagram),
    Part("settings.md", "settings", settings.table),
)


def fill(page: str, part: Part) -> str:
    """The page with the part as it should be now.

    Raises:
        ValueError: The page does not have the two comments.
    """
    between = re.compile(f"(?<={re.escape(part.begin)}\n).*?(?={re.escape(part.end)})", re.DOTALL)
    filled, count = between.subn(lambda _: part.text(), page)
    if count != 1:
        raise ValueError(f"{part.page} needs one line {part.begin} and, after it, {part.end}")
    return filled
