"""What every page of Bellhop has: templates, style, who looks, and headers that let nothing in."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal, overload
from urllib.parse import urlencode

import aiohttp_jinja2
import jinja2
from aiohttp import hdrs, web

from bot.http import problems
from bot.http.access import Doorman
from bot.http.caller import Caller
from bot.http.page_errors import words_for
from bot.http.page_filters import FILTERS
from bot.http.problems import Problem
from bot.http.static_files import STATIC, add_static_files, static
from storage import StorageFailed

__all__ = ["STATIC"]

HERE = Path(__file__).parent
SIGN_IN = "/sign-in"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
}
"""No page runs or loads anything that is not a file of ours."""


Page = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]
"""A page for people who have signed in."""
PublicPage = Callable[[web.Request, Caller | None], Awaitable[web.StreamResponse]]

_DOORMAN = web.AppKey("page_doorman", Doorman)
_HANDLERS = web.AppKey("pages", set[Any])
_CALLER = web.RequestKey("page_caller", Caller)


def add_pages(app: web.Application, doorman: Doorman | None = None) -> None:
    """Let an application show pages; without a doorman nobody has signed in."""
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        filters=FILTERS,
    )
    aiohttp_jinja2.get_env(app).globals["static"] = static  # pyright: ignore[reportArgumentType]
    app[_HANDLERS] = set()
    if doorman is not None:
        app[_DOORMAN] = doorman
    app[problems.SHOWN] = _show_problem
    add_static_files(app)


@overload
def add(app: web.Application, method: str, path: str, page: Page) -> None: ...
@overload
def add(
    app: web.Application, method: str, path: str, page: PublicPage, *, public: Literal[True]
) -> None: ...
def add(
    app: web.Application, method: str, path: str, page: Callable[..., Any], *, public: bool = False
) -> None:
    """Serve a page: `page(request, caller)`.

    Who has not signed in goes to sign in and comes back; a `public` page is shown to everybody, and
    its caller may be None.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        caller = await _who(request)
        if caller is None and not public:
            return _to_sign_in(request)
        return await page(request, caller)

    app[_HANDLERS].add(handler)
    if method == hdrs.METH_GET:
        app.router.add_get(path, handler)
    else:
        app.router.add_route(method, path, handler)


def is_page(app: web.Application, handler: object) -> bool:
    """Whether a route's handler shows a page."""
    return handler in app[_HANDLERS]


def show(
    request: web.Request, template: str, values: Mapping[str, Any], status: int = 200
) -> web.Response:
    """A page made from a template, which is also told who looks and where they are."""
    caller = request.get(_CALLER)
    doorman = request.app.get(_DOORMAN)
    given = {
        "caller": caller,
        "operator": caller is not None and caller.operator,
        "form_token": doorman.forms.token(caller) if doorman and caller else "",
        "here": request.path,
        "notice": None,
        **values,
    }
    response = aiohttp_jinja2.render_template(template, request, given, status=status)
    response.headers.update(HEADERS)
    return response


def done(request: web.Request, notices: Mapping[str, str]) -> str | None:
    """What `?done=word` means, out of a page's own table: a template shows it as `notice`."""
    return notices.get(request.query.get("done", ""))


def see_other(path: str, word: str | None = None) -> web.Response:
    """To a page of ours after a form was taken, which says what was done by `?done=word`."""
    query = "" if word is None else "?" + urlencode({"done": word})
    return web.Response(status=303, headers={hdrs.LOCATION: f"{path}{query}"})


async def _who(request: web.Request) -> Caller | None:
    doorman = request.app.get(_DOORMAN)
    caller = None if doorman is None else await doorman.visitor(request)
    if caller is not None:
        request[_CALLER] = caller
    return caller


def _to_sign_in(request: web.Request) -> web.Response:
    reading = request.method in {hdrs.METH_GET, hdrs.METH_HEAD}
    query = "?" + urlencode({"next": request.path_qs}) if reading else ""
    return see_other(f"{SIGN_IN}{query}")


async def _show_problem(request: web.Request, problem: Problem) -> web.StreamResponse | None:
    """A problem as a page, for somebody who asked for one."""
    if not _wants_page(request):
        return None
    if problem.status == 401:  # noqa: PLR2004 - no credentials
        return _to_sign_in(request)
    if _CALLER not in request:
        with contextlib.suppress(Problem, StorageFailed):  # the page is for nobody in particular
            await _who(request)
    values = {"problem": problem, "words": words_for(problem)}
    response = show(request, "error.html", values, problem.status)
    response.headers.update(problem.headers)
    return response


def _wants_page(request: web.Request) -> bool:
    if is_page(request.app, request.match_info.handler):
        return True
    nowhere = request.match_info.http_exception is not None
    ours = request.path.startswith(("/api/", f"{STATIC}/"))
    return nowhere and not ours and "text/html" in request.headers.get(hdrs.ACCEPT, "")
