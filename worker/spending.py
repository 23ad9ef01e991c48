"""What the agent says it has spent so far, in its result file or its output, while it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.hearing import Usage


class Spending:
    """The sum over the attempt's runs, the last of which may still go on."""

    def __init__(self) -> None:
        self._runs: list[Callable[[], Usage | None]] = []
        self._told: Usage = {}

    def watch(self, spent: Callable[[], Usage | None]) -> None:
        """A run begins, of which this tells what it has spent so far."""
        self._runs.append(spent)

    def news(self) -> Usage | None:
        """All that was spent, where that has changed since it was last asked."""
        total: Usage = {}
        for spent in tuple(self._runs):
            for name, value in (spent() or {}).items():
                total[name] = total.get(name, 0) + value
        if not total or total == self._told:
            return None
        self._told = total
        return total
