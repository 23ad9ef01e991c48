"""What git itself says of a branch that was pushed."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Commit:
    """The newest commit of a branch; `changed` is git's summary of the files."""

    sha: str
    author: str
    title: str
    changed: tuple[str, ...]


class GitFailed(Exception):  # noqa: N818 - its text is git's own
    """Git said no."""


async def head_of(clone_url: str, branch: str) -> Commit:
    """Fetch a branch and read its newest commit.

    Raises:
        GitFailed: it is not there.
    """
    with tempfile.TemporaryDirectory(prefix="bellhop-demo-look-") as name:
        folder = Path(name)
        await _git(folder, "init", "--quiet", "--bare")
        await _git(folder, "fetch", "--quiet", "--depth", "2", clone_url, f"refs/heads/{branch}")
        shown = await _git(folder, "show", "--stat=72", "--format=%h%n%an%n%s", "FETCH_HEAD")
    sha, author, title, *changed = shown.splitlines()
    return Commit(sha, author, title, tuple(line.strip() for line in changed if line.strip()))


async def _git(folder: Path, *arguments: str) -> str:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    git = await asyncio.create_subprocess_exec(
        *("git", *arguments),
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, words = await git.communicate()
    if git.returncode != 0:
        raise GitFailed(words.decode(errors="replace").strip())
    return output.decode(errors="replace")
