"""GitHub as one person sees it: asked with a token of theirs, never with the App's.

What GitHub answered is kept for each person apart and asked for again by its ETag, which costs
nothing of their limit while it has not changed ("Best practices for using the REST API").
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Generic, TypeVar, cast
from urllib.parse import urlencode

from cachetools import TTLCache
from pydantic import SecretStr

from bot.github.calls import segments
from bot.github.errors import Limited, Refused
from bot.github.packed import Packed
from bot.github.personal import (
    ISSUES,
    ORGS,
    InstallationPage,
    Installed,
    IssueShape,
    Me,
    OpenIssue,
    Org,
    OwnRepository,
    Profile,
    ReadIssue,
    RepositoryPage,
)
from bot.github.retry import patiently
from bot.github.shapes import parse, parse_list
from handlers.values import Person

if TYPE_CHECKING:
    from gidgethub.abc import CACHE_TYPE

    from bot.github.clock import Clock
    from bot.github.transport import Answer, Api

T = TypeVar("T")

TokenOf = Callable[[Person], Awaitable[SecretStr]]
"""Where a person's token comes from; it raises what it likes."""
NewApi = Callable[["CACHE_TYPE"], "Api"]
Ask = Callable[[str], Awaitable["Answer"]]

PAGE = 100
MOST_REPOSITORIES = 2_000
"""Of all installations together; who sees more types the name."""
MOST_INSTALLATIONS = 100
MOST_ORGS = 200
MOST_ISSUES = 200
"""Open issues of a repository, those first that something happened to last."""

MOST_PEOPLE = 100
"""People whose answers are kept, for an hour each."""
KEPT = 3600.0
MOST_BYTES = 256 * 1024
"""Of one person's answers, packed."""
A_WHILE = 15.0
"""Seconds for which somebody who types a search is told what was heard before."""

GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
HIDDEN = frozenset({*GONE, HTTPStatus.FORBIDDEN, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS})


@dataclass(frozen=True, slots=True)
class Many(Generic[T]):
    """What was found; not `complete` where there is more that was not asked for or not told."""

    items: tuple[T, ...]
    complete: bool = True


@dataclass(slots=True)
class _Eyes:
    """What is remembered of one person. Their questions go to GitHub one after another."""

    api: Api
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    told: dict[str, tuple[float, str, object]] = field(
        default_factory=dict[str, tuple[float, str, object]]
    )
    """By kind of question: when the last one was answered, what it was about, the answer."""
    rest_until: float = 0.0


