"""What the push gate asks of the rest of the bot, as values and a protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PushGrant:
    """Leave for one task to move one branch of one repository.

    `upstream` is the https address of the repository's `.git`. `head` is the branch's commit as
    Bellhop knows it (40 hex digits), or None while the branch does not exist. `pending` is the
    commit of a push that was begun and whose outcome Bellhop did not hear.
    """

    task_id: str
    upstream: str
    branch: str
    head: str | None
    pending: str | None


@dataclass(frozen=True, slots=True)
class PushRefusal:
    """No leave to push, with one sentence for the person or program that tried.

    Status 401 means that the token is not known (wrong, of another task, of an older attempt):
    nothing such a caller sends is read. Any other status (403, 409) means that the caller is known
    and may not push: it gets the sentence in git's own words where git can show it.
    """

    status: int
    sentence: str


class UpstreamError(Exception):
    """GitHub gave no usable answer. The text is a sentence for people and holds no secret."""


class PushDesk(Protocol):
    """Knows the tasks, and speaks to GitHub's API for the gate."""

    async def authorise(self, task_id: str, token: str) -> PushGrant | PushRefusal:
        """Say whether the bearer of `token` may push for the task, and where."""
        ...

    async def upstream_token(self, grant: PushGrant) -> str:
        """Give a token that may write the contents of that one repository.

        Raises:
            UpstreamError: GitHub gave none.
        """
        ...

    async def upstream_head(self, grant: PushGrant) -> str | None:
        """Ask GitHub for the branch's commit as it is now; None where there is no such branch.

        Raises:
            UpstreamError: GitHub could not be asked.
        """
        ...

    async def begun(self, grant: PushGrant, new: str) -> bool:
        """Store that a push of `new` is about to leave; False if the task is over or stopped.

        `pushed` or `failed` follows, or neither where GitHub's verdict was lost: `new` is pending
        then, until a later push or list of refs shows what became of it.
        """
        ...

    async def still_wanted(self, grant: PushGrant) -> bool:
        """Say whether the attempt may still push now; False if it is over or stopped."""
        ...

    async def pushed(self, grant: PushGrant, new: str) -> None:
        """Store that `new` is the branch's head and that no push is pending."""
        ...

    async def failed(self, grant: PushGrant, new: str, why: str) -> None:
        """Store that the push of `new` changed nothing, and forget that it was pending."""
        ...

    async def move_branch(self, grant: PushGrant, old: str, new: str) -> str | None:
        """Move the branch by GitHub's API without force; the sentence of a refusal, or None.

        Raises:
            UpstreamError: It is not known whether the branch moved.
        """
        ...

    async def drop_ref(self, grant: PushGrant, ref: str) -> None:
        """Remove a ref such as `refs/bellhop/…`; one that is not there is fine.

        Raises:
            UpstreamError: GitHub did not answer.
        """
        ...
