"""What effects are done with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.github.client import GitHub
from bot.github.pace import Priority
from bot.github.values import RepoRef
from bot.identity import Identity
from bot.meters import Meters
from bot.runners.base import Runner
from bot.token_desk import TokenDesk
from bot.vault import Vault
from bot.worker_tokens import WorkerTokens
from handlers.decision import Rules
from handlers.values import Where
from storage import Store


class Later(Exception):  # noqa: N818 - the name says what is to be done
    """Not now, says Bellhop itself: nothing was sent, so this was no try."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"in {seconds:.1f} s")
        self.seconds = seconds


def backoff(tries: int) -> float:
    """Seconds before the next try: 1, 2, 4, … up to five minutes."""
    return float(min(2 ** max(0, tries - 1), 300))


@dataclass(frozen=True, slots=True)
class Hands:
    """Everything that is needed to do something to the world.

    `backoff` gives the seconds before the next try from how many there were; `settle` is how many
    to wait before looking for what a cut connection may have written.
    """

    store: Store
    github: GitHub
    runners: Mapping[str, Runner]
    identity: Identity
    vault: Vault
    tokens: WorkerTokens
    github_tokens: TokenDesk
    rules: Rules
    worker_url: str
    clock: Callable[[], datetime]
    backoff: Callable[[int], float] = backoff
    settle: float = 2.0
    meters: Meters = field(default_factory=Meters)


def give_way(hands: Hands, where: Where, priority: Priority) -> None:
    """Leave the place to others where GitHub's pace lets nothing be written there now.

    Places are few, and whoever waited in one would hold up every other installation.

    Raises:
        Later: when the turn of such a write may come.
    """
    if wait := hands.github.pace.turn_in(where.installation_id, priority):
        raise Later(wait)


def repo_of(where: Where) -> RepoRef:
    """The repository of a task, as GitHub is asked for it."""
    return RepoRef(where.installation_id, where.repository_id, where.repository)
