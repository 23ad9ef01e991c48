"""What the agent has to say in the end: from the file it may write, or from its output."""

from __future__ import annotations

import json
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from worker.hearing import Usage

TITLE, SUMMARY = 72, 4_000  # characters that are taken where the agent wrote no result
LONGEST_TITLE, LONGEST_TEXT = 250, 60_000  # characters; GitHub takes 256 and 65,536
LARGEST_FILE = 1_000_000  # bytes
COUNTS = ("inputTokens", "outputTokens")


@dataclass(frozen=True, slots=True)
class Result:
    """The agent's words, and what it used where it said so."""

    title: str
    summary: str
    body: str | None = None
    usage: Usage | None = None
    named: bool = False
    """Whether the title is the agent's own."""


class Tail:
    """The last lines of an output, bounded by characters."""

    def __init__(self, limit: int = SUMMARY) -> None:
        self._limit = limit
        self._lines: deque[str] = deque()
        self._size = 0

    def add(self, line: str) -> None:
        """Add a line and forget those that no longer fit."""
        line = line[: self._limit]
        self._lines.append(line)
        self._size += len(line) + 1
        while self._size > self._limit + 1:
            self._size -= len(self._lines.popleft()) + 1

    def __str__(self) -> str:
        return "\n".join(self._lines).strip()


def read_result(path: Path, title: str, said: str, warn: Callable[[str], None]) -> Result:
    """Read the result file; what is missing or wrong there is made up from what else there is.

    Args:
        path: The file.
        title: What the work is called.
        said: The agent's last words.
        warn: Told what is wrong.
    """
    fields = _fields(path, warn)
    own = _one_line(_text(fields, "title", warn) or "", LONGEST_TITLE)
    return Result(
        title=own or _one_line(title, TITLE) or "Changes by an agent",
        summary=(_text(fields, "summary", warn) or said)[:LONGEST_TEXT],
        body=(_text(fields, "body", warn) or "")[:LONGEST_TEXT] or None,
        usage=_usage(fields, warn),
        named=bool(own),
    )


def joined(before: Result, follow_up: str, after: Result) -> Result:
    """What is said in the end by an agent that was told something more, and worked again.

    The title and the body are the last that it gave itself. The summary holds both runs', since
    the last one is about the follow-up alone; the newest part stays where there is no room.
    """
    said = f"On “{_one_line(follow_up, TITLE)}”:\n\n{after.summary}" if after.summary else ""
    parts = [part for part in (before.summary, said) if part]
    return Result(
        title=after.title if after.named else before.title,
        summary="\n\n".join(parts)[-LONGEST_TEXT:],
        body=after.body or before.body,
        usage=_sum(before.usage, after.usage),
        named=before.named or after.named,
    )


def _sum(before: Usage | None, after: Usage | None) -> Usage | None:
    names = {**(before or {}), **(after or {})}
    return {
        name: sum((one or {}).get(name, 0) for one in (before, after)) for name in names
    } or None


def read_usage(path: Path) -> Usage | None:
    """What the result file says of usage; None where it is not there or says nothing of it.

    A file that is half written, or wrong, says nothing yet: what is wrong with it in the end is
    told in the end.
    """
    return _usage(_fields(path, _silent), _silent)


def _silent(_: str) -> None: ...


def _fields(path: Path, warn: Callable[[str], None]) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            data: object = json.loads(file.read(LARGEST_FILE))
    except (OSError, ValueError) as error:
        warn(f"The agent's result file is not JSON and was ignored: {error}")
        return {}
    if not isinstance(data, dict):
        warn("The agent's result file holds no JSON object and was ignored.")
        return {}
    return cast("dict[str, Any]", data)


def _text(fields: dict[str, Any], name: str, warn: Callable[[str], None]) -> str | None:
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    warn(f"`{name}` in the agent's result file is not a text and was ignored.")
    return None


def _usage(fields: dict[str, Any], warn: Callable[[str], None]) -> Usage | None:
    given: object = fields.get("usage")
    if given is None:
        return None
    usage: Usage = {}
    if isinstance(given, dict):
        for name, value in cast("dict[str, object]", given).items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            whole = name in COUNTS and isinstance(value, int)
            if (whole or name == "costUsd") and value >= 0 and math.isfinite(value):
                usage[name] = value
    if not isinstance(given, dict) or usage.keys() != cast("dict[str, object]", given).keys():
        warn("`usage` in the agent's result file is not as it should be; what was wrong is left.")
    return usage or None


def _one_line(text: str, limit: int) -> str:
    """The first line that says something, cut with an ellipsis."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
