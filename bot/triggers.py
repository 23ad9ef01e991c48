"""What repositories' files make Bellhop listen to beside what it always listens to.

GitHub waits for the answer to a delivery, so the file cannot be read before it. What the files said
when they were last read is known here: the names of their commands, of which a bare `/name` is
one, and their labels.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handlers.label_commands import label_key
from handlers.repo_config import ConfigProblem, RepoConfig
from storage import Store

FRESH = timedelta(minutes=5)
"""How long it is believed that a label asks for nothing, after the file was read."""


@dataclass(frozen=True, slots=True)
class _Labels:
    """The labels of a repository that ask for something, and when its file was read."""

    commands: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names of commands by labels."""
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Triggers:
    """What is known of all files. The names of commands survive a restart, labels are read anew."""

    store: Store
    clock: Callable[[], datetime]
    _labels: dict[int, _Labels] = field(default_factory=dict[int, _Labels])

    @property
    def names(self) -> Collection[str]:
        """The names of all repositories' own commands."""
        return self.store.own_commands.names

    def of(self, repository_id: int) -> frozenset[str]:
        """The names of one repository's own commands."""
        return self.store.own_commands.of(repository_id)

    async def note(
        self, repository_id: int, config: RepoConfig | tuple[ConfigProblem, ...]
    ) -> None:
        """The file was read. One with mistakes changes nothing: it says so when it is asked for.

        Raises:
            StorageFailed: nothing could be stored.
        """
        before = self._labels.get(repository_id, _Labels())
        labels = config.labels if isinstance(config, RepoConfig) else before.commands
        self._labels[repository_id] = _Labels(labels, self.clock())
        if isinstance(config, RepoConfig):
            await self.store.own_commands.keep(repository_id, frozenset(config.commands))

    def asks_for(self, repository_id: int, label: str) -> str | None:
        """The command that a label asked for when the file was last read."""
        return self._labels.get(repository_id, _Labels()).commands.get(label_key(label))

    def may_ask(self, repository_id: int, label: str) -> bool:
        """Whether a label may ask for something: it did, or the file may say more by now."""
        read_at = self._labels.get(repository_id, _Labels()).read_at
        if read_at is None or self.clock() - read_at >= FRESH:
            return True
        return self.asks_for(repository_id, label) is not None
