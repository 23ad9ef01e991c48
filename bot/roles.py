"""What people may do where, as GitHub said within the last five minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cachetools import LRUCache

from bot.github.app import UNREACHABLE
from bot.github.client import GitHub
from bot.github.errors import GitHubError, Refused
from bot.github.values import RepoRef
from bot.http.caller import Caller
from bot.http.lookups import lookup_failed
from bot.http.problems import Problem
from handlers.roles import Role
from handlers.values import Person
from storage.lists import Place, Scope

BELIEVED = timedelta(minutes=5)
"""How long an answer of GitHub's counts."""
AT_A_TIME = 8
"""How many people and repositories GitHub is asked about at the same time."""
MOST = 50_000
"""How many answers are remembered."""

_Key = tuple[int, int, int]
"""Installation, repository and person, by their ids: what is said through an installation that is
gone says nothing about the one that the repository is in now."""


@dataclass(frozen=True, slots=True)
class _Heard:
    role: Role
    at: datetime


@dataclass(slots=True)
class _Asking:
    """A question under way, and how many wait for its answer."""

    answer: asyncio.Task[Role]
    waiting: int = 0


class Roles:
    """Asks GitHub through the installation, by the login that a person had last.

    A person who has another login by now is asked about by the former one, which is nobody or
    somebody else, and then they may do nothing until they sign in again: by that all their keys and
    sessions learn the new one.
    """

    def __init__(self, github: GitHub, clock: Callable[[], datetime]) -> None:
        self._github = github
        self._clock = clock
        self._heard: LRUCache[_Key, _Heard] = LRUCache(MOST)
        self._asking: dict[_Key, _Asking] = {}
        self._turns = asyncio.Semaphore(AT_A_TIME)

    async def role(self, place: Place, person: Person) -> Role:
        """What somebody may do in a repository, NONE where it is gone for them or for us.

        Raises:
            Problem: 503, GitHub did not say: that is no answer, and never a 404.
        """
        key = _key(place, person)
        heard = self._heard.get(key)
        if heard is not None and self._clock() - heard.at < BELIEVED:
            return heard.role
        if key not in self._asking:
            self._asking[key] = _Asking(asyncio.create_task(self._ask(place, person)))
        return await self._answer(key, self._asking[key])

    async def _answer(self, key: _Key, asking: _Asking) -> Role:
        """Wait with all who ask the same; the last who gives up ends the question."""
        asking.waiting += 1
        try:
            return await asyncio.shield(asking.answer)
        finally:
            asking.waiting -= 1
            if not asking.waiting or asking.answer.done():
                self._drop(key, asking)
                asking.answer.cancel()  # which does nothing to one that is there

    def _drop(self, key: _Key, asking: _Asking) -> None:
        if self._asking.get(key) is asking:
            del self._asking[key]

    async def scope(
        self, caller: Caller, places: Sequence[Place], known: Collection[int] | None = None
    ) -> Scope:
        """What somebody sees in these repositories; an operator, who sees all, is not asked about.

        `known` are the ids of those that the caller knows to have tasks, all if not given: of
        others it is told to nobody that GitHub was asked about them and did not answer, unless
        they could be read there before.

        Raises:
            Problem: 503, GitHub did not say.
        """
        person = caller.person
        if caller.operator:
            return Scope(person.id, everything=True)
        roles = await self._all(places, person, known)
        found = list(zip(places, roles, strict=True))
        return Scope(
            person.id,
            readable=frozenset(one.repository_id for one, role in found if role >= Role.READ),
            writable=frozenset(one.repository_id for one, role in found if role >= Role.WRITE),
        )

    async def _all(
        self, places: Sequence[Place], person: Person, known: Collection[int] | None
    ) -> list[Role]:
        """The roles in these repositories; once one cannot be had, the others are of no use."""
        asks = [asyncio.create_task(self._told(place, person, known)) for place in places]
        try:
            return await asyncio.gather(*asks)
        finally:
            for ask in asks:
                ask.cancel()

    async def _told(self, place: Place, person: Person, known: Collection[int] | None) -> Role:
        """A role; NONE where GitHub does not say and the person does not know of the repository."""
        try:
            return await self.role(place, person)
        except Problem:
            heard = self._heard.get(_key(place, person))
            read = heard is not None and heard.role >= Role.READ
            if known is None or place.repository_id in known or read:
                raise
            return Role.NONE

    async def _ask(self, place: Place, person: Person) -> Role:
        repo = RepoRef(place.installation_id, place.repository_id, place.full_name)
        async with self._turns:
            now = self._clock()
            role = await self._said(repo, person)
            if role is None:
                role = await self._elsewhere(repo, person)
        self._heard[_key(place, person)] = _Heard(role, now)
        return role

    async def _elsewhere(self, repo: RepoRef, person: Person) -> Role:
        """What they may do there through another installation than the one that is remembered.

        The App may have been installed anew since, or the repository belong to somebody else. One
        that has only taken the name is another repository.
        """
        try:
            there = await self._github.locate(repo.full_name)
        except GitHubError as error:
            raise lookup_failed(error) from error
        if there is None or there.repository_id != repo.repository_id:
            return Role.NONE
        return await self._said(there, person) or Role.NONE

    async def _said(self, repo: RepoRef, person: Person) -> Role | None:
        """What GitHub says; None where the App itself has no access there."""
        try:
            role = await self._github.role(repo, person.login, person.id)
            reached = role is not Role.NONE or await self._github.reaches(repo)
        except GitHubError as error:
            if not gone(error):
                raise lookup_failed(error) from error
            return None
        return role if reached else None


def _key(place: Place, person: Person) -> _Key:
    return place.installation_id, place.repository_id, person.id


def gone(error: GitHubError) -> bool:
    """Whether the App itself has no access there, so that nobody sees anything through it."""
    return isinstance(error, Refused) and error.status in UNREACHABLE
