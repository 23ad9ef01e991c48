"""aiohttp's server, which does not tell its version to those who speak no HTTP."""

from __future__ import annotations

from aiohttp import web

from bot.http.problems import SERVER, new_id


class Runner(web.AppRunner):
    """Runs an application whose errors below it bear our name, too.

    What cannot be read as a request is answered before any signal of the application.
    """

    __slots__ = ()

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made.request_handler, request_factory=made.request_factory, **self._kwargs)


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)


class _Protocol(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        answer = super().handle_error(request, status, exc, message)
        answer.headers.update({"Server": SERVER, "X-Request-Id": new_id()})
        return answer
