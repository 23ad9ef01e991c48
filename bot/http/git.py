"""The push gate: git's smart HTTP for `git push`, and for one branch of one task only.

Routes, under `/api/git/{task_id}` and `/api/v1/git/{task_id}`: `info/refs` and
`git-receive-pack` (git's `Documentation/gitprotocol-http.txt`). A push that is refused is read to
its end and answered with a report, because git prints nothing of an HTTP error at that point;
before it, git prints a short text/plain body as `remote: …`.
"""

from __future__ import annotations

import base64
from contextlib import aclosing
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import web

from bot.http import git_commands, git_report, pktline
from bot.http.git_advert import AdvertFilter
from bot.http.git_body import BodyError, GateLimits, PushBody, read_head
from bot.http.git_desk import PushGrant, PushRefusal, UpstreamError
from bot.http.git_push import Carrier, Parcel, staging_ref
from bot.http.git_upstream import (
    ADVERTISEMENT_TYPE,
    RECEIVE_PACK,
    REQUEST_TYPE,
    RESULT_TYPE,
    Upstream,
)
from bot.http.pktline import PktError

if TYPE_CHECKING:
    import aiohttp

    from bot.http.git_desk import PushDesk

PREFIXES: Final = ("/api/git/{task_id}", "/api/v1/git/{task_id}")
FETCH_ELSEWHERE: Final = "Bellhop only takes pushes; fetch from GitHub directly."
WHO_ARE_YOU: Final = "Push with the worker's token, as a bearer token or as the password."
BUSY: Final = "another push of this task is under way; push again when it has ended"
_NO_CACHE: Final = {"Cache-Control": "no-cache, max-age=0, must-revalidate"}


