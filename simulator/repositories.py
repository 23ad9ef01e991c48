"""Real bare git repositories: what people and the REST routes do to them.

The commands run synchronously. On repositories of this size each takes a few milliseconds, and a
caller that never yields in between cannot see a half-made change. What may be large, a clone or a
push, goes through `simulator.gitserver`, which streams.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.history import Change, Commit, Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

ZERO = "0" * 40
WORKFLOWS = ".github/workflows"

# Runs once for each ref of a push, with the new objects still in quarantine.
UPDATE_HOOK = f"""#!/bin/sh
branch=${{1#refs/heads/}}
if grep -qxF -- "$branch" protected-branches; then
    echo "error: GH006: Protected branch update failed for $1." >&2
    echo "error: protected branch hook declined" >&2
    exit 1
fi
[ "$3" = {ZERO} ] && exit 0
[ "$SIMULATOR_WORKFLOWS" = write ] && exit 0
touched=$(git log --format= --name-only "$3" --not --all -- {WORKFLOWS} | head -n 1)
[ -z "$touched" ] && exit 0
echo "refusing to allow a GitHub App to create or update workflow" \\
    "\\`$touched\\` without \\`workflows\\` permission" >&2
exit 1
"""


class GitError(Exception):
    """A git command failed; the text is what git said."""


CONFIG = """
[http]
\treceivepack = true
[uploadpack]
\tallowAnySHA1InWant = true
[receive]
\thideRefs = refs/pull
"""

STATUSES = {"A": "added", "M": "modified", "D": "removed", "T": "changed"}


@dataclass(frozen=True, slots=True)
class GitRepository:
    """A bare repository in a folder of its own."""

    folder: Path

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run git in this repository and return its standard output.

        Raises:
            GitError: git ended with a status other than 0.
        """
        done = subprocess.run(  # noqa: S603 - a list of arguments, no shell; names are checked by git
            ["git", *arguments],  # noqa: S607 - git is found on the path, as everywhere
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            check=False,
            env=environment(),
        )
        if done.returncode != 0:
            raise GitError(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def text(self, *arguments: str) -> str:
        """Run git and return its output as stripped text."""
        return self.run(*arguments).decode(errors="replace").strip()

    @classmethod
    def create(cls, folder: Path, default_branch: str) -> GitRepository:
        """Make an empty repository whose HEAD is `default_branch`."""
        folder.mkdir(parents=True)
        repository = cls(folder)
        repository.run(
            "init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}"
        )
        repository.prepare()
        return repository

    def prepare(self) -> None:
        """Set what a hosted repository needs: the push rules, and a push by HTTP at all."""
        with (self.folder / "config").open("a") as config:
            config.write(CONFIG)
        self.protect(frozenset())
        hook = self.folder / "hooks" / "update"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(UPDATE_HOOK)
        hook.chmod(0o755)

    def fork(self, folder: Path) -> GitRepository:
        """Copy branches and objects into a repository of another owner."""
        folder.mkdir(parents=True)
        copy = GitRepository(folder)
        copy.run("clone", "--quiet", "--bare", str(self.folder), ".")
        copy.prepare()
        return copy

    def protect(self, branches: frozenset[str]) -> None:
        """Let the push rules know the protected branches."""
        lines = "".join(f"{branch}\n" for branch in sorted(branches))
        (self.folder / "protected-branches").write_text(lines)

    def resolve(self, revision: str) -> str | None:
        """Return the commit a branch, ref or SHA stands for, None if there is none."""
        try:
            return self.text(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
            )
        except GitError:
            return None

    def refs(self, prefix: str) -> dict[str, str]:
        """Return the refs below `prefix` with the SHA of each."""
        listed = self.text("for-each-ref", "--format=%(refname) %(objectname)", prefix)
        return dict(line.split(" ", 1) for line in listed.splitlines())

    def branches(self) -> list[str]:
        """Return the branches' names, sorted."""
        return [ref.removeprefix("refs/heads/") for ref in self.refs("refs/heads/")]

    def set_ref(self, ref: str, sha: str) -> None:
        """Point a ref at a commit."""
        self.run("update-ref", ref, sha)

    def delete_ref(self, ref: str) -> None:
        """Remove a ref."""
        self.run("update-ref", "-d", ref)

    def entry(self, revision: str, path: str) -> Entry | None:
        """Return what stands at a path, None where nothing does."""
        return next(iter(self._list(revision, path.strip("/"))), None)

    def listing(self, revision: str, path: str) -> list[Entry]:
        """Return the entries of a folder."""
        return self._list(revision, f"{path.strip('/')}/" if path.strip("/") else "")

    def _list(self, revision: str, path: str) -> list[Entry]:
        pathspec = ("--", path) if path else ()
        entries: list[Entry] = []
        for line in self.run("ls-tree", "-z", "-l", revision, *pathspec).split(b"\0"):
            if line:
                facts, name = line.decode().split("\t", 1)
                _, kind, sha, size = facts.split()
                entries.append(Entry(name, kind, sha, int(size) if kind == "blob" else 0))
        return entries

    def blob(self, sha: str) -> bytes:
        """Return a file's bytes by its blob SHA."""
        return self.run("cat-file", "blob", sha)

    def commit(
        self,
        branch: str,
        files: Mapping[str, str | bytes | None],
        message: str,
        author: str,
        base: str,
    ) -> str:
        """Commit files onto a branch and return the new SHA.

        Args:
            branch: made from `base` where it does not exist.
            files: contents by path; None removes the file.
            message: the commit's message.
            author: `Name <mail>`.
            base: the branch a new branch starts from.
        """
        heads = self.refs("refs/heads/")
        start = heads.get(f"refs/heads/{branch}") or heads.get(f"refs/heads/{base}")
        head = f"commit refs/heads/{branch}\ncommitter {author} now\n".encode()
        stream = [head, _data(message.encode())]
        if start:
            stream.append(f"from {start}\n".encode())
        for path, content in files.items():
            if content is None:
                stream.append(f"D {path}\n".encode())
            else:
                data = content.encode() if isinstance(content, str) else content
                stream += [f"M 100644 inline {path}\n".encode(), _data(data)]
        self.run(
            "fast-import",
            "--quiet",
            "--date-format=now",
            "--done",
            stdin=b"".join([*stream, b"done\n"]),
        )
        return self.text("rev-parse", f"refs/heads/{branch}")

    def fetch(self, other: GitRepository, source: str, target: str) -> None:
        """Copy a ref of another repository into this one, forwards or not."""
        self.run("fetch", "--quiet", "--no-tags", str(other.folder), f"+{source}:{target}")

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the best common ancestor, None for unrelated histories."""
        try:
            return self.text("merge-base", one, other)
        except GitError:
            return None

    def is_ancestor(self, old: str, new: str) -> bool:
        """Tell whether moving from `old` to `new` is a fast forward."""
        return self.merge_base(old, new) == old

    def count(self, start: str, end: str) -> int:
        """Count the commits of `end` that `start` does not have."""
        return int(self.text("rev-list", "--count", f"{start}..{end}"))

    def merge(self, base_branch: str, head: str, message: str, author: str) -> str:
        """Merge a commit into a branch with a merge commit and return its SHA.

        Raises:
            GitError: the merge has conflicts.
        """
        base = self.text("rev-parse", f"refs/heads/{base_branch}")
        tree = self.text("merge-tree", "--write-tree", base, head)
        name, _, mail = author.rstrip(">").partition(" <")
        person = ["-c", f"user.name={name}", "-c", f"user.email={mail}"]
        sha = self.text(*person, "commit-tree", tree, "-p", base, "-p", head, "-m", message)
        self.set_ref(f"refs/heads/{base_branch}", sha)
        return sha

    def commits(self, revisions: str, limit: int = 250) -> list[Commit]:
        """Return the commits of a revision or a range, newest first."""
        form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x00%x00"
        listed = self.run("log", f"--max-count={limit}", f"--format={form}", revisions).decode(
            errors="replace"
        )
        found: list[Commit] = []
        for record in listed.split("\0\0\n"):
            if record.strip("\0\n"):
                sha, tree, parents, an, ae, ad, cn, ce, cd, message = record.rstrip("\0").split(
                    "\0"
                )
                found.append(
                    Commit(
                        sha, tree, tuple(parents.split()), an, ae, ad, cn, ce, cd, message.strip()
                    )
                )
        return found

    def changes(self, start: str, end: str) -> list[Change]:
        """Return the files that differ between two commits."""
        raw = self.text("diff", "--raw", "--abbrev=40", "--no-renames", start, end)
        numbers = self.text("diff", "--numstat", "--no-renames", start, end)
        found: list[Change] = []
        for fact, number in zip(raw.splitlines(), numbers.splitlines(), strict=True):
            _, _, _, sha, letter = fact.split("\t")[0].split()
            added, deleted, path = number.split("\t")
            # A binary file has no lines to count: git prints a dash.
            lines = [0 if count == "-" else int(count) for count in (added, deleted)]
            found.append(Change(path, STATUSES[letter], lines[0], lines[1], sha))
        return found

    def diff(self, start: str, end: str, *paths: str) -> str:
        """Return the unified diff between two commits, of all files or of some."""
        return self.run("diff", "--no-renames", start, end, "--", *paths).decode(errors="replace")


def _data(content: bytes) -> bytes:
    """Frame bytes as git fast-import wants them."""
    return b"data %d\n%s\n" % (len(content), content)


def environment() -> dict[str, str]:
    """Return an environment in which git reads no configuration of the machine or of its user."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }
