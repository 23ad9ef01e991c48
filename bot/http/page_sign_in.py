"""`/sign-in`: the one button that everything else is behind."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from bot.http.caller import Caller
from bot.http.own_path import own_path
from bot.http.pages import SIGN_IN, add, done, see_other, show
from bot.http.sign_in_words import WORDS, word_of

START = "/api/auth/github"

NOTICES = {"signed-out": "You are signed out."}


def add_sign_in(app: web.Application) -> None:
    """Serve the page."""
    add(app, "GET", SIGN_IN, _sign_in, public=True)


def sign_in_link(path: str) -> str:
    """Where the sign-in with GitHub begins, to come back to a path of ours."""
    return f"{START}?{urlencode({'next': path})}"


async def _sign_in(request: web.Request, caller: Caller | None) -> web.Response:
    after = own_path(request.query.get("next"))
    word = word_of(request.query.get("problem", ""))
    if caller is not None and word is None:
        return see_other(after)
    values = {
        "link": sign_in_link(after),
        "notice": done(request, NOTICES),
        "trouble": None if word is None else WORDS[word],
    }
    return show(request, "sign_in.html", values)
