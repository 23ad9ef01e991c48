"""Errors as RFC 9457 problem documents, and a request id on every answer."""

from __future__ import annotations

import json
from http import HTTPStatus
from itertools import count
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web
from multidict import CIMultiDict, istr

from bot import trail
from storage.sqlite import StorageFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from aiohttp.typedefs import Handler

_log = structlog.stdlib.get_logger(__name__)

REQUEST_ID = web.RequestKey("request_id", str)
"""Our own number of a request: one that comes from outside proves nothing."""

_BEGUN = web.RequestKey("answer_begun", bool)
"""Set on a request once its answer begins."""

RETRY_AFTER = 30
"""Seconds after which a client may hope that the database works again."""

SHOWN: web.AppKey[Callable[[web.Request, Problem], Awaitable[web.StreamResponse | None]]] = (
    web.AppKey("problem_shown")
)
"""How an application shows a problem to somebody who looks at its pages; None: they do not."""

SERVER = "bellhop"
"""All that is said of what answers: what it is made of is nobody's business."""

_NUMBER = istr("X-Request-Id")
_THEIRS = ("Cache-Control", "X-Content-Type-Options")
"""What an answer may say otherwise than all."""
_EVERY = CIMultiDict(
    {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Server": SERVER}
)

_process = token_hex(6)
_numbers = count(1)


class Problem(Exception):  # noqa: N818 - the standard's own word
    """An answer other than success, for a person or program to act on.

    Args:
        status: HTTP status, 400 or above.
        detail: What happened and what to do next; shown to the client.
        title: The kind of problem; the status's phrase unless given.
        code: A word for programs.
        errors: For a bad body: `{"field": …, "message": …}` each.
        headers: Further response headers, such as `Retry-After`.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        title: str | None = None,
        code: str | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.title = title or HTTPStatus(status).phrase
        self.code = code
        self.errors = errors
        self.headers = headers or {}

    def response(self) -> web.Response:
        """The problem as an answer."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.code is not None:
            document["code"] = self.code
        if self.errors:
            document["errors"] = [dict(error) for error in self.errors]
        return web.Response(
            status=self.status,
            body=json.dumps(document).encode(),
            content_type="application/problem+json",
            headers=self.headers,
        )


def install(app: web.Application) -> None:
    """Turn every error of an application into a problem, and number its answers."""
    app.middlewares.append(_problems)
    app.on_response_prepare.append(_number)


async def _number(request: web.Request, response: web.StreamResponse) -> None:
    request[_BEGUN] = True
    mark(response, request.get(REQUEST_ID) or new_id())


def mark(response: web.StreamResponse, number: str) -> None:
    """Let an answer say what every one says, unless it says otherwise itself."""
    said, ours = response.headers, head(number)
    ours.update({name: said[name] for name in _THEIRS if name in said})
    said.update(ours)


def head(number: str) -> CIMultiDict[str]:
    """What the head of every answer says, with a number of ours.

    None is kept on the way that does not say so itself: what two people get at one address differs,
    and some of it is a secret shown once. And none is taken for something else than it says. An id
    that comes from outside proves nothing.
    """
    ours = _EVERY.copy()
    ours[_NUMBER] = number
    return ours


def new_id() -> str:
    """An id for a request, that no other request of this Bellhop has."""
    return f"{_process}-{next(_numbers)}"


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    request[REQUEST_ID] = number = new_id()
    trail.begin_request(number, request.match_info.get("task_id"))
    try:
        return await handler(request)
    except Exception as error:
        if request.get(_BEGUN):
            raise  # A stream has begun: a second answer would be read as a part of it.
        problem = problem_of(error, request, number)
        show = request.app.get(SHOWN)
        shown = None if show is None else await show(request, problem)
        return problem.response() if shown is None else shown


def problem_of(error: Exception, request: web.BaseRequest, number: str) -> Problem:
    """What an error is to who asked, and in the log if it is ours.

    Raises:
        web.HTTPException: It is no error: it leads elsewhere.
    """
    match error:
        case Problem():
            return error
        case ConnectionError() if request.transport is None:
            _log.info("a client left before its request was read", path=request.path)
            return Problem(400, "You left before your request was read.")
        case web.HTTPException():
            if error.status < HTTPStatus.BAD_REQUEST:
                raise error
            return _of_aiohttp(error)
        case web.RequestPayloadError():
            return Problem(400, "The body is not packed as Content-Encoding says, or was cut off.")
        case StorageFailed():
            _log.error("storage failed", path=request.path, problem=str(error))
            return _unstored()
        case _:
            _log.error("request failed", path=request.path, request_id=number, exc_info=error)
            return _internal(number)


def _of_aiohttp(error: web.HTTPException) -> Problem:
    """What aiohttp itself refuses: unknown addresses, other methods, bodies that are too large."""
    allow = error.headers.get("Allow")
    match error.status:
        case 404:
            detail = "There is nothing at this address. Check its spelling."
        case 405:
            detail = f"This address answers to {allow}."
        case 413:
            detail = "The body is too large. Send less at once."
        case _:
            detail = f"The request was refused: {error.reason}."
    return Problem(error.status, detail, headers={"Allow": allow} if allow else None)


def _unstored() -> Problem:
    return Problem(
        503,
        "The database cannot store anything at the moment, and nothing was changed. "
        "Try again later; its operator finds the reason in the log.",
        code="storage_failed",
        headers={"Retry-After": str(RETRY_AFTER)},
    )


def _internal(request_id: str) -> Problem:
    return Problem(
        500,
        f"Something went wrong here. The operator finds it in the log as request {request_id}.",
        code="internal",
    )
