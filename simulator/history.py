"""What git tells about trees, commits and changes, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a tree: `kind` is git's `blob`, `tree` or `commit`, `size` a blob's bytes."""

    path: str
    kind: str
    sha: str
    size: int


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; the dates are RFC 3339 as git prints them."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    author_date: str
    committer_name: str
    committer_email: str
    committer_date: str
    message: str


@dataclass(frozen=True, slots=True)
class Change:
    """One changed file of a comparison, with GitHub's words for its status."""

    path: str
    status: str
    additions: int
    deletions: int
    sha: str
