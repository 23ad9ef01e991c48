"""What is answered when GitHub, or a name server, was asked and did not say."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import contextmanager

from bot.github.errors import GitHubError
from bot.http.problems import Problem
from bot.outbound_guard import LookUpFailed

RETRY_AFTER = 5
"""Seconds, where GitHub does not name them."""


@contextmanager
def looking_up() -> Generator[None]:
    """Turn what GitHub refuses or fails at into a problem: a failed look-up is never a 404.

    Raises:
        Problem: 503.
    """
    try:
        yield
    except GitHubError as error:
        raise lookup_failed(error) from error
    except LookUpFailed as error:
        raise Problem(
            503,
            "The host of your URL could not be looked up in time, and nothing was changed. "
            "Try again later, and see that its name servers answer.",
            code="lookup_failed",
            headers={"Retry-After": str(RETRY_AFTER)},
        ) from error


def lookup_failed(error: GitHubError) -> Problem:
    """The answer to what cannot be decided since GitHub does not say what must be known."""
    wait = RETRY_AFTER if error.retry_after is None else max(1, math.ceil(error.retry_after))
    return Problem(
        503,
        "GitHub did not say what must be known for this, and nothing was changed. Try again later.",
        code="lookup_failed",
        headers={"Retry-After": str(wait)},
    )
