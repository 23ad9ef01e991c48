"""What somebody is to the account that the App is installed on, as GitHub tells themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, NamedTuple

from bot.github.calls import segments
from bot.github.errors import Refused
from bot.github.personal import Account, InstallationPage
from bot.github.shapes import Shape, parse

if TYPE_CHECKING:
    from bot.github.transport import Answer

Ask = Callable[[str], Awaitable["Answer"]]

MOST_PAGES = 20
"""Pages of a hundred installations: somebody who sees more is asked to give up."""
HIDDEN = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS})


class Standing(StrEnum):
    """What somebody is to an installation."""

    STRANGER = "stranger"
    """They do not see it, or it is not there."""
    MEMBER = "member"
    """They see it, and that is all."""
    ADMIN = "admin"
    """The account is theirs, or they administer it."""
    UNTOLD = "untold"
    """They see it, and GitHub does not tell the App who administers its account."""


class Position(NamedTuple):
    """What somebody is to an installation, and the login of its account if they see it."""

    standing: Standing
    account: str | None = None


class Membership(Shape):
    """`GET /user/memberships/orgs/{org}`."""

    state: Literal["active", "pending"]
    role: str


async def position(ask: Ask, person_id: int, installation_id: int) -> Position:
    """What a person is to an installation, and whose it is; `ask` asks in their own name.

    Raises:
        Refused: GitHub refuses to tell.
    """
    account = await _account(ask, installation_id)
    if account is None:
        return Position(Standing.STRANGER)
    return Position(await _standing(ask, person_id, account), account.login)


async def _standing(ask: Ask, person_id: int, account: Account) -> Standing:
    if account.type == "Organization":
        return await _in_organisation(ask, account.login)
    own = account.type == "User" and account.id == person_id
    return Standing.ADMIN if own else Standing.MEMBER


async def _account(ask: Ask, installation_id: int) -> Account | None:
    """Whose installation it is, if the person sees it at all."""
    next_url: str | None = "/user/installations?per_page=100"
    for _ in range(MOST_PAGES):
        if next_url is None:
            return None
        answer = await ask(next_url)
        page = parse(InstallationPage, answer.data).installations
        for one in page:
            if one.id == installation_id:
                return one.value().account
        next_url = answer.next_url if page else None
    return None


async def _in_organisation(ask: Ask, login: str) -> Standing:
    """GitHub answers 403 where the App may not know members, 404 to those who are none."""
    try:
        answer = await ask(f"/user/memberships/orgs/{segments(login)}")
    except Refused as error:
        if error.status in HIDDEN:
            return Standing.UNTOLD
        if error.status == HTTPStatus.NOT_FOUND:
            return Standing.MEMBER
        raise
    found = parse(Membership, answer.data)
    admin = found.state == "active" and found.role == "admin"
    return Standing.ADMIN if admin else Standing.MEMBER
