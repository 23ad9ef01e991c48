"""What the agent says it has spent so far, read from its result file while it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.result import read_usage

if TYPE_CHECKING:
    from pathlib import Path

Usage = dict[str, int | float]


class Spending:
    """The sum over the result files of the attempt's runs, each of which may still be written."""

    def __init__(self) -> None:
        self._files: list[Path] = []
        self._told: Usage = {}

    def watch(self, file: Path) -> None:
        """A run begins that may write this file."""
        self._files.append(file)

    def news(self) -> Usage | None:
        """All that was spent, where that has changed since it was last asked.

        A file that is half written, or wrong, says nothing yet: what is wrong with it in the end
        is told in the end.
        """
        total: Usage = {}
        for file in tuple(self._files):
            for name, value in (read_usage(file, lambda _: None) or {}).items():
                total[name] = total.get(name, 0) + value
        if not total or total == self._told:
            return None
        self._told = total
        return total
