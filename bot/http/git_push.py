"""One push that is let through: begun, carried to GitHub, judged there, remembered.

Git's protocol does not say whether an update is forced, and GitHub would take one that is. So an
update goes to a staging ref first, and GitHub's API then moves the branch without force; only the
creation of a branch, which overwrites nothing, goes straight to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.http import git_commands
from bot.http.git_advert import STAGING
from bot.http.git_body import Upload
from bot.http.git_commands import ZERO
from bot.http.git_desk import UpstreamError
from bot.http.git_report import ReportReader
from bot.http.git_upstream import PushLostError, Upstream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

    from bot.http.git_body import GateLimits, PushBody
    from bot.http.git_commands import Command, PushRequest
    from bot.http.git_desk import PushDesk, PushGrant

STOPPED: Final = "the task has ended or was stopped; nothing was pushed"
_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a worker sent: the head of the push, the first bytes of its pack, and the rest."""

    request: PushRequest
    pack_start: bytes
    body: PushBody


@dataclass(frozen=True, slots=True)
class Carrier:
    """Takes pushes to GitHub for one gate."""

    desk: PushDesk
    session: aiohttp.ClientSession
    limits: GateLimits

    async def carry(
        self, grant: PushGrant, parcel: Parcel, say: Callable[[bytes], Awaitable[None]]
    ) -> str | None:
        """Push; None when the branch has moved, else the sentence that says why it has not.

        Raises:
            UpstreamError: GitHub could not be asked before anything was sent.
        """
        command = parcel.request.commands[0]
        token = await self.desk.upstream_token(grant)
        grant = await self._caught_up(grant, command)
        if refused := git_commands.stale(command, grant):
            return refused
        creates = command.old == ZERO
        sent = command if creates else git_commands.staged(command, staging_ref(grant))
        head = git_commands.encode(parcel.request, sent)
        if not await self.desk.begun(grant, command.new):
            return STOPPED
        upload = Upload(head, parcel.pack_start, parcel.body)
        reader = ReportReader(sent.ref, side_band=parcel.request.side_band)
        upstream = Upstream(self.session, grant.upstream, token, self.limits)
        sending = upstream.push(upload, reader, say)
        try:
            refused = await (sending if creates else self._update(grant, command, sending))
        except PushLostError as lost:
            return await self._settle(grant, command.new, lost)
        if refused is None:
            await self.desk.pushed(grant, command.new)
        else:
            await self.desk.failed(grant, command.new, refused)
        return refused

    async def sweep(self, grant: PushGrant) -> None:
        """Remove the task's staging ref; one that stays is removed before the next push."""
        try:
            await self.desk.drop_ref(grant, staging_ref(grant).decode())
        except UpstreamError as error:
            _log.warning("staging ref left behind", task=grant.task_id, reason=str(error))

    async def _caught_up(self, grant: PushGrant, command: Command) -> PushGrant:
        """Take an earlier push as done if GitHub has it and this one starts from it."""
        if grant.pending is None or command.old == (grant.head or ZERO):
            return grant
        if await self.desk.upstream_head(grant) != grant.pending:
            return grant
        await self.desk.pushed(grant, grant.pending)
        return replace(grant, head=grant.pending, pending=None)

    async def _update(
        self, grant: PushGrant, command: Command, staging: Awaitable[str | None]
    ) -> str | None:
        try:
            if refused := await staging:
                return refused
            if not await self.desk.still_wanted(grant):  # the upload may have taken an hour
                return STOPPED
            return await self.desk.move_branch(grant, command.old, command.new)
        except PushLostError as lost:
            raise PushLostError(str(lost), maybe_taken=False) from lost
        except UpstreamError as error:
            raise PushLostError(str(error), maybe_taken=True) from error
        finally:
            await self.sweep(grant)

    async def _settle(self, grant: PushGrant, new: str, lost: PushLostError) -> str | None:
        """Find out what became of a push without a verdict.

        One that may yet come through stays pending: the next list of refs will tell.
        """
        if not lost.maybe_taken:
            await self.desk.failed(grant, new, str(lost))
            return str(lost)
        try:
            taken = await self.desk.upstream_head(grant) == new
        except UpstreamError:
            taken = False
        if not taken:
            return str(lost)
        await self.desk.pushed(grant, new)
        return None


def staging_ref(grant: PushGrant) -> bytes:
    """Name the ref that holds an update until GitHub has judged it."""
    return STAGING + grant.task_id.encode()
