"""What an agent prints becomes log lines, an answer and what it has spent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

Line = tuple[str, str]
"""A log line: `info`, `command`, `warning` or `error`, and its text."""
Usage = dict[str, int | float]
Fields = dict[str, Any]

LONGEST_LINE = 65_536  # bytes; the rest of a line is dropped
LONGEST_EVENT = 8_000_000  # bytes of an event, which may hold a whole file
MOST = 10**12  # of anything that is counted
SHOWN = 1_000  # characters of what a command printed


class Hearing:
    """An agent whose output is its log, as it stands.

    Attributes:
        longest: Bytes that are read of one line.
        trouble: Why it failed, in its own words, where it said so.
    """

    longest = LONGEST_LINE
    trouble: str | None = None

    def hear(self, line: str) -> Iterator[Line]:
        """What a line of its standard output is in the log."""
        yield "info", line

    def answer(self) -> str | None:
        """Its last word; None where the end of its output has to do."""
        return None

    def usage(self) -> Usage | None:
        """What it has spent so far; None where it did not say."""
        return None


class EventHearing(Hearing):
    """An agent that prints an event a line, as JSON."""

    longest = LONGEST_EVENT

    def __init__(self) -> None:
        self._said: str | None = None
        self._usage: Usage | None = None

    def hear(self, line: str) -> Iterator[Line]:
        """What an event is in the log; what is no event stands there as it is."""
        try:
            event: object = json.loads(line)
        except (ValueError, RecursionError):
            event = None
        if isinstance(event, dict):
            yield from self.event(cast("Fields", event))
        elif line.strip():
            yield "info", line[:SHOWN]

    def event(self, event: Fields) -> Iterator[Line]:
        """What an event is in the log; what is not known says nothing."""
        raise NotImplementedError

    def answer(self) -> str | None:
        """The last thing it said."""
        return self._said

    def usage(self) -> Usage | None:
        """What it has spent so far."""
        return self._usage

    def fail(self, *words: str) -> None:
        """It said that it failed; the first of its words that are any say why."""
        self.trouble = next((one for one in words if one.strip()), "It gave no reason.")

    def say(self, text: str) -> Iterator[Line]:
        """It said something, which may have been its last word."""
        if text.strip():
            self._said = text.strip()
            for line in self._said.splitlines():
                yield "info", line


def fields(value: object) -> Fields:
    """A JSON object; an empty one where it is none."""
    return cast("Fields", value) if isinstance(value, dict) else {}


def rows(value: object) -> list[Fields]:
    """The objects of a JSON array; none where it is none."""
    return [fields(one) for one in cast("list[object]", value)] if isinstance(value, list) else []


def text(value: object) -> str:
    """A text; an empty one where it is none."""
    return value if isinstance(value, str) else ""


def number(value: object) -> int | float:
    """A number that can be counted with; 0 where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return value if -MOST <= value <= MOST else 0


def spent(tokens_in: float, tokens_out: float, cost: object = None) -> Usage:
    """What was spent, with the cost in US dollars where the agent knows it."""
    tokens = {"inputTokens": tokens_in, "outputTokens": tokens_out}
    usage: Usage = {name: max(0, int(number(count))) for name, count in tokens.items()}
    if isinstance(cost, int | float) and not isinstance(cost, bool):
        usage["costUsd"] = max(0, number(cost))
    return usage


def printed(output: object) -> Iterator[Line]:
    """The beginning of what a command printed."""
    shown = text(output).strip()
    if shown:
        yield "info", shown[:SHOWN] + (" …" if len(shown) > SHOWN else "")


def tool(name: str, given: Fields) -> Line:
    """A tool that the agent uses, with what tells most about it."""
    for key in ("command", "file_path", "filePath", "path", "pattern", "url", "query", "prompt"):
        if what := text(given.get(key)):
            return "command", what if key == "command" else f"{name} {what.splitlines()[0]}"
    return "command", name
