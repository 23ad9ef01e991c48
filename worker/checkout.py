"""The repository on the worker's disk: from the clone to the push."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from worker.agent_config import AgentConfig
from worker.git import GitFailed

if TYPE_CHECKING:
    from worker.contract import Assignment
    from worker.git import Git


SKIP_CI = "[skip ci]"
"""What GitHub looks for in the message of the last commit of a push.

Source: https://docs.github.com/actions/how-tos/manage-workflow-runs/skip-workflow-runs
"""


class Checkout:
    """A clone with the assignment's branch checked out."""

    def __init__(self, git: Git, assignment: Assignment) -> None:
        self._git, self._assignment = git, assignment
        self._start = self._done = ""
        self._config: AgentConfig | None = None
        self._settings = b""

    def prepare(self, token: str) -> None:
        """Clone the branches that matter, with their whole history, and check out the work's.

        Raises:
            GitFailed: The repository or a branch could not be had.
        """
        git, assignment = self._git, self._assignment
        git.folder.mkdir()
        git.run("init", "--quiet", "--template=")
        (git.directory / "info").mkdir(exist_ok=True)
        git.run("config", "user.name", assignment.commit_author.name)
        git.run("config", "user.email", assignment.commit_author.email)
        git.run("remote", "add", "origin", assignment.clone_url)
        git.talk(
            *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "origin", *self._wanted()),
            settings=git.basic(assignment.clone_url, token),
        )
        start = assignment.head_sha or f"refs/remotes/origin/{assignment.base_branch}"
        name = assignment.head_branch
        how = ("--no-track", "-B", name) if name is not None else ("--detach",)
        git.run("checkout", "--quiet", *how, start)
        self._start = self._done = git.word("rev-parse", "HEAD")
        self._settings = (git.directory / "config").read_bytes()
        if assignment.config_from:
            self._config = AgentConfig(git, f"refs/remotes/origin/{assignment.config_from}")
        self.make_ready()

    def make_ready(self) -> None:
        """Let the agent find what it is to obey: before each of its runs."""
        if self._config is not None:
            self._config.swap_in()

    def leave_out(self, patterns: tuple[str, ...]) -> None:
        """Commit nothing that is not in the repository yet and matches these, as in gitignore."""
        with (self._git.directory / "info" / "exclude").open("a") as file:
            file.writelines(f"{pattern}\n" for pattern in patterns)

    def _wanted(self) -> list[str]:
        """What to fetch: the branches by name, or one commit that may be on none of them."""
        assignment = self._assignment
        branches = {assignment.base_branch, assignment.config_from}
        if assignment.head_sha:
            branches.add(assignment.head_branch)
        wanted = [
            f"+refs/heads/{name}:refs/remotes/origin/{name}"
            for name in sorted(filter(None, branches))
        ]
        if assignment.head_sha and not assignment.head_branch:
            wanted.append(assignment.head_sha)
        return wanted

    @property
    def changed(self) -> bool:
        """Whether there is anything to push."""
        return self._done != self._start

    def commit(self, title: str) -> None:
        """Commit what the agent changed beside its own commits: this is done, and can be pushed.

        Where workflows are to be skipped and the last commit is the agent's own, which does not ask
        for it, an empty one that does comes after it.

        Raises:
            GitFailed: The agent left the repository in a state that cannot be committed.
        """
        git = self._git
        self._undo_settings()
        if self._config is not None:
            self._config.swap_out(self._start)
        git.run("add", "--all")
        if git.names("diff", "--cached", "--name-only", "-z", "HEAD") or self._must_be_marked():
            message = _message(title, self._assignment)
            git.run(
                "commit",
                "--quiet",
                "--allow-empty",
                "--no-verify",
                "--file=-",
                given=message.encode(errors="replace"),
            )
        self._done = git.word("rev-parse", "HEAD")

    def _must_be_marked(self) -> bool:
        if not self._assignment.skip_ci or self._git.word("rev-parse", "HEAD") == self._done:
            return False
        return SKIP_CI not in self._git.word("log", "-1", "--format=%B")

    def push(self, token: str) -> str:
        """Push what was committed to Bellhop's gate and return the branch's name.

        Whatever a run of the agent that came to no good end left behind is not in it.

        Raises:
            GitFailed: The push was refused, with the gate's words.
        """
        url, branch = self._assignment.push_url, self._assignment.head_branch
        if url is None or branch is None:
            raise ValueError("nothing can be pushed for this assignment")
        # Git tells people of a refusal by this name.
        what = "HEAD" if self._git.word("rev-parse", "HEAD") == self._done else self._done
        self._git.talk(
            *("push", "--quiet", url, f"{what}:refs/heads/{branch}"),
            settings=self._git.bearer(url, token),
        )
        return branch

    def _undo_settings(self) -> None:
        """Take back whatever the agent told git to do with the next calls, which bear a token."""
        directory = self._git.directory
        if directory.is_symlink() or not directory.is_dir():
            raise GitFailed("The agent removed or replaced the repository's .git folder.")
        for name in ("config.worktree", "commondir", "index.lock"):
            with suppress(FileNotFoundError):
                (directory / name).unlink()
        (directory / "config").unlink(missing_ok=True)
        (directory / "config").write_bytes(self._settings)


def _message(title: str, assignment: Assignment) -> str:
    marks = [SKIP_CI, ""] if assignment.skip_ci else []
    people = assignment.co_authors
    trailers = [f"Co-authored-by: {' '.join(str(person).split())}" for person in people]
    return "\n".join([title, "", *marks, *trailers]).strip() + "\n"
