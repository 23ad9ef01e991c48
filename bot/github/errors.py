"""The few ways in which a call to GitHub can fail, whatever was called."""

from __future__ import annotations


class GitHubError(Exception):
    """A call to GitHub failed."""

    @property
    def retry_after(self) -> float | None:
        """How many seconds to wait before the next try, where that is known."""
        return None


class Unavailable(GitHubError):  # noqa: N818  states what GitHub is, as its callers read it
    """GitHub could not be reached, broke, or answered something unreadable: try again later.

    `maybe_done` tells that a write may have taken place all the same: look before repeating it.
    """

    def __init__(self, message: str, *, maybe_done: bool) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done


class Limited(GitHubError):  # noqa: N818  states what we are, as its callers read it
    """A rate limit of GitHub or of our own pace: nothing was done, try after `retry_after` s."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"GitHub's rate limit asks to wait for {retry_after:.0f} s")
        self._retry_after = retry_after

    @property
    def retry_after(self) -> float:
        """How many seconds to wait before the next try."""
        return self._retry_after


class Refused(GitHubError):  # noqa: N818  states what GitHub did, as its callers read it
    """GitHub said no for good: `status` is its HTTP status, `message` its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"GitHub refused with {status}: {message}")
        self.status = status
        self.message = message


class NotText(Refused):
    """A file is there, but is too large or no text in UTF-8; `message` is a sentence about it."""


class OAuthRefused(GitHubError):  # noqa: N818  states what GitHub did, as its callers read it
    """GitHub gave no user token: `code` is its word for why, such as `bad_verification_code`.

    Such answers come with the status 200.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"GitHub gave no token: {code}: {message}")
        self.code = code
