"""`/settings/defaults`: what one's tasks, or an installation's, begin with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from math import isfinite
from typing import Any, Final

from aiohttp import web

from bot.http import pages
from bot.http.bodies import valid
from bot.http.caller import Caller
from bot.http.config_bodies import ConfigBody
from bot.http.forms import Forms
from bot.http.page_forms import mendable, messages, text_in
from bot.http.page_scopes import ScopedPages, Seen
from bot.http.problems import Problem
from bot.preferences import Preferences
from bot.providers import PROVIDERS
from handlers.options import MAX_CONCURRENCY, MAX_TIME_LIMIT, MIN_TIME_LIMIT

MINUTE: Final = 60
DIGITS: Final = 12
"""Of a number in the form: as many as bring back what is stored."""
NOTICES = {"saved": "Saved. Tasks that are asked for from now on begin with it."}
TAG = "seen"
"""The field with the tag of what was set when the form was shown."""
TEXTS = ("agent", "model", "runner", "image")
WORDS = {
    "timeLimit": f"Give minutes, from {MIN_TIME_LIMIT // MINUTE} to {MAX_TIME_LIMIT // MINUTE:,}.",
    "maxCost": "Give dollars, more than 0.",
    "concurrency": f"Give a whole number from 1 to {MAX_CONCURRENCY}.",
}
"""What is wrong with a number, in the unit of the form."""


@dataclass(frozen=True, slots=True)
class DefaultsPages:
    """What the pages need."""

    preferences: Preferences
    forms: Forms

    def register(self, app: web.Application) -> None:
        """Serve the pages."""
        scoped = ScopedPages(self.preferences)
        scoped.add(app, "GET", "", self._show)
        scoped.add(app, "POST", "", self._save)

    async def _show(self, request: web.Request, caller: Caller, seen: Seen) -> web.Response:
        del caller
        body = await self.preferences.read(seen.scope)
        return await self._page(request, seen, _given(body) | {TAG: body.value().tag})

    async def _page(
        self,
        request: web.Request,
        seen: Seen,
        given: Mapping[str, str],
        problem: Problem | None = None,
    ) -> web.Response:
        told = messages(problem)
        values = {
            **seen.values(),
            "offered": (await self.preferences.overview(seen.scope)).offered,
            "models": [f"{one.name}/{model}" for one in PROVIDERS.values() for model in one.models],
            "given": given,
            "problems": {field: WORDS.get(field, text) for field, text in told.items()},
            "notice": pages.done(request, NOTICES),
        }
        return pages.show(request, "defaults.html", values, problem.status if problem else 200)

    async def _save(self, request: web.Request, caller: Caller, seen: Seen) -> web.Response:
        fields = await self.forms.read(request, caller)
        given = {name: text_in(fields, name) for name in (*TEXTS, *WORDS, TAG)}
        try:
            body = valid(json.dumps(_body(given)), ConfigBody)
            await self.preferences.write(seen.scope, body, (given[TAG],) if given[TAG] else ())
        except Problem as problem:
            if problem.status == HTTPStatus.PRECONDITION_FAILED:
                return await self._overtaken(request, seen, problem)
            return await self._page(request, seen, given, mendable(problem))
        return pages.see_other(seen.first, "saved")

    async def _overtaken(self, request: web.Request, seen: Seen, problem: Problem) -> web.Response:
        """Show what somebody else has set: saved unseen, it would be gone without a word."""
        body = await self.preferences.read(seen.scope)
        return await self._page(request, seen, _given(body) | {TAG: body.value().tag}, problem)


def _given(body: ConfigBody) -> dict[str, str]:
    """What stands in the form for what is stored."""
    minutes = None if body.time_limit is None else body.time_limit / MINUTE
    numbers = (minutes, body.max_cost, body.concurrency)
    texts = (body.agent, body.model, body.runner, body.image)
    return {name: text or "" for name, text in zip(TEXTS, texts, strict=True)} | {
        name: "" if number is None else f"{number:.{DIGITS}g}"
        for name, number in zip(WORDS, numbers, strict=True)
    }


def _body(given: Mapping[str, str]) -> dict[str, Any]:
    """What a program would send; a number that is none is sent as it is, and so refused."""
    return {name: given[name] or None for name in TEXTS} | {
        "timeLimit": _number(given["timeLimit"], MINUTE),
        "maxCost": _number(given["maxCost"]),
        "concurrency": _number(given["concurrency"]),
    }


def _number(text: str, times: int = 1) -> float | int | str | None:
    if not text:
        return None
    try:
        number = float(text) * times
    except ValueError:
        return text
    if not isfinite(number):
        return text
    if times != 1:
        # A third of a minute, as it can be written, is 20 seconds.
        number = round(number, 4)
    return int(number) if number.is_integer() else number