class GitGate:
    """Lets a worker's push through to GitHub where its task allows it."""

    def __init__(
        self,
        desk: PushDesk,
        session: aiohttp.ClientSession,
        limits: GateLimits | None = None,
    ) -> None:
        self._desk = desk
        self._session = session
        self._limits = limits or GateLimits()
        self._carrier = Carrier(desk, session, self._limits)
        self._under_way: set[str] = set()

    def register(self, app: web.Application) -> None:
        """Add the gate's routes to an application."""
        for prefix in PREFIXES:
            app.router.add_get(f"{prefix}/info/refs", self._info_refs, allow_head=False)
            app.router.add_post(f"{prefix}/{RECEIVE_PACK}", self._receive_pack)
            app.router.add_post(f"{prefix}/git-upload-pack", _no_fetch)

    async def _info_refs(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("service") != RECEIVE_PACK:
            return await _no_fetch(request)
        grant = await self._authorise(request)
        if isinstance(grant, web.Response):
            return grant
        if isinstance(grant, PushRefusal):
            return _text(grant.status, grant.sentence)
        answer = web.StreamResponse(headers={**_NO_CACHE, "Content-Type": ADVERTISEMENT_TYPE})
        try:
            await self._advertise(request, grant, answer)
        except UpstreamError as error:
            return await _failed_list(answer, str(error))
        except PktError as error:
            return await _failed_list(
                answer, f"GitHub's list of refs makes no sense ({error}); push again in a minute"
            )
        return answer

    async def _advertise(
        self, request: web.Request, grant: PushGrant, answer: web.StreamResponse
    ) -> None:
        token = await self._desk.upstream_token(grant)
        branch, staging = b"refs/heads/" + grant.branch.encode(), staging_ref(grant)
        refs = AdvertFilter(frozenset({branch, staging}))
        upstream = Upstream(self._session, grant.upstream, token, self._limits)
        async with aclosing(upstream.advertisement()) as chunks:
            async for chunk in chunks:
                part = refs.feed(chunk)
                if refs.ended and grant.task_id not in self._under_way:
                    await self._tidy(grant, refs.heads.get(branch), staged=staging in refs.heads)
                if part:
                    await answer.prepare(request)
                    await answer.write(part)
        if not refs.ended:
            raise PktError("it was cut off")

    async def _tidy(self, grant: PushGrant, head: str | None, *, staged: bool) -> None:
        """Make good what a crash left between GitHub's answer and Bellhop's memory of it.

        It has to happen here: git sends no push at all when the branch is there already.
        """
        if grant.pending is not None and head == grant.pending:
            await self._desk.pushed(grant, grant.pending)
        if staged:  # one that stays would refuse every further push
            await self._desk.drop_ref(grant, staging_ref(grant).decode())

    async def _receive_pack(self, request: web.Request) -> web.StreamResponse:
        if request.content_type != REQUEST_TYPE:
            return _text(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send {REQUEST_TYPE}.")
        grant = await self._authorise(request)
        if isinstance(grant, web.Response):
            return grant
        body = PushBody(request.content, self._limits)
        try:
            push, pack_start = await read_head(body)
        except (PktError, BodyError) as error:
            return _text(HTTPStatus.BAD_REQUEST, f"Bellhop cannot read this push: {error}.")
        if not push.commands:
            # Before a large pack git sends an empty push, to learn whether it may begin at all.
            return web.Response(headers=_NO_CACHE, content_type=RESULT_TYPE)
        if not push.wants_report:
            return _text(HTTPStatus.BAD_REQUEST, "Push with a git that reads report-status.")
        answer = _Answer(request, side_band=push.side_band)
        refused = await self._judge(grant, Parcel(push, pack_start, body), answer)
        await body.drain()
        return await answer.finish([command.ref for command in push.commands], refused)

    async def _judge(
        self, grant: PushGrant | PushRefusal, parcel: Parcel, answer: _Answer
    ) -> str | None:
        if isinstance(grant, PushRefusal):
            return grant.sentence
        if refused := git_commands.refusal(parcel.request, grant):
            return refused
        if grant.task_id in self._under_way:
            return BUSY
        self._under_way.add(grant.task_id)
        try:
            return await self._carrier.carry(grant, parcel, answer.say)
        except UpstreamError as error:
            return str(error)
        finally:
            self._under_way.discard(grant.task_id)

    async def _authorise(self, request: web.Request) -> PushGrant | PushRefusal | web.Response:
        token = bearer(request.headers.get("Authorization", ""))
        if token is None:
            challenge = {"WWW-Authenticate": 'Basic realm="Bellhop"'}
            return _text(HTTPStatus.UNAUTHORIZED, WHO_ARE_YOU, challenge)
        leave = await self._desk.authorise(request.match_info["task_id"], token)
        if isinstance(leave, PushRefusal) and leave.status == HTTPStatus.UNAUTHORIZED:
            # A second 401 would make git ask for another password and hide the sentence.
            return _text(HTTPStatus.FORBIDDEN, leave.sentence)
        return leave


class _Answer:
    """The answer to a push, begun with the first thing there is to say.

    A worker that has gone away is no reason to stop: GitHub may be moving the branch just then.
    """

    def __init__(self, request: web.Request, *, side_band: bool) -> None:
        self._request = request
        self._side_band = side_band
        self._response = web.StreamResponse(headers={**_NO_CACHE, "Content-Type": RESULT_TYPE})
        self._gone = False

    async def say(self, text: bytes) -> None:
        """Pass on what GitHub says to the person who pushes."""
        if self._side_band:
            await self._write(git_report.progress(text))

    async def finish(self, refs: list[bytes], refused: str | None) -> web.StreamResponse:
        """Report all of `refs` as refused with that sentence, or with None as taken."""
        await self._write(git_report.encode(refs, refused, side_band=self._side_band))
        return self._response

    async def _write(self, data: bytes) -> None:
        if self._gone:
            return
        try:
            if not self._response.prepared:
                await self._response.prepare(self._request)
            await self._response.write(data)
        except ConnectionError:
            self._gone = True


def bearer(header: str) -> str | None:
    """Read the worker's token from an `Authorization` header; None where it holds none."""
    scheme, _, value = header.partition(" ")
    value = value.strip()
    if scheme.lower() == "basic":
        try:
            value = base64.b64decode(value, validate=True).decode().partition(":")[2]
        except ValueError:  # no base64, not even ASCII, or no UTF-8 inside
            return None
    elif scheme.lower() != "bearer":
        return None
    return value or None


async def _no_fetch(_request: web.Request) -> web.Response:
    return _text(HTTPStatus.FORBIDDEN, FETCH_ELSEWHERE)


async def _failed_list(answer: web.StreamResponse, sentence: str) -> web.StreamResponse:
    """Tell what went wrong: as an error of HTTP, or of git where its list has begun."""
    if not answer.prepared:
        return _text(HTTPStatus.BAD_GATEWAY, sentence)
    await answer.write(pktline.encode(b"ERR " + sentence.encode()))
    return answer


def _text(status: int, sentence: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, text=f"{sentence}\n", headers={**_NO_CACHE, **(headers or {})}
    )
