"""GitHub as one person sees it: asked with a token of theirs, never with the App's.

What GitHub answered is kept for each person apart and asked for again by its ETag, which costs
nothing of their limit while it has not changed ("Best practices for using the REST API").
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from cachetools import TTLCache

from bot.github import questions
from bot.github.errors import Limited, Refused
from bot.github.packed import Packed
from bot.github.personal import (
    Installed,
    OpenIssue,
    Org,
    OwnRepository,
    Profile,
    ReadIssue,
)
from bot.github.questions import Ask, Many, or_none
from bot.github.retry import patiently
from bot.github.standing import Position, position
from handlers.values import Person

if TYPE_CHECKING:
    from gidgethub.abc import CACHE_TYPE
    from pydantic import SecretStr

    from bot.github.clock import Clock
    from bot.github.transport import Answer, Api

T = TypeVar("T")

NewApi = Callable[["CACHE_TYPE"], "Api"]
MOST_PEOPLE = 100
"""People whose answers are kept, for an hour each."""
KEPT = 3600.0
MOST_BYTES = 256 * 1024
"""Of one person's answers, packed."""
MOST_LATELY = 50
"""Whole answers that are kept for a moment: a list of 2,000 repositories takes some megabytes."""
A_WHILE = 15.0
"""Seconds for which somebody who types a search is told what was heard before."""


@dataclass(slots=True, eq=False)
class _Eyes:
    """What is remembered of one person. Their questions go to GitHub one after another."""

    api: Api
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    rest_until: float = 0.0


class Tokens(Protocol):
    """Where people's tokens come from. What it raises comes out of every question."""

    async def token(self, person: Person) -> SecretStr:
        """A token in a person's own name."""
        ...

    async def refused(self, person: Person, token: SecretStr) -> None:
        """GitHub does not take this token any more."""
        ...


class AsUser:
    """Asks in the name of people.

    Every question raises `GitHubError` where it gets no answer, `Refused` with 401 where no token
    of theirs is good any more, and whatever `tokens` raises.

    Args:
        new_api: Makes what sends requests, over a cache.
        tokens: Where people's tokens come from.
        clock: Where times come from.
    """

    def __init__(self, new_api: NewApi, tokens: Tokens, clock: Clock) -> None:
        self._new_api = new_api
        self._tokens = tokens
        self._clock = clock
        self._people: TTLCache[int, _Eyes] = TTLCache(MOST_PEOPLE, KEPT, timer=clock.monotonic)
        # What was answered last, by whose eyes and the kind of question: what it was about, and the
        # answer. It is many times as large as the same packed, and so kept no longer than believed.
        self._lately: TTLCache[tuple[_Eyes, str], tuple[str, object]] = TTLCache(
            MOST_LATELY, A_WHILE, timer=clock.monotonic
        )

    def forget(self, person_id: int) -> None:
        """Keep nothing of what a person saw, nor of what they ask at this moment."""
        eyes = self._people.pop(person_id, None)
        for key in [key for key in self._lately if key[0] is eyes]:
            with suppress(KeyError):  # it has expired just now
                del self._lately[key]

    def knows(self, person_id: int) -> bool:
        """Whether anything is kept of what a person saw."""
        return person_id in self._people

    async def profile(self, person: Person) -> Profile:
        """Who they are."""
        return await self._put(person, questions.profile)

    async def orgs(self, person: Person) -> Many[Org]:
        """The organisations that they belong to, as far as the App may know."""
        return await self._put(person, questions.orgs)

    async def installations(self, person: Person) -> Many[Installed]:
        """Where the App is installed and they see at least one repository."""
        return await self._put(person, questions.installations)

    async def position(self, person: Person, installation_id: int) -> Position:
        """What they are to an installation, and whose it is."""
        return await self._put(person, lambda ask: position(ask, person.id, installation_id))

    async def repositories(self, person: Person, installation_id: int) -> Many[OwnRepository]:
        """What they see in one installation, by name; nothing where they see none of it."""
        return await self._put(person, lambda ask: questions.repositories(ask, installation_id))

    async def all_repositories(
        self, person: Person, *, patient: bool = False
    ) -> Many[OwnRepository]:
        """What they see in all installations, by name.

        With `patient`, as it was a few seconds ago if it was asked for then.
        """
        return await self._told(person, "repositories", "", questions.everywhere, patient=patient)

    async def issues(
        self, person: Person, full_name: str, *, patient: bool = False
    ) -> Many[OpenIssue] | None:
        """The open issues and pull requests of a repository; None where they do not see it.

        With `patient`, as it was a few seconds ago if it was asked for then.
        """
        return await self._told(
            person,
            "issues",
            full_name,
            lambda ask: or_none(questions.issues(ask, full_name)),
            patient=patient,
        )

    async def issue(self, person: Person, full_name: str, number: int) -> ReadIssue | None:
        """An issue or pull request; None where they do not see it, or there is none."""
        return await self._put(person, lambda ask: or_none(questions.issue(ask, full_name, number)))

    def _eyes(self, person: Person) -> _Eyes:
        self._lately.expire()  # it is large, and whoever it was of may never ask again
        eyes = self._people.get(person.id)
        if eyes is None:
            eyes = self._people[person.id] = _Eyes(self._new_api(Packed(MOST_BYTES)))
        return eyes

    async def _told(
        self,
        person: Person,
        kind: str,
        about: str,
        question: Callable[[Ask], Awaitable[T]],
        *,
        patient: bool,
    ) -> T:
        """Ask, unless the same was answered a while ago and that will do; one of a kind is kept."""
        eyes = self._eyes(person)
        kept = self._lately.get((eyes, kind)) if patient else None
        if kept is not None and kept[0] == about:
            return cast("T", kept[1])
        found = await self._put(person, question)
        self._lately[eyes, kind] = (about, found)
        return found

    async def _put(self, person: Person, question: Callable[[Ask], Awaitable[T]]) -> T:
        """Put a question, a second time where the token was renewed while it was asked."""
        eyes = self._eyes(person)
        token = await self._tokens.token(person)
        async with eyes.turn:
            try:
                return await question(partial(self._ask, eyes, token))
            except Refused as error:
                if error.status != HTTPStatus.UNAUTHORIZED:
                    raise
            self.forget(person.id)
            await self._tokens.refused(person, token)
            token = await self._tokens.token(person)
            return await question(partial(self._ask, eyes, token))

    async def _ask(self, eyes: _Eyes, token: SecretStr, url: str) -> Answer:
        """Ask one thing, unless GitHub has said to leave it for now."""
        wait = eyes.rest_until - self._clock.monotonic()
        if wait > 0:
            raise Limited(wait)
        bearer = token.get_secret_value()
        try:
            return await patiently(self._clock, lambda: eyes.api.call("GET", url, bearer=bearer))
        except Limited as error:
            eyes.rest_until = self._clock.monotonic() + error.retry_after
            raise
