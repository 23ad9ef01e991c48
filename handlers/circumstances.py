"""What a decision must know of GitHub: asked before it, and put into the event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handlers.commands import COMMANDS, CommandKind
from handlers.repo_config import ConfigProblem, RepoConfig
from handlers.roles import Role


@dataclass(frozen=True, slots=True)
class PullFacts:
    """What admission must know of a pull request that a command stands on."""

    head: str
    head_sha: str
    same_repository: bool
    protected: bool
    base: str
    open: bool = True


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What GitHub said when a command was looked at: fetched before the decision."""

    role: Role
    config: RepoConfig | tuple[ConfigProblem, ...]
    default_branch: str
    archived: bool = False
    pull: PullFacts | None = None
    context: str = ""
    outsiders: bool = False
    """Whether text by people without write access is in the context."""
    base_missing: bool = False
    """Whether `--base` names a branch that does not exist."""
    branch_heads: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """Where the branches are of the tasks that a retry could mean; None: gone."""

    def kind_of(self, name: str) -> CommandKind | None:
        """The row of a command, of the repository's own ones too where they can be read."""
        if isinstance(self.config, RepoConfig):
            return self.config.kind_of(name)
        return COMMANDS.get(name)
