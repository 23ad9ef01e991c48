"""aiohttp's server, which repeats nothing of what it could not read, and tells no version.

What is wrong with a request is often beside a secret of it: aiohttp's own words quote the line,
such as a cookie that is too long, in the log and in the answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeAlias

import structlog
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawRequestMessage
from yarl import URL

from bot.http.problems import Problem, mark, new_id

_log = structlog.stdlib.get_logger(__name__)

UNREADABLE = (
    "This is no HTTP request that can be read: a line of it may be longer than 8,190 bytes, or its "
    "body compressed in a way that is not known here. If a browser sent it, remove its cookies."
)
NOWHERE = URL("//")
"""Where nothing is."""

Answerer: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

AHEAD: web.AppKey[Mapping[str, Answerer]] = web.AppKey("ahead")
"""Who answers to POST ahead of an application's router, middlewares and signals, which cost more
than all that is done for a delivery that asks for nothing: by the path as it was sent."""


class Runner(web.AppRunner):
    """Runs an application whose errors below it bear our name, too.

    What cannot be read as a request is answered before any signal of the application.
    """

    __slots__ = ()

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        factory = partial(_request, made.request_factory)
        answerer = made.request_handler
        if (ahead := self.app.get(AHEAD)) is not None:
            answerer = partial(_answer, ahead, answerer)
        return _Server(answerer, request_factory=factory, **self._kwargs)


def _answer(
    ahead: Mapping[str, Answerer], application: Answerer, request: web.BaseRequest
) -> Awaitable[web.StreamResponse]:
    handler = ahead.get(request.raw_path)
    # Other methods are refused by the application, and who waits to go on is told to.
    if handler is None or request.method != hdrs.METH_POST or hdrs.EXPECT in request.headers:
        return application(request)
    return handler(request)


def _request(
    factory: Callable[..., web.BaseRequest], message: RawRequestMessage, *rest: object
) -> web.BaseRequest:
    """A request, also where its address names a host that is none, such as `http://xn--/`.

    aiohttp notices that too late to answer it, and would leave the connection open for ever.
    """
    try:
        return factory(message, *rest)
    except UnicodeError:
        return factory(message._replace(url=NOWHERE), *rest)


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)


class _Protocol(web.RequestHandler):
    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        try:
            super().data_received(data)
        except IndexError:
            # The answer of aiohttp's URL library to an address such as `http://[a]@/`, which would
            # end the connection without a word. The parser takes nothing after it, and says so in
            # the way that is answered.
            super().data_received(b"\n")

    def log_exception(self, *args: object, **more: object) -> None:
        if not isinstance(more.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **more)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, HttpProcessingError):
            _log.debug("a request could not be read", problem=type(exc).__name__)
            answer: web.StreamResponse = Problem(400, UNREADABLE).response()
            answer.force_close()
        else:
            answer = super().handle_error(request, status, exc, message)
        mark(answer, new_id())
        return answer