class AsUser:
    """Asks in the name of people.

    Every question raises `GitHubError` where it gets no answer, `Refused` with 401 where the token
    is not good any more, and whatever `token` raises.

    Args:
        new_api: Makes what sends requests, over a cache.
        token: Where people's tokens come from.
        clock: Where times come from.
    """

    def __init__(self, new_api: NewApi, token: TokenOf, clock: Clock) -> None:
        self._new_api = new_api
        self._token = token
        self._clock = clock
        self._people: TTLCache[int, _Eyes] = TTLCache(MOST_PEOPLE, KEPT, timer=clock.monotonic)

    def forget(self, person_id: int) -> None:
        """Keep nothing of what a person saw, nor of what they ask at this moment."""
        self._people.pop(person_id, None)

    def knows(self, person_id: int) -> bool:
        """Whether anything is kept of what a person saw."""
        return person_id in self._people

    async def profile(self, person: Person) -> Profile:
        """Who they are."""
        async with self._asking(person) as ask:
            return parse(Me, (await ask("/user")).data).value()

    async def orgs(self, person: Person) -> Many[Org]:
        """The organisations that they belong to, as far as the App may know."""
        async with self._asking(person) as ask:
            url = f"/user/orgs?per_page={PAGE}"
            found = await _pages(ask, url, partial(parse_list, ORGS), MOST_ORGS)
        return Many(tuple(one.value() for one in found.items), found.complete)

    async def installations(self, person: Person) -> Many[Installed]:
        """Where the App is installed and they see at least one repository."""
        async with self._asking(person) as ask:
            return await _installations(ask)

    async def repositories(self, person: Person, installation_id: int) -> Many[OwnRepository]:
        """What they see in one installation, by name; nothing where they see none of it."""
        async with self._asking(person) as ask:
            found = await _repositories(ask, installation_id, MOST_REPOSITORIES)
        return Many(_by_name(found.items), found.complete)

    async def all_repositories(
        self, person: Person, *, patient: bool = False
    ) -> Many[OwnRepository]:
        """What they see in all installations, by name.

        With `patient`, as it was a few seconds ago if it was asked for then.
        """
        eyes = self._eyes(person)
        if patient and (before := self._before(eyes, "repositories", "")) is not None:
            return cast("Many[OwnRepository]", before)
        async with self._asking(person) as ask:
            found = await _everywhere(ask)
        eyes.told["repositories"] = (self._clock.monotonic(), "", found)
        return found

    async def issues(
        self, person: Person, full_name: str, *, patient: bool = False
    ) -> Many[OpenIssue] | None:
        """The open issues and pull requests of a repository; None where they do not see it.

        With `patient`, as it was a few seconds ago if it was asked for then.
        """
        eyes = self._eyes(person)
        if patient and (before := self._before(eyes, "issues", full_name)) is not None:
            return cast("Many[OpenIssue]", before)
        query = urlencode({"state": "open", "sort": "updated", "per_page": PAGE})
        url = f"/repos/{segments(full_name)}/issues?{query}"
        async with self._asking(person) as ask:
            found = await _or_none(_pages(ask, url, partial(parse_list, ISSUES), MOST_ISSUES))
        if found is None:
            return None
        listed = Many(tuple(one.listed() for one in found.items), found.complete)
        eyes.told["issues"] = (self._clock.monotonic(), full_name, listed)
        return listed

    async def issue(self, person: Person, full_name: str, number: int) -> ReadIssue | None:
        """An issue or pull request; None where they do not see it, or there is none."""
        url = f"/repos/{segments(full_name)}/issues/{number}"
        async with self._asking(person) as ask:
            answer = await _or_none(ask(url))
        return None if answer is None else parse(IssueShape, answer.data).read()

    def _eyes(self, person: Person) -> _Eyes:
        eyes = self._people.get(person.id)
        if eyes is None:
            eyes = self._people[person.id] = _Eyes(self._new_api(Packed(MOST_BYTES)))
        return eyes

    def _before(self, eyes: _Eyes, kind: str, about: str) -> object | None:
        at, what, answer = eyes.told.get(kind, (0.0, "", None))
        return answer if what == about and self._clock.monotonic() - at < A_WHILE else None

    @asynccontextmanager
    async def _asking(self, person: Person) -> AsyncGenerator[Ask]:
        eyes = self._eyes(person)
        token = await self._token(person)
        try:
            async with eyes.turn:
                yield partial(self._ask, eyes, token)
        except Refused as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                self.forget(person.id)
            raise

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


async def _installations(ask: Ask) -> Many[Installed]:
    url = f"/user/installations?per_page={PAGE}"
    found = await _pages(
        ask, url, lambda data: parse(InstallationPage, data).installations, MOST_INSTALLATIONS
    )
    return Many(tuple(one.value() for one in found.items), found.complete)


async def _repositories(ask: Ask, installation_id: int, most: int) -> Many[OwnRepository]:
    url = f"/user/installations/{installation_id}/repositories?per_page={PAGE}"
    try:
        found = await _pages(ask, url, lambda data: parse(RepositoryPage, data).repositories, most)
    except Refused as error:
        if error.status not in HIDDEN:
            raise
        # It was removed a moment ago, is suspended, or wants a single sign-on first.
        return Many((), complete=error.status in GONE)
    return Many(tuple(one.value(installation_id) for one in found.items), found.complete)


async def _everywhere(ask: Ask) -> Many[OwnRepository]:
    installations = await _installations(ask)
    complete, found = installations.complete, list[OwnRepository]()
    for one in installations.items:
        if len(found) >= MOST_REPOSITORIES:
            complete = False
            break
        more = await _repositories(ask, one.id, MOST_REPOSITORIES - len(found))
        found.extend(more.items)
        complete = complete and more.complete
    return Many(_by_name(found), complete)


async def _pages(ask: Ask, url: str, read: Callable[[object], Sequence[T]], most: int) -> Many[T]:
    """The pages of a list, until there are `most` things in them."""
    found: list[T] = []
    next_url: str | None = url
    while next_url is not None and len(found) < most:
        answer = await ask(next_url)
        page = read(answer.data)
        found.extend(page)
        # A page with nothing on it that leads on would lead on for ever.
        next_url = answer.next_url if page else None
    return Many(tuple(found[:most]), next_url is None and len(found) <= most)


async def _or_none(asked: Awaitable[T]) -> T | None:
    try:
        return await asked
    except Refused as error:
        if error.status in GONE:
            return None
        raise


def _by_name(found: Sequence[OwnRepository]) -> tuple[OwnRepository, ...]:
    return tuple(sorted(found, key=lambda one: one.full_name.lower()))
