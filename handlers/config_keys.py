"""What is wrong in `.github/bellhop.yml`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """Something that is wrong in the file: `line` counts from 1, `key` is empty for the whole."""

    line: int
    key: str
    message: str
