"""Lets the base branch, not a pull request's head, say what the agent obeys.

Agents read settings, hooks, tool servers and instructions from the repository. On a pull request
those could be its author's, so the base's are put in their place while the agent runs, and the
head's come back before anything is committed.
"""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from worker.git import Git

# Compared without regard to case with every part of a path: some file systems ignore it too.
NAMES = (
    "claude.md",
    "claude.local.md",
    "agents.md",
    "agents.override.md",
    "gemini.md",
    ".claude",
    ".codex",
    ".opencode",
    "opencode.json",
    "opencode.jsonc",
    ".gemini",
    ".aider*",
    ".mcp.json",
    ".agents",
    ".cursor",
    ".cursorrules",
)
# aider and Gemini CLI read the last one, in which the address can stand that they send keys to.
PATHS = (".github/copilot-instructions.md", ".github/instructions", ".env")


def is_agent_config(path: str) -> bool:
    """Whether a path of the repository is, or is in, something that agents obey."""
    path = path.lower()
    parts = PurePosixPath(path).parts
    return any(fnmatch(part, name) for part in parts for name in NAMES) or any(
        path == name or path.startswith(f"{name}/") for name in PATHS
    )


class AgentConfig:
    """The exchange, and its undoing."""

    def __init__(self, git: Git, base: str) -> None:
        self._git, self._base = git, base
        self._theirs = self._in_tree("HEAD")
        self._ours = self._in_tree(base)

    def swap_in(self) -> None:
        """Put the base's files in the place of the head's, unseen by `git add` and `git commit`."""
        git = self._git
        self._hide(self._theirs)
        exclude = git.directory / "info" / "exclude"
        hidden = (*NAMES, *(f"/{path}" for path in PATHS))
        exclude.write_text("".join(f"{_any_case(name)}\n" for name in hidden))
        self._remove(self._theirs)
        index = git.directory / "index-of-base"
        git.run("read-tree", self._base, index=index)
        git.run("checkout-index", "--force", "-z", "--stdin", given=_zero(self._ours), index=index)
        index.unlink()

    def swap_out(self, start: str) -> None:
        """Put the head's files back as they are in `start`, in the checkout and in the index.

        Where commits of the agent's touched them, all its commits become one change again.
        """
        git = self._git
        touched = git.names(
            *("log", "--first-parent", "--diff-merges=off", "--format=", "--name-only"),
            *("--no-renames", "-z", f"{start}.."),
        )
        if any(map(is_agent_config, touched)):
            git.run("reset", "--quiet", "--soft", start)
        self._remove(self._ours)
        listed = filter(is_agent_config, git.names("ls-files", "-z"))
        git.run("update-index", "--force-remove", "-z", "--stdin", given=_zero(listed))
        if self._theirs:
            git.run(
                *("checkout", "--quiet", "--force", "--pathspec-from-file=-"),
                *("--pathspec-file-nul", start),
                given=_zero(f":(literal){path}" for path in self._theirs),
            )

    def _in_tree(self, tree: str) -> list[str]:
        names = self._git.names("ls-tree", "-r", "-z", "--name-only", tree)
        return [name for name in names if is_agent_config(name)]

    def _hide(self, paths: list[str]) -> None:
        self._git.run("update-index", "--skip-worktree", "-z", "--stdin", given=_zero(paths))

    def _remove(self, paths: list[str]) -> None:
        for path in paths:
            file = self._git.folder / path
            if file.parent.resolve().is_relative_to(self._git.folder.resolve()) and (
                file.is_symlink() or file.is_file()
            ):
                file.unlink()
                self._remove_empty(file.parent)

    def _remove_empty(self, folder: Path) -> None:
        """Git knows no empty folders, and an agent would take one for its own."""
        while folder != self._git.folder and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


def _zero(paths: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _any_case(name: str) -> str:
    """An exclude pattern that heeds no case: `[Cc][Ll]…`."""
    return "".join(f"[{sign.upper()}{sign}]" if sign.isalpha() else sign for sign in name)
