"""Agents that print for people, and say in a line or a file what they have spent."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from worker.hearing import Hearing, fields, number, spent, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from worker.hearing import Fields, Line, Usage

LARGEST = 200_000_000  # bytes of a trajectory; a longer one is not read
_UNITS = {"": 1, "k": 1_000, "M": 1_000_000}
_COUNT = r"([0-9]{1,12}(?:\.[0-9]{1,12})?)"
_TOKENS = re.compile(rf"(?<![0-9.]){_COUNT}([kM]?) (sent|cache write|cache hit|received)")
_COST = re.compile(rf"\${_COUNT} session")


class Aider(Hearing):
    """aider ends each message with `Tokens: 2.3k sent, 104 received. Cost: $0.01 message, …`."""

    def __init__(self) -> None:
        self._usage: Usage | None = None

    def hear(self, line: str) -> Iterator[Line]:
        """The line as it is."""
        if line.startswith("Tokens: "):
            self._count(line)
        yield "info", line

    def usage(self) -> Usage | None:
        """The sum of its messages; the cost is the session's, where the model's price is known."""
        return self._usage

    def _count(self, line: str) -> None:
        tokens, _, price = line.partition(" Cost: ")
        counted = {"sent": 0.0, "received": 0.0}
        for count, unit, what in _TOKENS.findall(tokens):
            # What came from a cache or went there was sent, too.
            kind = "received" if what == "received" else "sent"
            counted[kind] += float(count) * _UNITS[unit]
        cost, before = _COST.search(price), self._usage or {}
        self._usage = spent(
            before.get("inputTokens", 0) + counted["sent"],
            before.get("outputTokens", 0) + counted["received"],
            float(cost[1]) if cost else before.get("costUsd"),
        )


class MiniSweAgent(Hearing):
    """mini-swe-agent keeps a trajectory, a JSON file that it writes anew after each step."""

    def __init__(self, trajectory: Path) -> None:
        self._file = trajectory

    def answer(self) -> str | None:
        """What it handed in."""
        return text(self._info().get("submission")).strip() or None

    def usage(self) -> Usage | None:
        """Its cost; it counts no tokens."""
        stats = fields(self._info().get("model_stats"))
        return {"costUsd": max(0, number(stats.get("instance_cost")))} if stats else None

    def _info(self) -> Fields:
        """What the file says of the run; nothing while it is not there, or half written."""
        try:
            # The agent could put a pipe there, which nobody would ever write to.
            if not self._file.is_file() or self._file.stat().st_size > LARGEST:
                return {}
            return fields(fields(json.loads(self._file.read_bytes())).get("info"))
        except (OSError, ValueError, RecursionError):
            return {}
