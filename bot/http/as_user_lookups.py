"""What is answered when GitHub, asked in a person's own name, refuses or does not say."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus

from aiohttp import hdrs

from bot.github.errors import GitHubError, Limited, Refused
from bot.http.lookups import lookup_failed
from bot.http.problems import Problem
from bot.user_tokens import SignInAgain

FORBIDDEN = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS})


@contextmanager
def looking_up_as_user() -> Generator[None]:
    """Turn what goes wrong into a problem: a failed look-up is never a 404 and no empty list.

    Raises:
        Problem: 401 `sign_in_again`, 403 `github_refused`, 503.
    """
    try:
        yield
    except SignInAgain:
        raise sign_in_again() from None
    except Limited as error:
        raise _limited(error) from error
    except Refused as error:
        raise _refused(error) from error
    except GitHubError as error:
        raise lookup_failed(error) from error


def sign_in_again() -> Problem:
    """The session is good, but GitHub takes no token of its person any more."""
    return Problem(
        401,
        "GitHub does not take your sign-in any more: it was revoked, or is too old. Sign in again.",
        code="sign_in_again",
        headers={hdrs.WWW_AUTHENTICATE: "Bearer"},
    )


def _refused(error: Refused) -> Problem:
    if error.status == HTTPStatus.UNAUTHORIZED:
        return sign_in_again()
    if error.status in FORBIDDEN:
        return Problem(
            403,
            f"GitHub does not show this to you through Bellhop: {error.message[:300]} An "
            "organisation with single sign-on wants you to sign in there first.",
            code="github_refused",
        )
    return lookup_failed(error)


def _limited(error: Limited) -> Problem:
    wait = max(1, math.ceil(error.retry_after))
    return Problem(
        503,
        "GitHub lets you ask no more for now: its limit counts all programs that act for you. "
        f"Wait {wait} seconds.",
        code="github_limited",
        headers={hdrs.RETRY_AFTER: str(wait)},
    )
