"""What people may do where, as GitHub said within the last five minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from cachetools import LRUCache

from bot.github.client import GitHub
from bot.github.errors import GitHubError
from bot.github.values import RepoRef
from bot.http.access import Caller
from bot.http.lookups import lookup_failed
from handlers.roles import Role
from handlers.values import Person
from storage.lists import Place, Scope

BELIEVED = timedelta(minutes=5)
"""How long an answer of GitHub's counts."""
AT_A_TIME = 8
"""How many people and repositories GitHub is asked about at the same time."""
MOST = 50_000
"""How many answers are remembered."""

_Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Heard:
    role: Role
    at: datetime


class Roles:
    """Asks GitHub through the installation, by the login that a person had last.

    A login that has changed hands is asked about under the old name and found to be nobody, or
    somebody else, for as long as its key lives: the operator then makes a new key.
    """

    def __init__(self, github: GitHub, clock: Callable[[], datetime]) -> None:
        self._github = github
        self._clock = clock
        self._heard: LRUCache[_Key, _Heard] = LRUCache(MOST)
        self._asking = asyncio.Semaphore(AT_A_TIME)
        # A lock lives as long as somebody holds or waits for it.
        self._locks: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()

    async def role(self, place: Place, person: Person) -> Role:
        """What somebody may do in a repository, NONE where it is gone for them or for us.

        Raises:
            Problem: 503, GitHub did not say: that is no answer, and never a 404.
        """
        key = (place.repository_id, person.id)
        if (known := self._known(key)) is not None:
            return known
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if (known := self._known(key)) is not None:
                return known
            role = await self._ask(place, person)
            self._heard[key] = _Heard(role, self._clock())
            return role

    async def scope(self, caller: Caller, places: Sequence[Place]) -> Scope:
        """What somebody sees in these repositories; an operator, who sees all, is not asked about.

        Raises:
            Problem: 503, GitHub did not say.
        """
        person = caller.person
        if caller.operator:
            return Scope(person.id, everything=True)
        roles = await asyncio.gather(*(self.role(place, person) for place in places))
        found = list(zip(places, roles, strict=True))
        return Scope(
            person.id,
            readable=frozenset(one.repository_id for one, role in found if role >= Role.READ),
            writable=frozenset(one.repository_id for one, role in found if role >= Role.WRITE),
        )

    def _known(self, key: _Key) -> Role | None:
        heard = self._heard.get(key)
        if heard is None or self._clock() - heard.at >= BELIEVED:
            return None
        return heard.role

    async def _ask(self, place: Place, person: Person) -> Role:
        repo = RepoRef(place.installation_id, place.repository_id, place.full_name)
        try:
            async with self._asking:
                return await self._github.role(repo, person.login)
        except GitHubError as error:
            if gone(error):
                return Role.NONE
            raise lookup_failed(error) from error


def gone(error: GitHubError) -> bool:
    """Whether the App itself has no access there, so that nobody sees anything through it."""
    return getattr(error, "status", 0) in {403, 404, 410, 451}
