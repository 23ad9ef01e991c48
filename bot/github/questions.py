"""What is asked of GitHub in a person's own name, page by page.

Each question gets `ask`, which sends one request for an address and gives the answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import urlencode

from bot.github.calls import segments
from bot.github.errors import Refused
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
from bot.github.shapes import parse, parse_list

if TYPE_CHECKING:
    from bot.github.transport import Answer

T = TypeVar("T")

Ask = Callable[[str], Awaitable["Answer"]]

PAGE = 100
MOST_REPOSITORIES = 2_000
"""Of all installations together; who sees more types the name."""
MOST_INSTALLATIONS = 100
MOST_ORGS = 200
MOST_ISSUES = 200
"""Open issues of a repository, those first that something happened to last."""

GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
HIDDEN = frozenset({*GONE, HTTPStatus.FORBIDDEN, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS})


@dataclass(frozen=True, slots=True)
class Many(Generic[T]):
    """What was found; not `complete` where there is more that was not asked for or not told."""

    items: tuple[T, ...]
    complete: bool = True


async def profile(ask: Ask) -> Profile:
    """Who they are."""
    return parse(Me, (await ask("/user")).data).value()


async def orgs(ask: Ask) -> Many[Org]:
    """The organisations that they belong to."""
    url = f"/user/orgs?per_page={PAGE}"
    found = await _pages(ask, url, partial(parse_list, ORGS), MOST_ORGS)
    return Many(tuple(one.value() for one in found.items), found.complete)


async def installations(ask: Ask) -> Many[Installed]:
    """Where the App is installed and they see a repository."""
    url = f"/user/installations?per_page={PAGE}"
    found = await _pages(
        ask, url, lambda data: parse(InstallationPage, data).installations, MOST_INSTALLATIONS
    )
    return Many(tuple(one.value() for one in found.items), found.complete)


async def repositories(
    ask: Ask, installation_id: int, most: int = MOST_REPOSITORIES
) -> Many[OwnRepository]:
    """What they see in one installation, by name."""
    url = f"/user/installations/{installation_id}/repositories?per_page={PAGE}"
    try:
        found = await _pages(ask, url, lambda data: parse(RepositoryPage, data).repositories, most)
    except Refused as error:
        if error.status not in HIDDEN:
            raise
        # It was removed a moment ago, is suspended, or wants a single sign-on first.
        return Many((), complete=error.status in GONE)
    return Many(_by_name([one.value(installation_id) for one in found.items]), found.complete)


async def everywhere(ask: Ask) -> Many[OwnRepository]:
    """What they see in all installations, by name."""
    places = await installations(ask)
    complete, found = places.complete, list[OwnRepository]()
    for one in places.items:
        if len(found) >= MOST_REPOSITORIES:
            complete = False
            break
        more = await repositories(ask, one.id, MOST_REPOSITORIES - len(found))
        found.extend(more.items)
        complete = complete and more.complete
    return Many(_by_name(found), complete)


async def issues(ask: Ask, full_name: str) -> Many[OpenIssue]:
    """A repository's open issues and pull requests."""
    query = urlencode({"state": "open", "sort": "updated", "per_page": PAGE})
    url = f"/repos/{segments(full_name)}/issues?{query}"
    found = await _pages(ask, url, partial(parse_list, ISSUES), MOST_ISSUES)
    return Many(tuple(one.listed() for one in found.items), found.complete)


async def issue(ask: Ask, full_name: str, number: int) -> ReadIssue:
    """One of a repository's issues and pull requests."""
    url = f"/repos/{segments(full_name)}/issues/{number}"
    return parse(IssueShape, (await ask(url)).data).read()


async def or_none(asked: Awaitable[T]) -> T | None:
    """What was asked for; None where GitHub says that there is no such thing for them."""
    try:
        return await asked
    except Refused as error:
        if error.status in GONE:
            return None
        raise


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


def _by_name(found: Sequence[OwnRepository]) -> tuple[OwnRepository, ...]:
    return tuple(sorted(found, key=lambda one: one.full_name.lower()))
